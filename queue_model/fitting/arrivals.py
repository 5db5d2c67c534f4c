"""Fits arrivals at the queue by half-hour and weekday to the instants of visits, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from charter.calendar import WEEKDAYS, OpeningHours
from queue_model.errors import ModelError
from queue_model.fitting.dispersion import gamma_shape
from queue_model.fitting.maximum_likelihood import FittedValue, Floats
from queue_model.scenario.period import Period
from queue_model.scenario.schema import Arrivals
from queue_model.simulation.arrivals import day_factors

STEP = 30  # minutes


@dataclass(frozen=True, eq=False)
class FittedArrivals:
    """Fitted arrivals: the calls of a day whose factors are all 1, and the factors."""

    days: list[date]  # used: open, and covered by the log
    silent: list[date]  # not used: open, but without calls
    begin: int  # minute of the day at which the first half-hour starts
    counts: Floats  # [days, slots]
    per_day: FittedValue
    weekdays: dict[str, FittedValue]
    profile: list[FittedValue]  # calls of each half-hour on a day whose factors are all 1
    busyness: FittedValue


def fit_arrivals(
    at: Floats, weight: Floats, hours: OpeningHours, arrivals: Arrivals, span: tuple[float, float]
) -> FittedArrivals:
    """Fit arrivals at these instants (epoch seconds). A visit that may be a repeated attempt has a `weight` below 1.

    Months and special days are those of `arrivals`. Raises ModelError.
    """
    first, last = (hours.local(instant).date() for instant in span)
    period = Period(first, (last - first).days + 1, hours)
    begin, until = _reach(hours)
    counts = _counts(period, at, weight, begin, until)
    beside = day_factors(period, {}, arrivals.months, arrivals.special_days)[1]
    covered = _covered(period, span) & (beside > 0)
    used = covered & (counts.sum(axis=1) > 0)
    silent = [period.date(int(day)) for day in np.flatnonzero(covered & ~used)]
    days = [period.date(int(day)) for day in np.flatnonzero(used)]
    if len(days) < 10:
        raise ModelError(f"arrivals: the log covers {len(days)} whole days of service; at least 10 are needed")
    return _fit(days, silent, begin, counts[used], beside[used])


def _reach(hours: OpeningHours) -> tuple[int, int]:
    """The half-hours from the earliest opening to the latest closing, in minutes of the day."""
    ranges = [each for day in hours.week for each in day]
    return min(each.start for each in ranges) // STEP * STEP, -(-max(each.until for each in ranges) // STEP) * STEP


def _counts(period: Period, at: Floats, weight: Floats, begin: int, until: int) -> Floats:
    relative = at - period.origin
    day, minute = period.day_of(relative), period.minute_of(relative)
    found = np.zeros((period.days, (until - begin) // STEP))
    inside = (minute >= begin) & (minute < until) & (relative >= 0) & (relative < period.length)
    np.add.at(found, (day[inside], ((minute[inside] - begin) // STEP).astype(int)), weight[inside])
    return found


def _covered(period: Period, span: tuple[float, float]) -> NDArray[np.bool_]:
    """The open days that the log covers. The first and last day count if the log reaches into their first or last
    half-hour."""
    found = period.opens.copy()
    for opens, closes in zip(period.open_from + period.origin, period.open_until + period.origin, strict=True):
        day = int(period.day_of(np.array([opens - period.origin]))[0])
        if opens + 60 * STEP < span[0] or closes - 60 * STEP > span[1]:
            found[day] = False
    return found


def _fit(days: list[date], silent: list[date], begin: int, counts: Floats, beside: Floats) -> FittedArrivals:
    totals = counts.sum(axis=1)
    week = np.array([day.weekday() for day in days])
    present = sorted(set(week.tolist()))
    rates = np.array([totals[week == each].sum() / beside[week == each].sum() for each in present])
    per_day = float(rates.mean())
    expected = rates[np.searchsorted(present, week)] * beside
    shape = gamma_shape(totals, expected, len(present))
    variance = expected + expected**2 / shape.value
    sums = [(expected[week == each].sum(), variance[week == each].sum()) for each in present]
    relative = np.array([spread / whole**2 for whole, spread in sums])  # squared standard deviation of each rate
    quantile = float(stats.t.ppf(0.975, len(days) - len(present)))
    parts = rates / rates.sum()
    level = _around(per_day, quantile * float(np.sqrt(np.sum(parts**2 * relative))))
    factors = {}
    for number, each in enumerate(present):
        mine = np.where(np.arange(len(present)) == number, 1.0, 0.0) - parts
        half = quantile * float(np.sqrt(np.sum(mine**2 * relative)))
        factors[WEEKDAYS[each]] = _around(float(rates[number]) / per_day, half)
    slots = counts.sum(axis=0)
    scale = per_day / totals.sum()
    profile = [
        FittedValue(
            n * scale, scale * float(stats.chi2.ppf(0.025, 2 * n)) / 2 if n else 0.0,
            scale * float(stats.chi2.ppf(0.975, 2 * n + 2)) / 2,
        )
        for n in slots.tolist()
    ]  # fmt: skip
    return FittedArrivals(days, silent, begin, counts, level, factors, profile, shape)


def _around(value: float, relative: float) -> FittedValue:
    return FittedValue(value, value * float(np.exp(-relative)), value * float(np.exp(relative)))


def date_range(days: list[date]) -> str:
    """The first and last day as text."""
    return f"{days[0]} to {days[-1]}" if days[-1] - days[0] > timedelta() else str(days[0])
