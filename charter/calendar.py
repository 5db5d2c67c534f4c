"""When the service is open: Italian public holidays, patron saints, closures, opening hours.

A *day* is a local day in the service's time zone; an *instant* is epoch seconds UTC. Only `OpeningHours` converts
between them, correctly also on days of 23 and 25 hours. Nothing here reads the clock.

The holidays are a table of our own, not a package: the call path needs the answer within a millisecond, and each date
has the years in which the law provides for it. A test compares it with PyPI `holidays` for every day of 2010-2099.
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
CACHED_DAYS = 1000

# month, day, name, first and last year of validity. Valid from 2001 on; before, 2 June was moved to a Sunday.
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
    r = (2 * e + 2 * i - k - h + m + 32) % 7  # days from the full moon to the Sunday
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
    """The day and name of a city's patron saint in one year; KeyError for a city not in
    `charter.patron_saints.CITIES`."""
    from charter.patron_saints import PATRONS

    if city == "Bolzano":  # the province observes Whit Monday instead
        return easter(year) + 50 * ONE_DAY, "Lunedì di Pentecoste"
    month, day, name = PATRONS[city]
    return date(year, month, day), name


class Range(NamedTuple):
    """An opening range within a day, in minutes of local time after midnight; `until` is not included."""

    start: int
    until: int


@cache
def parse_range(text: str) -> Range:
    """`"09:00-18:00"` -> `Range(540, 1080)`. The day ends at 24:00. Raises ValueError with the reason."""
    start, dash, until = text.partition("-")
    if not dash:
        raise ValueError(f'{text!r} is not a range of hours; write it like "09:00-18:00"')
    parsed = Range(_minutes(start), _minutes(until))
    if parsed.start >= parsed.until:
        raise ValueError(f"{text!r} ends before it starts; past midnight write two: until 24:00, and from 00:00")
    return parsed


def _minutes(text: str) -> int:
    hour, colon, minute = text.strip().partition(":")
    digits = hour + minute
    if not (colon and 1 <= len(hour) <= 2 and len(minute) == 2 and digits.isascii() and digits.isdigit()):
        raise ValueError(f'{text.strip()!r} is not a time of day; write it like "09:00"')
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > MIDNIGHT:
        raise ValueError(f"{text.strip()!r} is not a time of day; the last one is 24:00")
    return minutes


Kind = Literal["open", "hour", "weekday", "holiday", "closure"]


class Reason(NamedTuple):
    """Why the service is open or closed; `name` is that of the holiday or closure, else empty."""

    kind: Kind
    name: str


class Span(NamedTuple):
    """A period of uninterrupted opening, [start, until), in epoch seconds."""

    start: float
    until: float


class OpeningHours:
    """When the service is open: weekly hours without holidays and closures, in one time zone.

    `zone` is an IANA name; `week` has seven lists of ranges, Monday first; `closures` are (first day, last day,
    reason). If a local time occurs twice (last Sunday of October), opening starts at the first and ends at the second
    occurrence. For a local time that does not occur (last Sunday of March), the instant of the clock change counts.
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
        from zoneinfo import ZoneInfo  # takes 6 ms, which a script that only relays must not spend

        self.zone = ZoneInfo(zone)
        self.week = tuple(tuple(sorted(ranges)) for ranges in week)
        self.closures = tuple(closures or ())
        self.national = national
        self.city = city
        self._years: dict[int, Mapping[date, str]] = {}  # public holidays and the patron saint, by year
        self._days: dict[date, list[Span]] = {}  # cached, because all calls of a day need the same one

    @classmethod
    def of(cls, service: Mapping[str, Any]) -> OpeningHours:
        """From the `service` part of the compiled configuration (`ivr.configuration.compiled.Service`); cached, so that
        equal configurations return the same object."""
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
        """The extra closure that includes that day."""
        return next((each for each in self.closures if each[0] <= day <= each[1]), None)

    def day_reason(self, day: date) -> Reason:
        """Why that day is not a working day (closure, holiday, weekday), or "open"."""
        closure = self.closure(day)
        if closure is not None:
            return Reason("closure", closure[2])
        holiday = self.holiday(day)
        if holiday is not None:
            return Reason("holiday", holiday)
        return Reason("open" if self.week[day.weekday()] else "weekday", "")

    def opening_of(self, day: date) -> Span | None:
        """From the first opening to the last closing of that day, including breaks; None on a closed day."""
        spans = self._day_spans(day)
        return Span(spans[0].start, spans[-1].until) if spans else None

    def closed_days(self, first_year: int, last_year: int) -> list[tuple[date, str]]:
        """Every holiday and closure in those years, both included, in order, with names; weekends are left out."""
        closed: list[tuple[date, str]] = []
        day, last = date(first_year, 1, 1), date(last_year, 12, 31)
        while True:
            reason = self.day_reason(day)
            if reason.name:
                closed.append((day, reason.name))
            if day == last:
                return closed
            day += ONE_DAY

    # instants

    def is_open(self, at: float) -> bool:
        """Whether the service is open at that instant."""
        return self._span_at(at) is not None

    def next_opening(self, at: float) -> float:
        """`at` if the service is open, else the instant at which it opens; infinite if it never opens."""
        if self._span_at(at) is not None:
            return at
        return next((span.start for span in self._spans(self._day(at)) if span.start > at), math.inf)

    def next_change(self, at: float) -> float:
        """The first instant after `at` at which the service opens or closes; infinite if there is none."""
        for span in self._spans(self._day(at) - ONE_DAY):
            if at < span.start:
                return span.start
            if at < span.until:
                return span.until
        return math.inf

    def closed_reason(self, at: float) -> Reason:
        """Why the service is open or closed at that instant; a closure takes precedence over a holiday."""
        if self._span_at(at) is not None:
            return Reason("open", "")
        reason = self.day_reason(self._day(at))
        return Reason("hour", "") if reason.kind == "open" else reason

    def service_seconds(self, a: float, b: float) -> float:
        """Seconds of opening between two instants, negative if `b` is earlier; the basis of `service_hours` clocks."""
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

    # days to instants and back

    def _day(self, at: float) -> date:
        return self.local(at).date()

    def _instant(self, day: date, minute: int, fold: int) -> float:
        """The instant of a local time; if it occurs twice, fold 0 is the first and fold 1 the second."""
        carried, rest = divmod(minute, MIDNIGHT)
        day += carried * ONE_DAY
        wall = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=self.zone)
        first, second = wall.timestamp(), wall.replace(fold=1).timestamp()
        if first <= second:
            return (first, second)[fold]
        # The local time is skipped by the clock change, which lies between the two values.
        before, after = second, first
        while after - before > 1:
            middle = (before + after) // 2
            jumped = self.local(middle).utcoffset() != self.local(second).utcoffset()
            before, after = (before, middle) if jumped else (middle, after)
        return after

    def _day_spans(self, day: date) -> list[Span]:
        spans = self._days.get(day)
        if spans is None:
            if len(self._days) >= CACHED_DAYS:
                self._days.clear()
            spans = self._days[day] = self._find_spans(day)
        return spans

    def _find_spans(self, day: date) -> list[Span]:
        if self.day_reason(day).kind != "open":
            return []
        spans: list[Span] = []
        for start, until in self.week[day.weekday()]:
            # Two ranges within the repeated hour would overlap: the second begins where the first ended.
            earliest = spans[-1].until if spans else -math.inf
            span = Span(max(self._instant(day, start, 0), earliest), self._instant(day, until, 1))
            if span.start < span.until:  # a range may lie in the skipped hour
                spans.append(span)
        return spans

    def _span_at(self, at: float) -> Span | None:
        day = self._day(at)
        return next((span for span in self._day_spans(day) if span.start <= at < span.until), None)

    def _spans(self, day: date) -> Iterator[Span]:
        """Periods of opening from that day on, for three years; adjacent ones (09-13, 13-18) are merged.

        A state that lasts three years lasts forever: holidays come every year, and a closure is one step, however long.
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


@lru_cache(maxsize=8)  # every call needs it, nearly always with the same configuration
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
