"""The record of a run: one row per call, e-mail, call-back and interval of an operator, without any totals.

Both engines fill these arrays in the same canonical order, so two runs are equal if their bytes are.
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
    ABANDONED = 1  # out of patience, or left at once because of the announced wait
    VOICEMAIL_KEY = 2  # pressed the key while waiting
    VOICEMAIL_TIMEOUT = 3  # reached the longest wait
    VOICEMAIL_EMPTY = 4  # waiting when the last operator left
    VOICEMAIL_FULL = 5  # the queue was full
    VOICEMAIL_BUSY = 6  # no operator free or logged in, and the policy is voicemail at once
    VOICEMAIL_CLOSED = 7  # called outside hours
    BLOCKED = 8  # no free line
    WAITING = 9  # never answered, and never left


class Work(IntEnum):
    """What an operator did in an interval."""

    CALL = 0  # talk and wrap-up
    CALLBACK = 1
    EMAIL = 2
    BREAK = 3
    SEATED = 4  # from sitting down to leaving; contains all other intervals


class Source(IntEnum):
    """The origin of a second-level request."""

    CALL = 0
    EMAIL = 1


# Times come first, and the widths add up to a multiple of 8 without padding, so equal records have equal bytes. Times
# are seconds of the period; wait, talk and wrap are durations in seconds.
CALL_ROW = np.dtype(
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
MAIL_ROW = np.dtype(
    [("arrived", "f8"), ("started", "f8"), ("ended", "f8"), ("entity", "i4"), ("operator", "i4"), ("topic", "i8")]
)
CALLBACK_ROW = np.dtype(
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
WORK_ROW = np.dtype(
    [("start", "f8"), ("end", "f8"), ("operator", "i4"), ("reference", "i4"), ("attempt", "i4"), ("kind", "i4")]
)
SECOND_LEVEL_ROW = np.dtype(
    [("created", "f8"), ("started", "f8"), ("ended", "f8"), ("entity", "i4"), ("attempt", "i2"), ("source", "i2")]
)


def as_table(rows: Rows, number: type[np.generic]) -> NDArray[Any]:
    """The same memory as a table of numbers of one type, with a line for each row."""
    plain = rows.view(number)
    return plain.reshape(len(rows), rows.dtype.itemsize // plain.itemsize)


def take_rows(rows: Rows, which: NDArray[np.intp]) -> Rows:
    """`rows[which]`, copied row by row; NumPy would copy field by field, which is slower."""
    return np.take(as_table(rows, np.uint64), which, axis=0).view(rows.dtype).reshape(-1)


@dataclass(frozen=True, eq=False)
class Records:
    """The record of one run, in canonical order.

    `calls` are sorted by entity and attempt, `mails` and `callbacks` by entity, `work` by operator and time, and
    `second` by instant, source and entity.
    """

    calls: Rows
    mails: Rows
    callbacks: Rows
    work: Rows
    second: Rows

    def same_as(self, other: Records) -> str:
        """An empty text if every value is equal to the last bit, otherwise the first difference."""
        for each in fields(self):
            difference = _difference(each.name, getattr(self, each.name), getattr(other, each.name))
            if difference:
                return difference
        return ""


def _difference(name: str, first_rows: Rows, other_rows: Rows) -> str:
    first = -1
    for field in first_rows.dtype.names or ():
        both = min(len(first_rows), len(other_rows))
        a: NDArray[Any] = first_rows[field][:both]
        b: NDArray[Any] = other_rows[field][:both]
        same = a == b
        if a.dtype.kind == "f":
            same |= np.isnan(a) & np.isnan(b)
        if not same.all():
            row = int(np.argmin(same))
            first = row if first < 0 else min(first, row)
    if first < 0:
        return "" if len(first_rows) == len(other_rows) else f"{name}: {len(first_rows)} rows against {len(other_rows)}"
    values = [
        f"{field} {first_rows[field][first]} against {other_rows[field][first]}"
        for field in first_rows.dtype.names or ()
        if repr(first_rows[field][first]) != repr(other_rows[field][first])
    ]
    whose = next(key for key in ("entity", "operator", "reference") if key in (first_rows.dtype.names or ()))
    return f"{name}: row {first} ({whose} {first_rows[whose][first]}): {', '.join(values)}"
