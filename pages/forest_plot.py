"""A forest plot: a dot and its interval for each difference, on one scale with 0 in the middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pages.colours import GRID, INK, SOFT
from pages.svg import picture, text

WIDTH, EDGE, ROW, FOOT = 420, 10, 40, 24
HALO = "stroke='white' stroke-width='4' paint-order='stroke'"  # separates text from the grid lines behind it


@dataclass(frozen=True)
class Row:
    """One difference with its interval (None: there is none), its colour and its value as text."""

    name: str
    value: float | None
    ends: tuple[float, float] | None
    colour: str
    label: str


def forest_plot(title: str, rows: Sequence[Row], mark_label: Callable[[float], str]) -> str:
    """The plot of these rows; `mark_label` writes a mark of the scale."""
    reach = _reach(rows)
    foot = ROW * len(rows) + 6
    lines = []
    for mark in (-reach, -reach / 2, 0.0, reach / 2, reach):
        x, colour = _x(mark, reach), INK if mark == 0 else GRID
        lines.append(f"<path d='M{x:.1f} 4V{foot}' stroke='{colour}'/>")
        anchor = "start" if mark == -reach else "end" if mark == reach else "middle"
        lines.append(text(x, foot + 15, mark_label(mark), anchor, SOFT))
    for n, row in enumerate(rows):
        lines += _row(row, ROW * n, reach)
    return picture(title, WIDTH, foot + FOOT, lines)


def _row(row: Row, top: float, reach: float) -> list[str]:
    y = top + 28
    lines = [text(EDGE, top + 16, row.name, "start", INK, HALO)]
    lines.append(text(WIDTH - EDGE, top + 16, row.label, "end", INK, HALO))
    if row.ends is not None:
        a, b = (_x(each, reach) for each in row.ends)
        path = f"M{a:.1f} {y}H{b:.1f}M{a:.1f} {y - 4}v8M{b:.1f} {y - 4}v8"
        lines.append(f"<path d='{path}' stroke='{row.colour}' stroke-width='2' fill='none'/>")
    if row.value is not None:
        lines.append(f"<circle cx='{_x(row.value, reach):.1f}' cy='{y}' r='4' fill='{row.colour}'/>")
    return lines


def _reach(rows: Sequence[Row]) -> float:
    """The end of the scale on either side: a round number that no row exceeds."""
    most = max((abs(end) for row in rows for end in (*(row.ends or ()), row.value or 0.0)), default=0.0)
    if not most:
        return 1.0
    power = 10.0
    while power >= most:
        power /= 10
    while power * 10 < most:
        power *= 10
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= most - 1e-12)


def _x(value: float, reach: float) -> float:
    return WIDTH / 2 + value / reach * (WIDTH / 2 - EDGE)
