"""A heat map as SVG, without a library: one coloured cell for each pair of settings.

Colours run from dark blue (low) through green to yellow (high). Their order stays visible in black and white print and
for readers who do not see red or green. Each cell shows its value, so colour alone carries no meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pages.colours import contrast
from pages.svg import text

COLOURS = ((62, 41, 107), (45, 88, 138), (30, 136, 136), (82, 184, 111), (190, 216, 72), (250, 231, 60))
NOTHING = "#e6e6e6"
CELL_HEIGHT, TEXT = 36, 13
NARROWEST, LETTER = 56, 8  # width of a cell, and about that of a character
FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True)
class Panel:
    """One map: a value for each row and column (None: there is none), and the texts that the cells show."""

    title: str
    values: Sequence[Sequence[float | None]]
    texts: Sequence[Sequence[str]]


def svg(
    title: str, across: str, columns: Sequence[str], down: str, rows: Sequence[str], panels: Sequence[Panel],
    *, inline: bool = False,
) -> str:  # fmt: skip
    """The panels one below the other, on one colour scale.

    A file of its own; with `inline` a part of a page, whose heading shows the title.
    """
    known = [value for panel in panels for row in panel.values for value in row if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    left = 24 + LETTER * max(map(len, (*rows, down)))
    cell = _cell_width([*columns, *(cell_text for panel in panels for row in panel.texts for cell_text in row)])
    width = max(left + cell * len(columns) + 16, 0 if inline else LETTER * len(title) + 32)
    head = (18 if any(panel.title for panel in panels) else 0) + (18 if across else 0)
    step, top = CELL_HEIGHT * len(rows) + 42 + head, 0 if inline else 40
    height = top + step * len(panels)
    size = f"viewBox='0 0 {width} {height}' role='img' font-size='{TEXT}'"
    # A page brings the namespace and the font, and shrinks a picture only as far as it stays readable.
    alone = f"xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT}"
    lines = [
        f"<svg {size} style='min-width:{0.75 * width:.0f}px;max-width:{width}px'>"
        if inline
        else f"<svg {size} {alone}>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
    ]
    lines += [] if inline else [text(16, 24, title, "start", "#111", "font-weight='600'")]
    for number, panel in enumerate(panels):
        lines += _panel(panel, (left, top + step * number + head, cell), across, columns, down, rows, (low, high))
    return "\n".join([*lines, "</svg>", ""])


def _panel(
    panel: Panel, place: tuple[int, int, int], across: str, columns: Sequence[str], down: str, rows: Sequence[str],
    scale: tuple[float, float],
) -> list[str]:  # fmt: skip
    left, top, wide = place
    lines = [text(16, top - (20 if across else 2), panel.title, "start", "#111")] if panel.title else []
    if across:
        lines.append(text(left + wide * len(columns) / 2, top - 2, across, "middle", "#444"))
    if down:
        lines.append(text(left - 10, top + 16, down, "end", "#444"))
    for column, label in enumerate(columns):
        lines.append(text(left + wide * (column + 0.5), top + 16, label, "middle", "#111"))
    for row, label in enumerate(rows):
        y = top + 24 + CELL_HEIGHT * row
        lines.append(text(left - 10, y + CELL_HEIGHT / 2 + 5, label, "end", "#111"))
        for column in range(len(columns)):
            fill, ink = colours(panel.values[row][column], *scale)
            x = left + wide * column
            lines.append(f"<rect x='{x}' y='{y}' width='{wide - 2}' height='{CELL_HEIGHT - 2}' fill='{fill}'/>")
            middle = (x + wide / 2 - 1, y + CELL_HEIGHT / 2 + 4)
            lines.append(text(*middle, panel.texts[row][column], "middle", ink))
    return lines


def _cell_width(texts: Sequence[str]) -> int:
    """The width of all cells, wide enough for the longest of these texts."""
    return max(NARROWEST, LETTER * max(map(len, texts), default=0) + 20)


def colours(value: float | None, low: float, high: float) -> tuple[str, str]:
    """The colour of a cell between the lowest and the highest value, and the colour of its text."""
    if value is None:
        return NOTHING, "#111"
    place = (value - low) / (high - low) * (len(COLOURS) - 1) if high > low else (len(COLOURS) - 1) / 2
    below = min(int(place), len(COLOURS) - 2)
    part = place - below
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(COLOURS[below], COLOURS[below + 1], strict=True))
    fill = f"#{red:02x}{green:02x}{blue:02x}"
    # Black or white text, whichever has more contrast; it is always at least 4.5 to 1.
    ink = "#000" if contrast(fill, "#000000") > contrast(fill, "#ffffff") else "#fff"
    return fill, ink
