"""How many contacts are to be expected when: piecewise-constant rates over the days of a period, and draws from them.

Each day is cut where a profile steps and where the service opens or closes. A day's arrivals are a Poisson process of
rate 1 read off against the expected number so far (inversion): when a scenario raises a rate, the same callers come,
a little earlier, and some more after them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter.calendar import MIDNIGHT, WEEKDAYS
from queue_model.feasible import minute
from queue_model.period import Period
from queue_model.scenario import Profile, SpecialDays, Swings
from queue_model.streams import Streams

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Intensity:
    """Steps in order without gaps: `edges` [s + 1] in seconds of the period, the others [s]."""

    edges: Floats
    rate: Floats  # a second
    day: Indices
    slot: Indices  # step of the main profile; -1 beside it
    first: Indices  # first step of each day, [days + 1]

    @property
    def expected(self) -> Floats:
        """Arrivals expected in each step, while every factor is 1."""
        return self.rate * np.diff(self.edges)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Arrivals in order of time: instants, the day and the number within it (from 0), the step."""

    at: Floats
    day: Indices
    number: Indices
    step: Indices

    @property
    def most(self) -> int:
        """Arrivals of the busiest day."""
        return int(self.number.max()) + 1 if len(self.number) else 0

    def pick(self, table: Floats) -> Floats:
        """Each arrival's own value of a table of `Streams`."""
        return np.asarray(np.take(table, self.day * table.shape[1] + self.number))


def day_factors(
    period: Period, weekdays: Mapping[Any, float], months: Mapping[Any, float], special: Sequence[SpecialDays]
) -> tuple[Floats, Floats]:
    """What the calendar makes of each day: (weekday, month and special days together; the same without weekdays)."""
    beside = np.array([_month_and_special(period.date(day), months, special) for day in range(period.days)])
    week = np.array([weekdays.get(WEEKDAYS[period.date(day).weekday()], 1.0) for day in range(period.days)])
    return beside * week, beside


def _month_and_special(day: date, months: Mapping[Any, float], special: Sequence[SpecialDays]) -> float:
    factor = float(months.get(MONTHS[day.month - 1], 1.0))
    for each in special:
        if each.first <= day <= (each.last or each.first):
            factor *= each.factor
    return factor


def intensity(period: Period, flows: Sequence[tuple[Profile, Floats]], main: Profile) -> Intensity:
    """The sum of several flows: each a profile and its expected number on every day, [days]."""
    cuts = sorted({0, MIDNIGHT, *(cut for profile, _ in flows for cut in _cuts(profile)), *_cuts(main)})
    shapes = np.array([_shape(profile, cuts) for profile, _ in flows])  # a minute, [flows, cuts - 1]
    per_day = np.array([expected for _, expected in flows])  # [flows, days]
    slots = _slots(main, cuts)
    edges, rates, days, slot, first = [], [], [], [], [0]
    for day in range(period.days):
        walls = _instants(period, day, cuts)
        mine = np.unique(np.concatenate((walls, _opening_edges(period, day))))
        step = np.minimum(np.searchsorted(walls, mine[:-1], "right") - 1, len(cuts) - 2)
        edges.append(mine[:-1])
        rates.append((per_day[:, day] @ shapes)[step] / 60)
        slot.append(slots[step])
        days.append(np.full(len(step), day))
        first.append(first[-1] + len(step))
    whole = np.concatenate([*edges, [period.length]])
    return Intensity(whole, np.concatenate(rates), np.concatenate(days), np.concatenate(slot), np.array(first))


def _cuts(profile: Profile) -> list[int]:
    begin = minute(profile.start)
    return [begin + n * profile.step_minutes for n in range(len(profile.weights) + 1)]


def _shape(profile: Profile, cuts: Sequence[int]) -> Floats:
    """The share of a day's arrivals a minute, between each two cuts."""
    total = sum(profile.weights) or 1.0
    weights = np.array(profile.weights) / total / profile.step_minutes
    return np.where(_slots(profile, cuts) >= 0, weights[_slots(profile, cuts)], 0.0)


def _slots(profile: Profile, cuts: Sequence[int]) -> Indices:
    """The step of the profile between each two cuts; -1 outside it."""
    slot = (np.array(cuts[:-1]) - minute(profile.start)) // profile.step_minutes
    return np.where((slot >= 0) & (slot < len(profile.weights)), slot, -1)


def _instants(period: Period, day: int, cuts: Sequence[int]) -> Floats:
    if period.is_even(day):
        return np.asarray(period.midnights[day] + 60.0 * np.array(cuts))
    return np.maximum.accumulate(np.array([period.seconds(day, cut) for cut in cuts]))


def _opening_edges(period: Period, day: int) -> Floats:
    both = np.concatenate((period.open_from, period.open_until))
    return np.asarray(both[(both > period.midnights[day]) & (both < period.midnights[day + 1])])


# --- drawing ---------------------------------------------------------------------------------------------------------


def draw(
    expected: Intensity, period: Period, streams: Streams, name: str, busyness: float | None, swings: Swings | None
) -> Drawn:
    """The arrivals of one replication."""
    numbers = expected.expected
    if busyness is not None:
        numbers = numbers * busy_days(streams, name, period.days, busyness)[expected.day]
    if swings is not None:
        factors = swinging(streams, name, period.days, int(expected.slot.max()) + 1, swings)
        numbers = np.where(expected.slot >= 0, numbers * factors[expected.day, expected.slot], numbers)
    passed = np.concatenate(([0.0], np.cumsum(numbers)))
    base = passed[expected.first]  # expected before each day, [days + 1]
    unit = _unit_process(streams, name, period.days, np.diff(base))
    come = unit < np.diff(base)[:, None]
    day, number = np.nonzero(come)
    reached = unit[come] + base[day]
    step = np.minimum(np.searchsorted(passed, reached, "right") - 1, len(numbers) - 1)
    # Rounding may carry an arrival over the edge of its day, or into a step in which nobody comes.
    step = np.clip(step, expected.first[day], expected.first[day + 1] - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.where(numbers[step] > 0, (reached - passed[step]) / numbers[step], 1.0)
    width = np.diff(expected.edges)[step]
    at = expected.edges[step] + np.clip(within, 0.0, 1.0) * width
    return Drawn(np.maximum.accumulate(at) if len(at) else at, day, number, step)


def busy_days(streams: Streams, name: str, days: int, shape: float) -> Floats:
    """One gamma factor of mean 1 a day."""
    return np.asarray(streams.table(f"{name}/busyness", f"gamma {shape!r}", days, 1)[:, 0] / shape)


def swinging(streams: Streams, name: str, days: int, slots: int, swings: Swings) -> Floats:
    """Log-normal factors of mean 1 [days, slots], each correlated with the one before it."""
    fresh = streams.table(f"{name}/swings", "normal", days, slots)
    state = np.empty((days, slots))
    state[:, 0] = fresh[:, 0]
    for slot in range(1, slots):
        state[:, slot] = swings.correlation * state[:, slot - 1] + np.sqrt(1 - swings.correlation**2) * fresh[:, slot]
    return np.exp(swings.sd * state - swings.sd**2 / 2)


def _unit_process(streams: Streams, name: str, days: int, expected: Floats) -> Floats:
    """Arrivals of a Poisson process of rate 1, [days, as many as the busiest day needs]."""
    most = float(expected.max()) if days else 0.0
    count = int(most + 5 * np.sqrt(most) + 8)
    while True:
        unit = np.cumsum(streams.table(f"{name}/arrivals", "exponential", days, count), axis=1)
        if (unit[:, -1] >= expected).all():
            return np.asarray(unit)
        count = unit.shape[1] + 1
