"""Forecasts judged on weeks that they have not seen: from each origin two weeks ahead, beside the seasonal-naive
forecast (the same weekday of the last week seen) and beside the Poisson noise that no forecast escapes.

The weight of the level is chosen on origins before the held-back ones, so that the score is honest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from charter.calendar import ONE_DAY, OpeningHours
from queue_model.errors import ModelError
from queue_model.fitting.dispersion import gamma_shape
from queue_model.fitting.forecast import FEWEST_DAYS, USUAL_WEIGHT, Calendar, Forecast, fit, interval, noise
from queue_model.fitting.history import SLOTS, History
from queue_model.fitting.maximum_likelihood import FittedValue, Floats

WEEKS = 8  # held back
AHEAD = 14  # days, from each origin
LEAST = FEWEST_DAYS + 7  # days before the first origin
WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class Score:
    """Weighted absolute percentage errors (sum of errors over sum of calls), and how often the intervals held."""

    origins: int
    daily: float
    half_hour: float
    naive_daily: float
    naive_half_hour: float
    floor_daily: float
    floor_half_hour: float
    covered_daily: float  # of 95 % intervals
    covered_half_hour: float
    weight: float  # of the last day in the level


@dataclass(frozen=True, eq=False)
class _Missed:
    """Forecast days with what came, one row each: expected, seen, seasonal naive, each [rows, SLOTS]."""

    expected: Floats
    seen: Floats
    naive: Floats


def forecast(
    history: History, hours: OpeningHours, days: int, *, weeks: int = WEEKS, first: date | None = None
) -> tuple[Forecast, Score]:
    """Forecast so many days after the history (or from `first` on), and score such forecasts. Raises ModelError."""
    begin = history.first + len(history.counts) * ONE_DAY
    start = first or begin
    gap = (start - begin).days
    if gap < 0:
        raise ModelError(f"--first: {start} lies within the history, which ends {begin - ONE_DAY}")
    calendar = Calendar.of(history.first, len(history.counts), hours)
    weight, origins = _choose(history, calendar, weeks)
    missed = _missed(history, calendar, origins, weight)
    totals, expected = missed.seen.sum(axis=1), missed.expected.sum(axis=1)
    shape = gamma_shape(totals, expected)
    slot_shape = _slots_shape(missed)
    model = fit(history, calendar, weight)
    ahead = Calendar.of(start, days, hours)
    found = Forecast(start, model, ahead, model.expected(ahead, gap), shape, slot_shape)
    return found, _score(missed, len(origins), weight, shape, slot_shape)


def _choose(history: History, calendar: Calendar, weeks: int) -> tuple[float, list[int]]:
    """The weight with the least daily error before the held-back weeks, and the origins that are held back."""
    length = len(history.counts)
    all_origins = list(range(length - 7, LEAST - 1, -7))
    if not all_origins:
        raise ModelError(f"history: {length} days; at least {LEAST + 7} are needed, so that a week can be held back")
    origins, before = all_origins[:weeks], all_origins[weeks + 1 : 2 * weeks + 1]
    if len(before) < 4:
        return USUAL_WEIGHT, origins
    errors = {}
    for weight in WEIGHTS:
        missed = _missed(history, calendar, before, weight)
        errors[weight] = float(np.abs(missed.seen.sum(axis=1) - missed.expected.sum(axis=1)).sum())
    return min(errors, key=lambda each: errors[each]), origins


def _missed(history: History, calendar: Calendar, origins: list[int], weight: float) -> _Missed:
    expected, seen, naive = [], [], []
    totals = history.totals
    for origin in origins:
        model = fit(history.until(origin), calendar.until(origin), weight)
        until = min(origin + AHEAD, len(totals))
        part = slice(origin, until)
        ahead = Calendar(calendar.weekday[part], calendar.month[part], calendar.kind[part])
        rows = model.expected(ahead, 0)
        for day in range(origin, until):
            if np.isnan(totals[day]) or not rows[day - origin].sum():
                continue
            expected.append(rows[day - origin])
            seen.append(history.counts[day])
            naive.append(_last_week(history, origin, day))
    if not expected:
        raise ModelError("history: the held-back weeks are without a record; give one that reaches further")
    return _Missed(np.array(expected), np.array(seen), np.array(naive))


def _last_week(history: History, origin: int, day: int) -> Floats:
    """The last day with the same weekday that is known at the origin."""
    same = range(day - 7 * -(-(day - origin + 1) // 7), -1, -7)
    known = next((each for each in same if not np.isnan(history.counts[each, 0])), None)
    return history.counts[known] if known is not None else np.zeros(SLOTS)


def _slots_shape(missed: _Missed) -> float:
    """As the shape of days, for half-hours: what is left beyond Poisson within and between days."""
    found: FittedValue = gamma_shape(missed.seen.ravel(), missed.expected.ravel())
    return found.value


def _score(missed: _Missed, origins: int, weight: float, shape: FittedValue, slot_shape: float) -> Score:
    calls = float(missed.seen.sum())
    if not calls:
        raise ModelError("history: no call in the held-back weeks")
    day_seen, day_mean, day_naive = (each.sum(axis=1) for each in (missed.seen, missed.expected, missed.naive))
    low, high = interval(day_mean, shape.value)
    used = missed.expected > 1
    slot_low, slot_high = interval(missed.expected[used], slot_shape)
    within = (missed.seen[used] >= slot_low) & (missed.seen[used] <= slot_high)
    return Score(
        origins=origins,
        daily=float(np.abs(day_seen - day_mean).sum()) / calls,
        half_hour=float(np.abs(missed.seen - missed.expected).sum()) / calls,
        naive_daily=float(np.abs(day_seen - day_naive).sum()) / calls,
        naive_half_hour=float(np.abs(missed.seen - missed.naive).sum()) / calls,
        floor_daily=float(noise(day_mean).sum()) / calls,
        floor_half_hour=float(noise(missed.expected).sum()) / calls,
        covered_daily=float(np.mean((day_seen >= low) & (day_seen <= high))),
        covered_half_hour=float(np.mean(within)) if used.any() else 1.0,
        weight=weight,
    )
