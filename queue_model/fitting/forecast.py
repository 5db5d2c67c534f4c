"""Forecasts calls as a product: level x weekday x season x kind of day x profile of the half-hours.

The level is an exponentially weighted mean (EWMA) around a trend. Months are a season once two years of history show
it; before that, the level follows them. Holidays, their eves and bridges are factors, shrunk towards 1 while few were
seen. Held-back weeks measure the error of such forecasts (`backtest`). The error beyond Poisson noise gives the shape
of the gamma factor of a day, the busyness of a scenario.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from charter.calendar import ONE_DAY, OpeningHours
from queue_model.errors import ModelError
from queue_model.fitting.history import SLOTS, History
from queue_model.fitting.maximum_likelihood import FittedValue, Floats

Kind = Literal["ordinary", "holiday", "closure", "eve", "after", "bridge"]
KINDS: tuple[Kind, ...] = ("ordinary", "holiday", "closure", "eve", "after", "bridge")
CLOSED: tuple[Kind, ...] = ("holiday", "closure")  # days without service
FEWEST_DAYS = 21  # with data, for a fit
TWO_YEARS = 700  # days of history after which months are a season
PASSES = 12  # rounds of fitting one factor after another
SHRINKAGE = 0.1  # days of calls that are added in favour of a factor of 1
SURE = 3.0  # standard deviations from 0 at which a trend is accepted
USUAL_WEIGHT = 0.05  # of the most recent day in the level
PROFILE_WEIGHT = 300.0  # calls of the common profile that are added to the profile of a weekday


def kind_of(day: date, hours: OpeningHours) -> Kind:
    """The kind of a day: a holiday or closure, the working day before or after one or between two, or ordinary."""
    reason = hours.day_reason(day).kind
    if reason == "holiday" or hours.holiday(day) is not None:
        return "holiday"
    if reason == "closure":
        return "closure"
    if reason == "weekday":
        return "ordinary"
    before, after = (_reason(day + step * ONE_DAY, hours) for step in (-1, 1))
    special = ("holiday", "closure")
    if after in special:
        return "bridge" if before != "open" else "eve"
    if before in special:
        return "bridge" if after != "open" else "after"
    return "ordinary"


def _reason(day: date, hours: OpeningHours) -> str:
    """Why the service is open or closed on a day; a holiday on a Sunday has no effect."""
    return hours.day_reason(day).kind if hours.week[day.weekday()] else "weekday"


@dataclass(frozen=True, eq=False)
class Calendar:
    """Consecutive days by weekday, month and kind; each array [days]."""

    weekday: NDArray[np.intp]
    month: NDArray[np.intp]
    kind: NDArray[np.intp]

    @classmethod
    def of(cls, first: date, days: int, hours: OpeningHours) -> Calendar:
        dates = [first + number * ONE_DAY for number in range(days)]
        kinds = [KINDS.index(kind_of(day, hours)) for day in dates]
        weekdays, months = [day.weekday() for day in dates], [day.month - 1 for day in dates]
        return cls(np.array(weekdays, int), np.array(months, int), np.array(kinds, int))

    def until(self, days: int) -> Calendar:
        return Calendar(self.weekday[:days], self.month[:days], self.kind[:days])


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted history. Factors without data are 1, except that weekdays, holidays and closures without data in the
    whole history are 0, because nothing is known about them. The factors of working weekdays have mean 1."""

    level: float  # calls on a day whose factors are all 1, at the end of the history
    growth: float  # of the level's logarithm per day; 0 unless sure
    weekdays: Floats  # [7]
    months: Floats  # [12]
    kinds: Floats  # [KINDS]
    profiles: Floats  # [7, SLOTS], shares of the day
    days: int  # of the history, gaps included
    seen: dict[str, int] = field(default_factory=dict)  # number of days in the history, by kind
    never_seen: tuple[int, ...] = ()  # weekdays that the history does not have
    kinds_never_seen: tuple[Kind, ...] = ()  # of CLOSED

    def knows(self, calendar: Calendar) -> NDArray[np.bool_]:
        """The days whose weekday and kind occur in the history."""
        kinds = [KINDS.index(kind) for kind in self.kinds_never_seen]
        return ~(np.isin(calendar.weekday, self.never_seen) | np.isin(calendar.kind, kinds))

    def factors(self, calendar: Calendar) -> Floats:
        """The product of the factors of each day."""
        return np.asarray(self.weekdays[calendar.weekday] * self.months[calendar.month] * self.kinds[calendar.kind])

    def expected(self, calendar: Calendar, start: int) -> Floats:
        """Expected calls on the days of a calendar, [days, SLOTS]. `start`: days between the history and the first."""
        ahead = start + 1 + np.arange(len(calendar.weekday))
        totals = self.level * np.exp(self.growth * ahead) * self.factors(calendar)
        return np.asarray(totals[:, None] * self.profiles[calendar.weekday])


def fit(history: History, calendar: Calendar, weight: float = USUAL_WEIGHT) -> Model:
    """Fit the factors. `weight`: of the most recent day in the level, 0 to 1. Raises ModelError."""
    totals = history.totals
    known = ~np.isnan(totals)
    if known.sum() < FEWEST_DAYS:
        raise ModelError(f"history: {int(known.sum())} days with calls; at least {FEWEST_DAYS} are needed")
    if not totals[known].sum():
        raise ModelError("history: no calls at all; check that the column is the right one")
    seen = np.where(known, totals, 0.0)
    factor = {"weekday": np.ones(7), "month": np.ones(12), "kind": np.ones(len(KINDS))}
    place = {"weekday": calendar.weekday, "month": calendar.month, "kind": calendar.kind}
    seasonal = len(totals) >= TWO_YEARS
    growth = 0.0
    time = np.arange(len(totals), dtype=float)
    base = np.full(len(totals), float(seen[known].mean()))
    for _ in range(PASSES):
        for name in ("weekday", "kind", "month") if seasonal else ("weekday", "kind"):
            others = base * np.prod([factor[each][place[each]] for each in factor if each != name], axis=0) * known
            factor[name] = _ratio(seen, others, place[name], len(factor[name]), float(base.mean()), name)
        whole = np.prod([factor[each][place[each]] for each in factor], axis=0)
        growth = _growth(seen, whole, known, time)
        base = _base(seen, whole * np.exp(growth * (time - time[-1])), known, weight, seasonal)
        base = base * np.exp(growth * (time - time[-1]))
    level = _level(seen, whole * np.exp(growth * (time - time[-1])), known, weight)
    level, factor = _normalised(level, factor, seen, calendar)
    numbers: dict[str, int] = {kind: int(np.sum(known & (calendar.kind == index))) for index, kind in enumerate(KINDS)}
    profiles = _profiles(history, calendar, known)
    never = tuple(weekday for weekday in range(7) if not (known & (calendar.weekday == weekday)).any())
    never_kinds = tuple(kind for kind in CLOSED if not numbers[kind])
    factor["weekday"][list(never)] = 0.0
    factor["kind"][[KINDS.index(kind) for kind in never_kinds]] = 0.0
    week, year, kinds = factor["weekday"], factor["month"], factor["kind"]
    return Model(level, growth, week, year, kinds, profiles, len(totals), numbers, never, never_kinds)


def _ratio(seen: Floats, others: Floats, place: NDArray[np.intp], size: int, day: float, name: str) -> Floats:
    """Seen over expected without this factor: the Poisson maximum. Kinds of day are shrunk towards 1."""
    top = np.asarray(np.bincount(place, seen, size), np.float64)
    bottom = np.asarray(np.bincount(place, others, size), np.float64)
    if name == "kind":
        top, bottom = top + SHRINKAGE * day, bottom + SHRINKAGE * day
    with np.errstate(invalid="ignore"):
        found = np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), 1.0)
    if name == "kind":
        found[0] = 1.0
    return np.asarray(found)


def _growth(seen: Floats, whole: Floats, known: NDArray[np.bool_], time: Floats) -> float:
    """The slope of the logarithm, weighted by calls; 0 unless it is significant."""
    use = known & (seen > 0) & (whole > 0)
    if use.sum() < 3 * FEWEST_DAYS:  # over less than two months, the level follows a trend
        return 0.0
    y, x, w = np.log(seen[use] / whole[use]), time[use], seen[use]
    x_mean, y_mean = np.average(x, weights=w), np.average(y, weights=w)
    spread = float(np.sum(w * (x - x_mean) ** 2))
    slope = float(np.sum(w * (x - x_mean) * (y - y_mean))) / spread
    rest = y - y_mean - slope * (x - x_mean)
    # Neighbouring days are alike, so a week counts as one observation; otherwise a drifting level looks like a trend.
    week = (time[use] // 7).astype(int)
    score = np.bincount(week, w * (x - x_mean) * rest)
    deviation = math.sqrt(float(np.sum(score**2))) / spread
    return slope if abs(slope) > SURE * deviation else 0.0


def _base(seen: Floats, whole: Floats, known: NDArray[np.bool_], weight: float, seasonal: bool) -> Floats:
    """The level of each day while factors are fitted: constant with months, otherwise smoothed from both sides."""
    if seasonal:
        return np.full(len(seen), seen[known].sum() / max(whole[known].sum(), 1e-9))
    ahead = _smoothed(seen * known, whole * known, weight)
    behind = _smoothed((seen * known)[::-1], (whole * known)[::-1], weight)[::-1]
    return np.asarray((ahead + behind) / 2)


def _smoothed(seen: Floats, whole: Floats, weight: float) -> Floats:
    """Calls over factors, both with exponential weights; starts from the ratio of the whole history."""
    calls = expected = 1.0 / weight
    start = seen.sum() / max(whole.sum(), 1e-9)
    calls *= start
    found = np.empty(len(seen))
    for day, (n, m) in enumerate(zip(seen.tolist(), whole.tolist(), strict=True)):
        if m > 0:
            calls, expected = calls * (1 - weight) + n, expected * (1 - weight) + m
        found[day] = calls / expected
    return found


def _level(seen: Floats, whole: Floats, known: NDArray[np.bool_], weight: float) -> float:
    return float(_smoothed(seen * known, whole * known, weight)[-1])


def _normalised(
    level: float, factor: dict[str, Floats], seen: Floats, calendar: Calendar
) -> tuple[float, dict[str, Floats]]:
    """Scale the factors of the busy weekdays and of the months with data to mean 1; the level absorbs the rest."""
    calls = np.bincount(calendar.weekday, seen, 7)
    main = calls > 0.3 * calls.max()
    months = np.bincount(calendar.month, seen, 12) > 0
    week, year = float(factor["weekday"][main].mean()), float(factor["month"][months].mean())
    return level * week * year, {**factor, "weekday": factor["weekday"] / week, "month": factor["month"] / year}


def _profiles(history: History, calendar: Calendar, known: NDArray[np.bool_]) -> Floats:
    """The shares of the half-hours by weekday, shrunk towards the common profile."""
    counts = history.counts
    common = counts[known].sum(axis=0)
    common = common / common.sum()
    found = np.empty((7, SLOTS))
    for weekday in range(7):
        own = counts[known & (calendar.weekday == weekday)].sum(axis=0)
        found[weekday] = (own + PROFILE_WEIGHT * common) / (own.sum() + PROFILE_WEIGHT)
    return found


# --- how far it misses -----------------------------------------------------------------------------------------------


def interval(mean: Floats, shape: float, level: float = 0.95) -> tuple[Floats, Floats]:
    """The prediction interval of a count: Poisson, its mean multiplied by a gamma factor of this shape."""
    tail = (1 - level) / 2
    if shape > 1e6:
        return np.asarray(stats.poisson.ppf(tail, mean)), np.asarray(stats.poisson.ppf(1 - tail, mean))
    chance = shape / (shape + mean)
    return np.asarray(stats.nbinom.ppf(tail, shape, chance)), np.asarray(stats.nbinom.ppf(1 - tail, shape, chance))


def noise(mean: Floats) -> Floats:
    """The mean absolute deviation of Poisson counts with known means: the error of the best forecast."""
    whole = np.floor(mean)
    safe = np.maximum(mean, 1e-12)
    logs = math.log(2) - mean + (whole + 1) * np.log(safe) - np.vectorize(math.lgamma)(whole + 1)
    return np.asarray(np.where(mean > 0, np.exp(logs), 0.0))


@dataclass(frozen=True)
class Forecast:
    """The expected calls of the days ahead, [days, SLOTS], with the spread measured on held-back weeks."""

    first: date
    model: Model
    calendar: Calendar
    expected: Floats
    busyness: FittedValue  # gamma shape of a day
    slot_shape: float  # of a half-hour

    @property
    def totals(self) -> Floats:
        return np.asarray(self.expected.sum(axis=1))
