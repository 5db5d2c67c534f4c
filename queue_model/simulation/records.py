"""What happened, one row per call, e-mail, call-back and interval of an operator; nothing is added up here.

Both engines fill these arrays in the same canonical order, so that two runs are the same when their bytes are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]


class Outcome(IntEnum):
    """How an attempt to call ended."""

    ANSWERED = 0
    ABANDONED = 1  # out of patience, or left at once when the wait was announced
    VOICEMAIL_KEY = 2  # pressed the key while waiting
    VOICEMAIL_TIMEOUT = 3  # reached the longest wait
    VOICEMAIL_EMPTY = 4  # was waiting when the last operator left
    VOICEMAIL_FULL = 5  # as many callers waiting as may
    VOICEMAIL_BUSY = 6  # nobody free, or nobody there, and the policy says voicemail at once
    VOICEMAIL_CLOSED = 7  # called outside hours
    BLOCKED = 8  # no line
    WAITING = 9  # nobody ever came, and nothing made him leave


class Work(IntEnum):
    """What an operator did in an interval."""

    CALL = 0  # talk and wrap-up
    CALLBACK = 1
    EMAIL = 2
    BREAK = 3
    SEATED = 4  # from sitting down to leaving; the others lie within


class Source(IntEnum):
    """Where a second-level request came from."""

    CALL = 0
    EMAIL = 1


# Times first, and widths that fill the row to a multiple of 8: every byte is a field's, so the same record has the same
# bytes. Times are seconds of the period; wait, talk and wrap are durations in seconds.
CALL = np.dtype(
    [
        ("entered", "f8"),
        ("wait", "f8"),
        ("talk", "f8"),
        ("wrap", "f8"),
        ("left", "f8"),
        ("entity", "i4"),
        ("operator", "i4"),
        ("attempt", "i2"),
        ("topic", "i2"),
        ("priority", "i2"),
        ("outcome", "u1"),
        ("message", "?"),
    ]
)
MAIL = np.dtype(
    [("arrived", "f8"), ("started", "f8"), ("ended", "f8"), ("entity", "i4"), ("operator", "i4"), ("topic", "i8")]
)
CALLBACK = np.dtype(
    [
        ("created", "f8"),
        ("started", "f8"),
        ("ended", "f8"),
        ("entity", "i4"),
        ("operator", "i4"),
        ("attempt", "i4"),
        ("topic", "i4"),
    ]
)
WORK = np.dtype(
    [("start", "f8"), ("end", "f8"), ("operator", "i4"), ("reference", "i4"), ("attempt", "i4"), ("kind", "i4")]
)
SECOND = np.dtype(
    [("created", "f8"), ("started", "f8"), ("ended", "f8"), ("entity", "i4"), ("attempt", "i2"), ("source", "i2")]
)


def table(rows: Rows, number: type[np.generic]) -> NDArray[Any]:
    """The same memory as a table of numbers of one type, a line for each row."""
    plain = rows.view(number)
    return plain.reshape(len(rows), rows.dtype.itemsize // plain.itemsize)


def taken(rows: Rows, which: NDArray[np.intp]) -> Rows:
    """`rows[which]`, each copied whole; NumPy would copy field by field."""
    return np.take(table(rows, np.uint64), which, axis=0).view(rows.dtype).reshape(-1)


@dataclass(frozen=True, eq=False)
class Records:
    """The record of one run. Rows in canonical order: `calls` by entity and attempt, `mails` and `callbacks` by entity,
    `work` by operator and then as he did it, `second` by instant, source and entity."""

    calls: Rows
    mails: Rows
    callbacks: Rows
    work: Rows
    second: Rows

    def same_as(self, other: Records) -> str:
        """Empty when every value is the same to the last bit, else the first difference in words."""
        for each in fields(self):
            words = _difference(each.name, getattr(self, each.name), getattr(other, each.name))
            if words:
                return words
        return ""


def _difference(name: str, mine: Rows, theirs: Rows) -> str:
    first = -1
    for field in mine.dtype.names or ():
        both = min(len(mine), len(theirs))
        a: NDArray[Any] = mine[field][:both]
        b: NDArray[Any] = theirs[field][:both]
        same = a == b
        if a.dtype.kind == "f":
            same |= np.isnan(a) & np.isnan(b)
        if not same.all():
            row = int(np.argmin(same))
            first = row if first < 0 else min(first, row)
    if first < 0:
        return "" if len(mine) == len(theirs) else f"{name}: {len(mine)} rows against {len(theirs)}"
    values = [
        f"{field} {mine[field][first]} against {theirs[field][first]}"
        for field in mine.dtype.names or ()
        if repr(mine[field][first]) != repr(theirs[field][first])
    ]
    whose = next(key for key in ("entity", "operator", "reference") if key in (mine.dtype.names or ()))
    return f"{name}: row {first} ({whose} {mine[whose][first]}): {', '.join(values)}"
