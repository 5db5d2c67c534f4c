"""Master.csv, Asterisk's call detail records: only which channel belongs to which call is read from them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import NamedTuple

_ID = re.compile(r"[\w.:-]*[0-9]{9,10}\.[0-9]+", re.ASCII)
_UNIQUEID, _LINKEDID, _MIN_COLUMNS = 16, -2, 19  # of Master.csv with loguniqueid and newcdrcolumns


def are_ids(unique: str, linked: str) -> bool:
    """Whether these are the identifiers of a channel and of a call."""
    return bool(_ID.fullmatch(unique) and _ID.fullmatch(linked))


class Links(NamedTuple):
    """What some lines of a Master.csv contain."""

    pairs: list[tuple[str, str]]  # UNIQUEID and LINKEDID of a channel
    records: int  # lines, also those without the two


def channel_links(lines: Iterable[str]) -> Links:
    """UNIQUEID and LINKEDID of the channel in each line of a Master.csv; lines without both are counted."""
    links: list[tuple[str, str]] = []
    reader, records = csv.reader(lines), 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return Links(links, records)
        except csv.Error:
            records += 1
            continue
        records += bool(row)
        if len(row) >= _MIN_COLUMNS and are_ids(row[_UNIQUEID], row[_LINKEDID]):
            links.append((row[_UNIQUEID], row[_LINKEDID]))
