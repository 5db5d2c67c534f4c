"""The history of calls for a forecast, by day and half-hour, from a CSV of counts or of single calls.

Counts: columns `day` (2026-10-05), `half_hour` (09:30) and `calls`. Single calls: the column `at`, as in a trace.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from typing import IO

import numpy as np

from charter.calendar import ONE_DAY, OpeningHours
from queue_model.errors import ModelError
from queue_model.fitting.maximum_likelihood import Floats
from queue_model.scenario.trace import read_trace

STEP = 30  # minutes
SLOTS = 24 * 60 // STEP
MOST_DAYS = 20 * 366


class HistoryError(ModelError):
    """An unusable history; the message names the file and the line."""


@dataclass(frozen=True, eq=False)
class History:
    """The calls of consecutive days; a day without a record is a gap (nan), not a day without calls."""

    first: date
    counts: Floats  # [days, SLOTS]

    @property
    def days(self) -> list[date]:
        return [self.first + number * ONE_DAY for number in range(len(self.counts))]

    @property
    def totals(self) -> Floats:
        """[days], nan for a gap."""
        return np.asarray(self.counts.sum(axis=1))

    def until(self, days: int) -> History:
        """The first `days` days."""
        return History(self.first, self.counts[:days])


def read_history(path: str, hours: OpeningHours) -> History:
    """The history in a file. Raises `HistoryError` (or `TraceError` for single calls), naming the line."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            columns = next(csv.reader(file), [])
            if {"day", "half_hour", "calls"} <= set(columns):
                file.seek(0)
                return history_of_counts(_counts(path, file))
    except FileNotFoundError:
        raise HistoryError(f"{path}: no such file; give a CSV with the columns day,half_hour,calls, or at") from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise HistoryError(f"{path}: {problem}") from None
    if "at" not in columns:
        what = "the first line must name the columns: day,half_hour,calls (counts) or at (single calls)"
        raise HistoryError(f"{path}: line 1: {what}")
    return history_of_calls(read_trace(path, hours.zone.key).at, hours)


def history_of_calls(at: list[float], hours: OpeningHours) -> History:
    """The history of single calls. A day without calls between days with calls counts as a gap."""
    counted: dict[tuple[date, int], float] = {}
    for instant in at:
        local = hours.local(instant)
        place = (local.date(), (local.hour * 60 + local.minute) // STEP)
        counted[place] = counted.get(place, 0.0) + 1
    return history_of_counts(counted)


def history_of_counts(counted: dict[tuple[date, int], float]) -> History:
    """The history of counts by (day, half-hour of the day)."""
    days = sorted({day for day, _ in counted})
    first, number = days[0], (days[-1] - days[0]).days + 1
    if number > MOST_DAYS:
        raise HistoryError(f"history: from {first} to {days[-1]}, more than 20 years; correct the wrong date")
    counts = np.full((number, SLOTS), np.nan)
    for day in days:
        counts[(day - first).days] = 0
    for (day, slot), calls in counted.items():
        counts[(day - first).days, slot] = calls
    return History(first, counts)


def _counts(path: str, file: IO[str]) -> dict[tuple[date, int], float]:
    found: dict[tuple[date, int], float] = {}
    rows = csv.DictReader(file)
    for row in rows:
        where = f"{path}: line {rows.line_num}"
        place = _day(row["day"], where), _slot(row["half_hour"], where)
        if place in found:
            raise HistoryError(f"{where}: {row['day']} {row['half_hour']} occurs twice; keep one of the lines")
        found[place] = _calls(row["calls"], where)
    if not found:
        raise HistoryError(f"{path}: no lines after the heading; write one for each half-hour")
    return found


def _day(cell: str | None, where: str) -> date:
    try:
        return date.fromisoformat((cell or "").strip())
    except ValueError:
        raise HistoryError(f'{where}: "{cell or ""}" is not a day; write 2026-10-05') from None


def _slot(cell: str | None, where: str) -> int:
    hour, colon, minute = (cell or "").strip().partition(":")
    valid = colon and hour.isascii() and hour.isdigit() and int(hour) < 24 and minute in ("00", "30")
    if not valid:
        raise HistoryError(f'{where}: "{cell or ""}" is not a half-hour; write 09:00 or 09:30')
    return int(hour) * 2 + (minute == "30")


def _calls(cell: str | None, where: str) -> float:
    text = (cell or "").strip()
    if not (text.isascii() and text.isdigit()):
        raise HistoryError(f'{where}: "{cell or ""}" is not a number of calls; write 0 or more')
    return float(text)
