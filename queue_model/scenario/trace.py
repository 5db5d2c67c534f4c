"""A trace: recorded calls, one a line, to simulate as they came.

A CSV file with the column `at` and, if known, `topic`. `at` is epoch seconds or a local date and time,
`2026-10-05T09:03:12.5`; add an offset (`+01:00`) if a local time happens twice.
"""

from __future__ import annotations

import csv
import math
import os
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from queue_model.errors import ModelError


class TraceError(ModelError):
    """An unusable trace; the message names the line."""


class Trace(NamedTuple):
    """Calls in order: epoch seconds, and topics ("" if unknown)."""

    at: list[float]
    topics: list[str]


def read_trace(path: str, zone: str) -> Trace:
    """Read the calls of a trace. Raises `TraceError`, also when they are not in order."""
    trace = Trace([], [])
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if "at" not in (rows.fieldnames or ()):
                raise TraceError(f'{path}: no column "at"; the first line names the columns: at,topic')
            for row in rows:
                trace.at.append(_instant(row["at"], ZoneInfo(zone), f"{path}: line {rows.line_num}"))
                trace.topics.append((row.get("topic") or "").strip())
                if len(trace.at) > 1 and trace.at[-1] < trace.at[-2]:
                    what = f"{row['at']} is earlier than the call before it; sort the file by time"
                    raise TraceError(f"{path}: line {rows.line_num}: {what}")
    except FileNotFoundError:
        raise TraceError(f"{path}: not found; put it beside the scenario") from None
    except OSError as problem:
        raise TraceError(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise TraceError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except csv.Error as problem:
        raise TraceError(f"{path}: not a CSV table: {problem}") from None
    if not trace.at:
        raise TraceError(f"{path}: no calls")
    return trace


def latest_trace(path: str, zone: str) -> Trace:
    """As `read_trace`, but read the file again only if it has changed: many studies share one."""
    try:
        status = os.stat(path)
    except OSError:
        return read_trace(path, zone)
    return _read(path, zone, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=2)
def _read(path: str, zone: str, _stamp: tuple[int, int]) -> Trace:
    return read_trace(path, zone)


def _instant(text: str | None, zone: ZoneInfo, where: str) -> float:
    word = (text or "").strip()
    try:
        seconds = float(word)
    except ValueError:
        return _local(word, zone, where)
    if not math.isfinite(seconds):
        raise TraceError(f"{where}: {word} is not a time; write 2026-10-05T09:03:12, or epoch seconds")
    return seconds


def _local(word: str, zone: ZoneInfo, where: str) -> float:
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise TraceError(f'{where}: "{word}" is not a time; write 2026-10-05T09:03:12, or epoch seconds') from None
    if moment.tzinfo is not None:
        return moment.timestamp()
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.timestamp()
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise TraceError(f"{where}: {word} never happened: clocks went from 2 to 3; correct it")
    raise TraceError(f"{where}: {word} happened twice: clocks went back from 3 to 2; write its offset, like +01:00")
