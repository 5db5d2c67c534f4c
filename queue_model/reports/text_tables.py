"""Figures and tables as plain text, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from charter.kpi_definitions import DEFINITIONS
from queue_model.reports.texts import TEXTS
from queue_model.runs.measures.estimates import Estimate

EMPTY = "-"
NO_STEADY_STATE = TEXTS["en"]["unsteady"]


def number(value: float | None, kind: str) -> str:
    """A share in per cent, or seconds; `-` when nothing was measured."""
    if value is None:
        return EMPTY
    return f"{100 * value:.2f} %" if kind == "share" else f"{value:,.1f} s"


def interval(estimate: Estimate, kind: str) -> str:
    """`97.02 ... 97.31 %`; shares are clipped to 0 ... 100 %, waits to 0 and above."""
    if estimate.low is None or estimate.high is None:
        return EMPTY
    low, high = max(0.0, estimate.low), estimate.high
    if kind == "share":
        return f"{100 * low:.2f} ... {100 * min(1.0, high):.2f} %"
    return f"{low:,.1f} ... {high:,.1f} s"


def kind(name: str) -> str:
    return DEFINITIONS[name].kind


def table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """The lines of a table; the first `left` columns align left, the others right. The first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for index, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if index == 0:
            lines.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
    return lines


def wrapped(text: str, indent: str = "", width: int = 110) -> Iterable[str]:
    """The lines of a paragraph, each with the indent."""
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent) or [indent]
