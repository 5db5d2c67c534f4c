"""Scores forecasts on held-back weeks (rolling origin): two weeks ahead from each origin.

The score is compared with the seasonal-naive forecast (the same weekday of the last known week) and with Poisson noise,
which no forecast can avoid. The weight of the level is chosen on origins before the held-back weeks, so that the score
is fair.
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
    """Weighted absolute percentage errors (sum of errors over sum of calls), and the coverage of the intervals."""

    origins: int
    daily: float
    half_hour: float
    naive_daily: float
    naive_half_hour: float
    floor_daily: float
    floor_half_hour: float
    covered_daily: float  # of 95 % intervals
    covered_half_hour: float
    weight: float  # of the most recent day in the level


@dataclass(frozen=True, eq=False)
class _Errors:
    """Forecast days with the actual calls: expected, seen and seasonal naive, each [rows, SLOTS]."""

    expected: Floats
    seen: Floats
    naive: Floats


def forecast(
    history: History, hours: OpeningHours, days: int, *, weeks: int = WEEKS, first: date | None = None
) -> tuple[Forecast, Score]:
    """Forecast `days` days after the history (or from `first` on), and score such forecasts. Raises ModelError."""
    begin = history.first + len(history.counts) * ONE_DAY
    start = first or begin
    gap = (start - begin).days
    if gap < 0:
        raise ModelError(f"--first: {start} lies within the history, which ends {begin - ONE_DAY}; choose a later day")
    calendar = Calendar.of(history.first, len(history.counts), hours)
    weight, origins = _choose(history, calendar, weeks)
    errors = _errors(history, calendar, origins, weight)
    totals, expected = errors.seen.sum(axis=1), errors.expected.sum(axis=1)
    shape = gamma_shape(totals, expected)
    slot_shape = _slots_shape(errors)
    model = fit(history, calendar, weight)
    ahead = Calendar.of(start, days, hours)
    found = Forecast(start, model, ahead, model.expected(ahead, gap), shape, slot_shape)
    return found, _score(errors, len(origins), weight, shape, slot_shape)


def _choose(history: History, calendar: Calendar, weeks: int) -> tuple[float, list[int]]:
    """The weight with the least daily error before the held-back weeks, and the held-back origins."""
    length = len(history.counts)
    all_origins = list(range(length - 7, LEAST - 1, -7))
    if not all_origins:
        raise ModelError(f"history: {length} days; at least {LEAST + 7} are needed to hold back a week")
    origins, before = all_origins[:weeks], all_origins[weeks + 1 : 2 * weeks + 1]
    if len(before) < 4:
        return USUAL_WEIGHT, origins
    by_weight = {}
    for weight in WEIGHTS:
        errors = _errors(history, calendar, before, weight)
        by_weight[weight] = float(np.abs(errors.seen.sum(axis=1) - errors.expected.sum(axis=1)).sum())
    return min(by_weight, key=lambda each: by_weight[each]), origins


def _errors(history: History, calendar: Calendar, origins: list[int], weight: float) -> _Errors:
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
        raise ModelError("history: the held-back weeks have no data; give a longer history")
    return _Errors(np.array(expected), np.array(seen), np.array(naive))


def _last_week(history: History, origin: int, day: int) -> Floats:
    """The last day with the same weekday that is known at the origin."""
    same = range(day - 7 * -(-(day - origin + 1) // 7), -1, -7)
    known = next((each for each in same if not np.isnan(history.counts[each, 0])), None)
    return history.counts[known] if known is not None else np.zeros(SLOTS)


def _slots_shape(errors: _Errors) -> float:
    """The gamma shape for half-hours: the spread beyond Poisson within and between days."""
    found: FittedValue = gamma_shape(errors.seen.ravel(), errors.expected.ravel())
    return found.value


def _score(errors: _Errors, origins: int, weight: float, shape: FittedValue, slot_shape: float) -> Score:
    calls = float(errors.seen.sum())
    if not calls:
        raise ModelError("history: no calls in the held-back weeks; give a longer history")
    day_seen, day_mean, day_naive = (each.sum(axis=1) for each in (errors.seen, errors.expected, errors.naive))
    low, high = interval(day_mean, shape.value)
    used = errors.expected > 1
    slot_low, slot_high = interval(errors.expected[used], slot_shape)
    within = (errors.seen[used] >= slot_low) & (errors.seen[used] <= slot_high)
    return Score(
        origins=origins,
        daily=float(np.abs(day_seen - day_mean).sum()) / calls,
        half_hour=float(np.abs(errors.seen - errors.expected).sum()) / calls,
        naive_daily=float(np.abs(day_seen - day_naive).sum()) / calls,
        naive_half_hour=float(np.abs(errors.seen - errors.naive).sum()) / calls,
        floor_daily=float(noise(day_mean).sum()) / calls,
        floor_half_hour=float(noise(errors.expected).sum()) / calls,
        covered_daily=float(np.mean((day_seen >= low) & (day_seen <= high))),
        covered_half_hour=float(np.mean(within)) if used.any() else 1.0,
        weight=weight,
    )
