"""Arrivals: piecewise-constant rates over the days of a period, and random arrivals drawn from them.

Rates change at the steps of a profile and where the service opens or closes. The arrivals of a day are a Poisson
process of rate 1, transformed by the expected number of arrivals (inversion). So if a scenario raises a rate, the same
callers come a little earlier, and some more after them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charter.calendar import MIDNIGHT, WEEKDAYS
from queue_model.random.streams import Streams
from queue_model.random.ziggurat import Words
from queue_model.scenario.checks import minute
from queue_model.scenario.period import Period
from queue_model.scenario.schema import Profile, SpecialDays, Swings

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Intensity:
    """Adjacent steps: `edges` [s + 1] in seconds of the period, all others [s] unless stated."""

    edges: Floats
    rate: Floats  # per second
    day: Indices
    slot: Indices  # step of the main profile; -1 outside it
    first: Indices  # first step of each day, [days + 1]

    @property
    def expected(self) -> Floats:
        """Expected arrivals in each step, without random factors."""
        return self.rate * np.diff(self.edges)


class DrawnArrivals(NamedTuple):
    """Arrivals by time: instants, addresses of their random numbers (day and number within it), and steps."""

    at: Floats
    where: Words
    step: Indices


def day_factors(
    period: Period, weekdays: Mapping[Any, float], months: Mapping[Any, float], special: Sequence[SpecialDays]
) -> tuple[Floats, Floats]:
    """Calendar factors of each day: (weekday, month and special days; the same without weekdays)."""
    without_weekday = np.array([_month_and_special(period.date(day), months, special) for day in range(period.days)])
    week = np.array([weekdays.get(WEEKDAYS[period.date(day).weekday()], 1.0) for day in range(period.days)])
    return without_weekday * week, without_weekday


def _month_and_special(day: date, months: Mapping[Any, float], special: Sequence[SpecialDays]) -> float:
    factor = float(months.get(MONTHS[day.month - 1], 1.0))
    for each in special:
        if each.first <= day <= (each.last or each.first):
            factor *= each.factor
    return factor


def intensity(period: Period, flows: Sequence[tuple[Profile, Floats]], main: Profile) -> Intensity:
    """The sum of several flows, each a profile and its expected number on every day [days]."""
    cuts = sorted({0, MIDNIGHT, *(cut for profile, _ in flows for cut in _cuts(profile)), *_cuts(main)})
    shapes = np.array([_shape(profile, cuts) for profile, _ in flows])  # per minute, [flows, cuts - 1]
    per_day = np.array([expected for _, expected in flows])  # [flows, days]
    slots = _slots(main, cuts)
    edges, rates, days, slot, first = [], [], [], [], [0]
    for day in range(period.days):
        walls = _instants(period, day, cuts)
        edges_of_day = np.unique(np.concatenate((walls, _opening_edges(period, day))))
        step = np.minimum(np.searchsorted(walls, edges_of_day[:-1], "right") - 1, len(cuts) - 2)
        edges.append(edges_of_day[:-1])
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
    """The share of a day's arrivals per minute, between adjacent cuts."""
    total = sum(profile.weights) or 1.0
    weights = np.array(profile.weights) / total / profile.step_minutes
    return np.where(_slots(profile, cuts) >= 0, weights[_slots(profile, cuts)], 0.0)


def _slots(profile: Profile, cuts: Sequence[int]) -> Indices:
    """The step of the profile between adjacent cuts; -1 outside the profile."""
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
) -> DrawnArrivals:
    """The arrivals of one replication."""
    numbers = expected.expected
    if busyness is not None:
        numbers = numbers * busy_days(streams, name, period.days, busyness)[expected.day]
    if swings is not None:
        factors = swing_factors(streams, name, period.days, int(expected.slot.max()) + 1, swings)
        numbers = np.where(expected.slot >= 0, numbers * factors[expected.day, expected.slot], numbers)
    passed = np.concatenate(([0.0], np.cumsum(numbers)))
    return DrawnArrivals(*streams.arrivals(f"{name}/arrivals", expected.first, passed, expected.edges))


def busy_days(streams: Streams, name: str, days: int, shape: float) -> Floats:
    """A gamma factor of mean 1 for each day."""
    return np.asarray(streams.table(f"{name}/busyness", f"gamma {shape!r}", days, 1)[:, 0] / shape)


def swing_factors(streams: Streams, name: str, days: int, slots: int, swings: Swings) -> Floats:
    """Log-normal factors of mean 1, [days, slots], each correlated with the one before."""
    fresh = streams.table(f"{name}/swings", "normal", days, slots)
    state = np.empty((days, slots))
    state[:, 0] = fresh[:, 0]
    for slot in range(1, slots):
        state[:, slot] = swings.correlation * state[:, slot - 1] + np.sqrt(1 - swings.correlation**2) * fresh[:, slot]
    return np.exp(swings.sd * state - swings.sd**2 / 2)
