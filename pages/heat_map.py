"""A table of values as a picture: one coloured cell for each pair of settings, as SVG without any library.

Colours run from dark blue (low) over green to yellow (high) and keep their order for readers who do not see red or
green, and in a black and white print. The value stands in its cell, so nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ((62, 41, 107), (45, 88, 138), (30, 136, 136), (82, 184, 111), (190, 216, 72), (250, 231, 60))
NOTHING = "#e6e6e6"
CELL_WIDTH, CELL_HEIGHT, TEXT = 92, 36, 13
FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True)
class Panel:
    """One map: a value for each row and column, None where there is none; `words` are what the cells show."""

    title: str
    values: Sequence[Sequence[float | None]]
    words: Sequence[Sequence[str]]


def svg(
    title: str, across: str, columns: Sequence[str], down: str, rows: Sequence[str], panels: Sequence[Panel],
    *, inline: bool = False,
) -> str:  # fmt: skip
    """The panels one under the other, on one scale of colours; a file, or with `inline` a part of a page."""
    known = [value for panel in panels for row in panel.values for value in row if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    left = 24 + 8 * max(map(len, (*rows, down)))
    width = max(left + CELL_WIDTH * len(columns) + 16, 8 * len(title) + 32)
    step = CELL_HEIGHT * len(rows) + 78
    height = 40 + step * len(panels)
    size = f"viewBox='0 0 {width} {height}' role='img' font-size='{TEXT}'"
    # A page knows what svg is, brings its letters, and shrinks a picture only as far as it can still be read.
    alone = f"xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT}"
    lines = [
        f"<svg {size} style='min-width:{0.75 * width:.0f}px;max-width:{width}px'>"
        if inline
        else f"<svg {size} {alone}>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
        _text(16, 24, title, "start", "#111", weight=600),
    ]
    for number, panel in enumerate(panels):
        lines += _panel(panel, left, 40 + step * number, across, columns, down, rows, (low, high))
    return "\n".join([*lines, "</svg>", ""])


def _panel(
    panel: Panel, left: int, top: int, across: str, columns: Sequence[str], down: str, rows: Sequence[str],
    scale: tuple[float, float],
) -> list[str]:  # fmt: skip
    lines = [_text(16, top + 16, panel.title, "start", "#111")] if panel.title else []
    lines.append(_text(left + CELL_WIDTH * len(columns) / 2, top + 34, across, "middle", "#444"))
    lines.append(_text(left - 10, top + 52, down, "end", "#444"))
    for column, label in enumerate(columns):
        lines.append(_text(left + CELL_WIDTH * (column + 0.5), top + 52, label, "middle", "#111"))
    for row, label in enumerate(rows):
        y = top + 60 + CELL_HEIGHT * row
        lines.append(_text(left - 10, y + CELL_HEIGHT / 2 + 5, label, "end", "#111"))
        for column in range(len(columns)):
            fill, ink = colours(panel.values[row][column], *scale)
            x = left + CELL_WIDTH * column
            lines.append(f"<rect x='{x}' y='{y}' width='{CELL_WIDTH - 2}' height='{CELL_HEIGHT - 2}' fill='{fill}'/>")
            middle = (x + CELL_WIDTH / 2 - 1, y + CELL_HEIGHT / 2 + 4)
            lines.append(_text(*middle, panel.words[row][column], "middle", ink))
    return lines


def colours(value: float | None, low: float, high: float) -> tuple[str, str]:
    """The colour of a cell between the lowest and the highest value, and that of the letters on it."""
    if value is None:
        return NOTHING, "#111"
    place = (value - low) / (high - low) * (len(COLOURS) - 1) if high > low else (len(COLOURS) - 1) / 2
    below = min(int(place), len(COLOURS) - 2)
    part = place - below
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(COLOURS[below], COLOURS[below + 1], strict=True))
    # Perceived brightness (ITU-R BT.601): dark letters on light cells, white ones on dark.
    ink = "#111" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#fff"
    return f"#{red:02x}{green:02x}{blue:02x}", ink


def _text(x: float, y: float, text: str, anchor: str, fill: str, weight: int = 400) -> str:
    place = f"x='{x:g}' y='{y:g}' text-anchor='{anchor}' fill='{fill}' font-weight='{weight}'"
    return f"<text {place}>{escape(text)}</text>"
