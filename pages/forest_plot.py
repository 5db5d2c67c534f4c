"""Differences as a picture: a dot and its interval for each row, on one scale with nought in the middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from pages.colours import GRID, INK, SOFT

WIDTH, EDGE, ROW, FOOT = 420, 10, 40, 24


@dataclass(frozen=True)
class Row:
    """One difference with its interval, None where there is none; its colour, and both in words."""

    name: str
    value: float | None
    ends: tuple[float, float] | None
    colour: str
    said: str


def forest_plot(title: str, rows: Sequence[Row], said: Callable[[float], str]) -> str:
    """The rows one under the other; `said` writes a mark of the scale."""
    reach = _reach(rows)
    foot = ROW * len(rows) + 6
    lines = []
    for mark in (-reach, -reach / 2, 0.0, reach / 2, reach):
        x, colour = _x(mark, reach), INK if mark == 0 else GRID
        lines.append(f"<path d='M{x:.1f} 4V{foot}' stroke='{colour}'/>")
        anchor = "start" if mark == -reach else "end" if mark == reach else "middle"
        lines.append(_text(x, foot + 15, said(mark), anchor, SOFT))
    for n, row in enumerate(rows):
        lines += _row(row, ROW * n, reach)
    head = f"<svg viewBox='0 0 {WIDTH} {foot + FOOT}' role='img' font-size='12'><title>{escape(title)}</title>"
    return "\n".join([head, *lines, "</svg>"])


def _row(row: Row, top: float, reach: float) -> list[str]:
    y = top + 28
    # A white edge keeps the letters apart from the lines of the scale behind them.
    lines = [_text(EDGE, top + 16, row.name, "start", INK, halo=True)]
    lines.append(_text(WIDTH - EDGE, top + 16, row.said, "end", INK, halo=True))
    if row.ends is not None:
        a, b = (_x(each, reach) for each in row.ends)
        path = f"M{a:.1f} {y}H{b:.1f}M{a:.1f} {y - 4}v8M{b:.1f} {y - 4}v8"
        lines.append(f"<path d='{path}' stroke='{row.colour}' stroke-width='2' fill='none'/>")
    if row.value is not None:
        lines.append(f"<circle cx='{_x(row.value, reach):.1f}' cy='{y}' r='4' fill='{row.colour}'/>")
    return lines


def _reach(rows: Sequence[Row]) -> float:
    """How far the scale goes to either side: a round number that everything lies within."""
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


def _text(x: float, y: float, text: str, anchor: str, fill: str, *, halo: bool = False) -> str:
    edge = " stroke='white' stroke-width='4' paint-order='stroke'" if halo else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' fill='{fill}'{edge}>{escape(text)}</text>"
