"""The days that a replication simulates: a real calendar, in seconds since its first midnight.

Inside the model, time is elapsed seconds, so the day on which clocks go back has 90,000 of them. Half-hours, shifts and
opening hours are local times, in minutes of the day; they are turned into seconds here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from charter.calendar import MIDNIGHT, ONE_DAY, OpeningHours

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Period:
    """`days` consecutive days from `first` on, in the time zone of the opening hours."""

    def __init__(self, first: date, days: int, hours: OpeningHours) -> None:
        self.first = first
        self.days = days
        self.hours = hours
        midnights = [self._midnight(first + n * ONE_DAY) for n in range(days + 1)]
        self.origin = midnights[0]  # epoch seconds
        self.midnights: Floats = np.array(midnights) - self.origin  # [days + 1]
        spans = [span for day in range(days) for span in self._opening(day)]
        self.open_from: Floats = np.array([span[0] for span in spans])
        self.open_until: Floats = np.array([span[1] for span in spans])
        self.opens: NDArray[np.bool_] = np.array([hours.day_reason(self.date(n)).kind == "open" for n in range(days)])

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time(), self.hours.zone).astimezone(UTC).timestamp()

    def date(self, day: int) -> date:
        """The date of a day of the period, from 0."""
        return self.first + timedelta(days=day)

    @property
    def length(self) -> float:
        """Seconds from the first midnight to the last."""
        return float(self.midnights[-1])

    def is_even(self, day: int) -> bool:
        """Whether that day has 24 hours."""
        return bool(self.midnights[day + 1] - self.midnights[day] == 86400)

    def seconds(self, day: int, minute: float) -> float:
        """The instant of a local time; the first if it happens twice, the next one if it never happens."""
        if self.is_even(day) or minute >= MIDNIGHT:
            over = max(0.0, minute - MIDNIGHT)
            return float(self.midnights[day + 1] + 60 * over if over or minute == MIDNIGHT else
                         self.midnights[day] + 60 * minute)  # fmt: skip
        wall = datetime.combine(self.date(day), time(int(minute) // 60, int(minute) % 60), self.hours.zone)
        return wall.timestamp() + 60 * (minute % 1) - self.origin

    def day_of(self, at: Floats) -> Indices:
        """The day of each instant."""
        return np.clip(np.searchsorted(self.midnights, at, "right") - 1, 0, self.days - 1)

    def minute_of(self, at: Floats) -> Floats:
        """The local time of each instant, in minutes after midnight."""
        days = self.day_of(at)
        minutes = (at - self.midnights[days]) / 60
        for day in np.flatnonzero(np.diff(self.midnights) != 86400):
            for row in np.flatnonzero(days == day):
                local = self.hours.local(self.origin + float(at[row]))
                minutes[row] = local.hour * 60 + local.minute + (local.second + local.microsecond / 1e6) / 60
        return minutes

    def is_open(self, at: Floats) -> NDArray[np.bool_]:
        """Whether the service is open at each instant."""
        return np.asarray(np.searchsorted(self.open_from, at, "right") > np.searchsorted(self.open_until, at, "right"))

    def service_seconds(self, at: Floats) -> Floats:
        """Opening time from the first midnight to each instant, s."""
        if not len(self.open_from):
            return np.zeros(np.shape(at))
        edges = np.ravel(np.column_stack((self.open_from, self.open_until)))
        served = np.cumsum(self.open_until - self.open_from)
        passed = np.ravel(np.column_stack((served - (self.open_until - self.open_from), served)))
        return np.interp(at, edges, passed)

    def after_service(self, passed: Floats) -> Floats:
        """The instant at which so many seconds of opening time have passed; infinite beyond the period."""
        total = float(np.sum(self.open_until - self.open_from))
        if not total:
            return np.full(np.shape(passed), np.inf)
        lengths = self.open_until - self.open_from
        before = np.cumsum(lengths) - lengths
        stretch = np.clip(np.searchsorted(before, passed, "left") - 1, 0, len(before) - 1)
        return np.where(passed > total, np.inf, self.open_from[stretch] + (passed - before[stretch]))

    def _opening(self, day: int) -> Iterator[tuple[float, float]]:
        start, end = self.origin + float(self.midnights[day]), self.origin + float(self.midnights[day + 1])
        at = self.hours.next_opening(start)
        while at < end:
            closes = min(self.hours.next_change(at), end)
            yield at - self.origin, closes - self.origin
            at = self.hours.next_opening(closes) if closes < end else end
