"""When the service is open: Italian public holidays, patron saints, closures, opening hours.

A *day* is a local day of the service's time zone; an *instant* is epoch seconds UTC. The two meet only in
`OpeningHours`, which is correct on the days of 23 and of 25 hours. Nothing here asks what time it is.

The holidays are our own table, not a package: the call path needs the answer within a millisecond, and every date
carries the years in which the law has it. A test compares it with PyPI `holidays` for every day of 2010-2099.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ONE_DAY = timedelta(days=1)
MIDNIGHT = 24 * 60
MOST_DAYS = 1000  # whose opening is remembered

# month, day, name, first and last year of validity. The table holds from 2001 on: before, 2 June was moved to a Sunday.
_FIXED = (
    (1, 1, "Capodanno", 2001, 9999),
    (1, 6, "Epifania", 2001, 9999),
    (3, 17, "150° anniversario dell'Unità d'Italia", 2011, 2011),  # once, by decree-law 5/2011
    (4, 25, "Festa della Liberazione", 2001, 9999),
    (5, 1, "Festa del Lavoro", 2001, 9999),
    (6, 2, "Festa della Repubblica", 2001, 9999),
    (8, 15, "Assunzione di Maria Vergine", 2001, 9999),
    (10, 4, "San Francesco d'Assisi", 2026, 9999),  # law 151/2025
    (11, 1, "Ognissanti", 2001, 9999),
    (12, 8, "Immacolata Concezione", 2001, 9999),
    (12, 25, "Natale", 2001, 9999),
    (12, 26, "Santo Stefano", 2001, 9999),
)


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year (the computus of Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30  # days from 21 March to the full moon
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7  # days from there to the Sunday
    month = (h - m + r + 90) // 25
    return date(year, month, (h - m + r + month + 19) % 32)


@cache
def public_holidays(year: int) -> Mapping[date, str]:
    """National public holidays of one year, 2001 or later, with their Italian names."""
    days = {date(year, month, day): name for month, day, name, first, last in _FIXED if first <= year <= last}
    sunday = easter(year)
    days[sunday] = "Pasqua"
    days.setdefault(sunday + ONE_DAY, "Lunedì dell'Angelo")  # 25 April keeps its own name, as in 2011
    return MappingProxyType(days)


def patron_saint(city: str, year: int) -> tuple[date, str]:
    """The day of a city's patron in one year, and his name; KeyError for a city not in
    `charter.patron_saints.CITIES`."""
    from charter.patron_saints import PATRONS

    if city == "Bolzano":  # no saint: the province keeps Whit Monday instead
        return easter(year) + 50 * ONE_DAY, "Lunedì di Pentecoste"
    month, day, name = PATRONS[city]
    return date(year, month, day), name


class Range(NamedTuple):
    """One stretch of opening within a day, in minutes of local wall time after midnight; `until` is not included."""

    start: int
    until: int


@cache
def parse_range(text: str) -> Range:
    """`"09:00-18:00"` -> `Range(540, 1080)`. The day ends at 24:00. ValueError says what is wrong with the text."""
    start, dash, until = text.partition("-")
    if not dash:
        raise ValueError(f'{text!r} is not a range of hours; write it like "09:00-18:00"')
    found = Range(_minutes(start), _minutes(until))
    if found.start >= found.until:
        raise ValueError(f"{text!r} ends before it starts; past midnight write two: until 24:00, and from 00:00")
    return found


def _minutes(text: str) -> int:
    hour, colon, minute = text.strip().partition(":")
    digits = hour + minute
    if not (colon and 1 <= len(hour) <= 2 and len(minute) == 2 and digits.isascii() and digits.isdigit()):
        raise ValueError(f'{text.strip()!r} is not a time of day; write it like "09:00"')
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > MIDNIGHT:
        raise ValueError(f"{text.strip()!r} is not a time of day; the last one is 24:00")
    return found


Kind = Literal["open", "hour", "weekday", "holiday", "closure"]


class Reason(NamedTuple):
    """Why the service is open or closed; `name` is the holiday's or the closure's, else empty."""

    kind: Kind
    name: str


class Span(NamedTuple):
    """An uninterrupted stretch of opening, [start, until), in epoch seconds."""

    start: float
    until: float


class OpeningHours:
    """When callers find somebody: weekly hours less holidays less closures, in one time zone.

    `zone` is an IANA name; `week` has seven lists of ranges, Monday first; `closures` are (first day, last day,
    reason). Where a wall time happens twice (last Sunday of October) opening begins with the first and ends with the
    second; for one that never happens (last Sunday of March) counts the moment at which clocks pass it by.
    """

    def __init__(
        self,
        zone: str,
        week: list[list[Range]],
        closures: list[tuple[date, date, str]] | None = None,
        *,
        national: bool = True,
        city: str | None = None,
    ) -> None:
        from zoneinfo import ZoneInfo  # 6 ms that a script which only relays must not pay

        self.zone = ZoneInfo(zone)
        self.week = tuple(tuple(sorted(ranges)) for ranges in week)
        self.closures = tuple(closures or ())
        self.national = national
        self.city = city
        self._years: dict[int, Mapping[date, str]] = {}  # public holidays and the saint, year by year
        self._days: dict[date, list[Span]] = {}  # days that were asked for: all calls of a day ask for the same one

    @classmethod
    def of(cls, service: Mapping[str, Any]) -> OpeningHours:
        """From the `service` part of the compiled configuration (`ivr.configuration.compiled.Service`); the same for
        the same."""
        holidays, hours = service["holidays"], service["hours"]
        return _of(
            service["service"]["time_zone"],
            tuple([tuple(hours[day]) for day in WEEKDAYS]),
            tuple([(each["first"], each["last"], each["reason"]) for each in holidays["extra_closures"]]),
            holidays["calendar"] == "italy",
            holidays["patron_saint"],
        )

    # days

    def local(self, at: float) -> datetime:
        """The aware local date and time of an instant."""
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone)

    def holiday(self, day: date) -> str | None:
        """The name of the public holiday or patron saint of that day, if it is one."""
        if day.year not in self._years:
            names = public_holidays(day.year) if self.national else {}
            if self.city is not None:
                saint, name = patron_saint(self.city, day.year)
                names = {saint: name, **names}
            self._years[day.year] = names
        return self._years[day.year].get(day)

    def closure(self, day: date) -> tuple[date, date, str] | None:
        """The extra closure which that day belongs to."""
        return next((each for each in self.closures if each[0] <= day <= each[1]), None)

    def day_reason(self, day: date) -> Reason:
        """What keeps that day from being a working day: closure, holiday, weekday; "open" when nothing does."""
        closure = self.closure(day)
        if closure is not None:
            return Reason("closure", closure[2])
        holiday = self.holiday(day)
        if holiday is not None:
            return Reason("holiday", holiday)
        return Reason("open" if self.week[day.weekday()] else "weekday", "")

    def opening_of(self, day: date) -> Span | None:
        """From the first to the last instant of opening of that day, breaks included; None on a closed day."""
        spans = self._day_spans(day)
        return Span(spans[0].start, spans[-1].until) if spans else None

    def closed_days(self, first_year: int, last_year: int) -> list[tuple[date, str]]:
        """Every holiday and closed day of those years, both included, in order, with names; weekends are not named."""
        found: list[tuple[date, str]] = []
        day, last = date(first_year, 1, 1), date(last_year, 12, 31)
        while True:
            reason = self.day_reason(day)
            if reason.name:
                found.append((day, reason.name))
            if day == last:
                return found
            day += ONE_DAY

    # instants

    def is_open(self, at: float) -> bool:
        """Whether the service is open at that instant."""
        return self._span_at(at) is not None

    def next_opening(self, at: float) -> float:
        """`at` itself when the service is open, else the instant at which it opens; infinite when it never does."""
        if self._span_at(at) is not None:
            return at
        return next((span.start for span in self._spans(self._day(at)) if span.start > at), math.inf)

    def next_change(self, at: float) -> float:
        """The first instant after `at` at which the service opens or closes; infinite when nothing changes."""
        for span in self._spans(self._day(at) - ONE_DAY):
            if at < span.start:
                return span.start
            if at < span.until:
                return span.until
        return math.inf

    def closed_reason(self, at: float) -> Reason:
        """Why a caller at that instant finds the service open, or closed: a closure outweighs a holiday."""
        if self._span_at(at) is not None:
            return Reason("open", "")
        reason = self.day_reason(self._day(at))
        return Reason("hour", "") if reason.kind == "open" else reason

    def service_seconds(self, a: float, b: float) -> float:
        """Seconds of opening between two instants, negative when `b` is the earlier one: the clock of every promise."""
        if not (math.isfinite(a) and math.isfinite(b)):
            raise ValueError(f"instants are finite epoch seconds, not {a!r} and {b!r}")
        if b < a:
            return -self.service_seconds(b, a)
        total, day, last = 0.0, self._day(a) - ONE_DAY, self._day(b)
        while day <= last:
            for start, until in self._day_spans(day):
                total += max(0.0, min(b, until) - max(a, start))
            day += ONE_DAY
        return total

    # the two worlds meet

    def _day(self, at: float) -> date:
        return self.local(at).date()

    def _instant(self, day: date, minute: int, fold: int) -> float:
        """The instant of a wall time: of two, the first with fold 0 and the second with fold 1."""
        carried, rest = divmod(minute, MIDNIGHT)
        day += carried * ONE_DAY
        wall = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=self.zone)
        first, second = wall.timestamp(), wall.replace(fold=1).timestamp()
        if first <= second:
            return (first, second)[fold]
        # Clocks jump over it: the jump lies between the two readings.
        before, after = second, first
        while after - before > 1:
            middle = (before + after) // 2
            jumped = self.local(middle).utcoffset() != self.local(second).utcoffset()
            before, after = (before, middle) if jumped else (middle, after)
        return after

    def _day_spans(self, day: date) -> list[Span]:
        spans = self._days.get(day)
        if spans is None:
            if len(self._days) >= MOST_DAYS:
                self._days.clear()
            spans = self._days[day] = self._find_spans(day)
        return spans

    def _find_spans(self, day: date) -> list[Span]:
        if self.day_reason(day).kind != "open":
            return []
        spans: list[Span] = []
        for start, until in self.week[day.weekday()]:
            # Two ranges within the hour that happens twice would overlap: the second begins where the first ended.
            earliest = spans[-1].until if spans else -math.inf
            span = Span(max(self._instant(day, start, 0), earliest), self._instant(day, until, 1))
            if span.start < span.until:  # a range may lie in the hour that never happens
                spans.append(span)
        return spans

    def _span_at(self, at: float) -> Span | None:
        day = self._day(at)
        return next((span for span in self._day_spans(day) if span.start <= at < span.until), None)

    def _spans(self, day: date) -> Iterator[Span]:
        """Stretches of opening from that day on, for three years; those that touch are one (09-13, 13-18).

        What does not change within three years stays: holidays come every year, and a closure is one step however long.
        """
        pending: Span | None = None
        for _ in range(3 * 366):
            for span in self._day_spans(day):
                if pending is not None and span.start <= pending.until:
                    pending = Span(pending.start, span.until)
                    continue
                if pending is not None:
                    yield pending
                pending = span
            closure = self.closure(day)
            try:
                day = (closure[1] if closure is not None else day) + ONE_DAY
            except OverflowError:  # closed to the end of the calendar
                break
        if pending is not None:
            yield pending if pending.until < self._instant(day, 0, 0) else Span(pending.start, math.inf)


@lru_cache(maxsize=8)  # every call asks for it, and the configuration is nearly always the same
def _of(
    zone: str,
    week: tuple[tuple[str, ...], ...],
    closures: tuple[tuple[str, str, str], ...],
    national: bool,
    city: str | None,
) -> OpeningHours:
    return OpeningHours(
        zone,
        [[parse_range(text) for text in ranges] for ranges in week],
        [(date.fromisoformat(first), date.fromisoformat(last), reason) for first, last, reason in closures],
        national=national,
        city=city,
    )
