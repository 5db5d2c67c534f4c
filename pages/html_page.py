"""The frame, style, sections and tables of a page: one file without scripts that loads nothing.

It suits narrow screens and print. All text from outside (titles, names) is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from common.languages import Language

SHORT = 10  # characters; a row heading up to this length is not wrapped
# A browser may load nothing; the page contains its style.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light; --ink: #1b2430; --soft: #55606e; --line: #d5dbe3; --dark: #1f4e8c; --paper: #f4f6f9 }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 68rem; margin: 0 auto; padding: 1.25rem 1rem 3rem }
h1 { font-size: clamp(1.35rem, 4.5vw, 2rem); line-height: 1.2; margin: .5rem 0; text-wrap: balance }
h2 { font-size: 1.25rem; line-height: 1.25; margin: 0 0 .35rem }
p { margin: .35rem 0; max-width: 62ch }
.soft, caption, footer { color: var(--soft); font-size: .92rem }
section { background: #fff; border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 1rem 0 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0;
  padding: 0; list-style: none }
.cards li { background: #fff; border: 1px solid var(--line); border-top: .3rem solid var(--dark); border-radius: .6rem;
  padding: .6rem .75rem }
.cards strong { display: block; font-size: 1.65rem; line-height: 1.25; font-variant-numeric: tabular-nums }
.cards span { display: block; font-size: .88rem; line-height: 1.35 }
.pair, .below { display: grid; gap: 1rem; margin-top: .75rem }
.pair > *, .below > * { min-width: 0 }
figure { margin: 0 }
.pair figure { align-self: start; position: sticky; top: 1rem }
svg { display: block; width: 100%; max-width: 40rem; height: auto; font-family: inherit }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .35rem 0 0; padding: 0; list-style: none;
  font-size: .9rem }
.key i { display: inline-block; width: .95rem; height: .8rem; margin-right: .4rem; vertical-align: -.05rem }
.key i.thin { height: .2rem; vertical-align: .25rem }
/* What lies beyond an edge throws a shadow on it; the white that hides the shadow moves with the table. */
.scroll { overflow-x: auto; margin-top: .75rem; background:
  linear-gradient(90deg, #fff 40%, #fff0) left / 2.5rem 100% no-repeat local,
  linear-gradient(270deg, #fff 40%, #fff0) right / 2.5rem 100% no-repeat local,
  linear-gradient(90deg, #0002, #0000) left / .7rem 100% no-repeat scroll,
  linear-gradient(270deg, #0002, #0000) right / .7rem 100% no-repeat scroll }
.pair > .scroll, .below > .scroll { margin-top: 0 }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums }
caption { text-align: left; padding: 0 0 .3rem }
th, td { padding: .28rem .5rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { border-bottom: 2px solid var(--soft); vertical-align: bottom; line-height: 1.25 }
tbody th, thead th:first-child { text-align: left; font-weight: 500; padding-left: 0; position: sticky; left: 0;
  background: #fff }
.short { white-space: nowrap }
td:last-child, th:last-child { padding-right: 0 }
td { white-space: nowrap }
td small { display: block }
tbody th small { display: block; font-weight: 400; color: var(--soft); font-size: .85rem; line-height: 1.4;
  max-width: 62ch }
.holds, .fails, .unsure { font-weight: 600; white-space: normal }
.holds { color: #1d7044 } .fails { color: #a3261b } .unsure { color: #7a5200 }
@media (min-width: 56rem) { .pair { grid-template-columns: minmax(0, 11fr) minmax(0, 9fr) } }
@media (max-width: 30rem) {
  section { padding: .85rem .7rem }
  table { font-size: .86rem }
  th, td { padding: .28rem .22rem }
  .pair figure { position: static }
  /* A heading of many words goes above its figures, which share the line below it, each under its own name. */
  .words thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  .words tr { display: flex; flex-wrap: wrap; gap: 0 1rem; border-bottom: 1px solid var(--line) }
  .words tbody th { flex: 1 0 100%; position: static }
  .words th, .words td { border: 0; padding-left: 0; text-align: left }
  /* Read aloud is the heading of the column; the second `content` keeps it from being read twice, where it is known. */
  .words td::before { content: attr(data-of); content: attr(data-of) / ""; display: block; font-size: .8rem;
    font-weight: 400; color: var(--soft) }
}
@media print { body { background: #fff } section { break-inside: avoid } }
"""


def page(title: str, language: Language, body: Sequence[str]) -> str:
    """The whole page; `body` is markup."""
    return "\n".join([
        "<!DOCTYPE html>",
        f'<html lang="{language}">',
        "<head>",
        '<meta charset="utf-8"/>',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body><main>",
        *body,
        "</main></body>",
        "</html>",
        "",
    ])  # fmt: skip


def report(
    title: str, language: Language, introduction: Sequence[str], sections: Sequence[str], notes: Sequence[str] = ()
) -> str:
    """A page with its heading, introduction, sections and closing notes. `sections` are markup, all else is text."""
    footer = f"<footer>{''.join(f'<p>{escape(each)}</p>' for each in notes)}</footer>"
    return page(
        title,
        language,
        [
            f"<h1>{escape(title)}</h1>",
            *(f'<p class="soft">{escape(each)}</p>' for each in introduction),
            *sections,
            *([footer] if notes else []),
        ],
    )


def warning(text: str) -> str:
    """A paragraph that stands out, for the head of a report."""
    return f'<p class="fails">{escape(text)}</p>'


def figure_section(
    heading: str, text: Sequence[str], picture: str, key: Sequence[tuple[str, str, str]], beside: str,
    *, wide: bool = False,
) -> str:  # fmt: skip
    """A section with text, a picture with its key (colour, `bar` or `thin`, text), and a table beside it.

    A `wide` table goes below the picture.
    """
    marks = "".join(
        f'<li><i class="{shape}" style="background:{colour}"></i>{escape(label)}</li>' for colour, shape, label in key
    )
    keyed = f'<ul class="key">{marks}</ul>' if marks else ""
    return section(
        heading, text, f'<div class="{"below" if wide else "pair"}"><figure>{picture}{keyed}</figure>{beside}</div>'
    )


def section(heading: str, text: Sequence[str], inside: str) -> str:
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in text)
    return f"<section><h2>{escape(heading)}</h2>{paragraphs}{inside}</section>"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, long_headings: bool = False) -> str:
    """A table whose first column holds the row headings; text that is not `Markup` is escaped.

    Keys scroll a table that is too wide. With `long_headings` each row heading takes a line of its own on a telephone,
    and each figure shows the name of its column.
    """
    top = "".join(f'<th scope="col" role="columnheader">{escape(each)}</th>' for each in head)
    names = [f' data-of="{escape(each)}"' if long_headings else "" for each in head[1:]]
    lines = []
    for first, *others in rows:
        named = zip(names, others, strict=True)
        cells = "".join(f'<td role="cell"{name}>{_cell(each)}</td>' for name, each in named)
        short = ' class="short"' if len(first) <= SHORT else ""
        lines.append(f'<tr role="row"><th scope="row" role="rowheader"{short}>{_cell(first)}</th>{cells}</tr>')
    style = "scroll words" if long_headings else "scroll"
    return (
        f'<div class="{style}" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table role="table"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{top}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
    )


def scrollable(picture: str, name: str) -> str:
    """A picture that may be wider than a telephone; keys scroll it as well. `name` is read aloud."""
    return f'<div class="scroll" role="group" tabindex="0" aria-label="{escape(name)}">{picture}</div>'


class Markup(str):
    """Text that is already markup; everything from outside in it is escaped."""

    __slots__ = ()


def _cell(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)
