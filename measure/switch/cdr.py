"""Master.csv, Asterisk's call detail records: only which channel belongs to which call is read from them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable

_ID = re.compile(r"[\w.:-]*[0-9]{9,10}\.[0-9]+", re.ASCII)
_UNIQUEID, _LINKEDID, _MIN_COLUMNS = 16, -2, 19  # of Master.csv with loguniqueid and newcdrcolumns


def channel_links(lines: Iterable[str]) -> list[tuple[str, str]]:
    """UNIQUEID and LINKEDID of the channel in each line of a Master.csv; lines without both are skipped."""
    links: list[tuple[str, str]] = []
    reader = csv.reader(lines)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return links
        except csv.Error:
            continue
        if len(row) >= _MIN_COLUMNS and _ID.fullmatch(row[_UNIQUEID]) and _ID.fullmatch(row[_LINKEDID]):
            links.append((row[_UNIQUEID], row[_LINKEDID]))
