"""What commands print for people: tables in columns, waiting times in words, outside text made harmless."""

from __future__ import annotations

from collections.abc import Sequence

from common.texts import current_language


def printable(text: str) -> str:
    """Text from outside, its control characters and changes of direction replaced: it cannot steer a terminal."""
    return "".join(sign if sign.isprintable() else f"<{ord(sign):02x}>" for sign in text)


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table. Cells are made harmless; each column is as wide as its longest cell."""
    cells = [tuple(map(printable, row)) for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def format_age(seconds: float) -> str:
    """A waiting time in its two largest units, such as `1 d 3 h`, in Italian `1 g 3 h`."""
    minutes = max(0, int(seconds // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} {'g' if current_language() == 'it' else 'd'} {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
