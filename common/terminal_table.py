"""What commands print for people: text from outside made harmless, tables in columns, waiting times in words."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str) -> str:
    """Text from outside for a terminal: no control character, no change of direction reaches it."""
    return "".join(sign if sign.isprintable() else f"<{ord(sign):02x}>" for sign in text)


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's lines, its cells made harmless, each column as wide as its longest cell."""
    cells = [tuple(map(printable, row)) for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def format_age(seconds: float) -> str:
    """How long somebody has been waiting, in the two largest units."""
    minutes = max(0, int(seconds // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
