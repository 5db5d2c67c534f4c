"""Histories with known parameters: level, weekdays, growth, season, holidays, and a gamma factor per day."""

from __future__ import annotations

from datetime import date

import numpy as np

from charter.calendar import ONE_DAY, OpeningHours, Range
from queue_model.fitting.forecast import KINDS, Calendar
from queue_model.fitting.history import SLOTS, History
from tests.queue_model.example_scenarios import W1

HOURS = OpeningHours("Europe/Rome", [[Range(540, 1080)]] * 5 + [[], []])
WEEK = np.array([1.25, 1.05, 1.0, 0.95, 0.75, 0.1, 0.05])
DAY_FACTORS = {"ordinary": 1.0, "holiday": 0.1, "closure": 0.2, "eve": 0.8, "after": 1.3, "bridge": 0.6}
PROFILE = np.zeros(SLOTS)
PROFILE[18:36] = W1
PROFILE /= PROFILE.sum()
YEAR = 1 + 0.2 * np.cos(2 * np.pi * (np.arange(12) - 2) / 12)


def truth(
    days: int, *, level: float = 400, growth: float = 0.0, season: bool = False, first: date = date(2024, 1, 8)
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The expected calls, [days, SLOTS]."""
    calendar = Calendar.of(first, days, HOURS)
    kinds = np.array([DAY_FACTORS[kind] for kind in KINDS])
    whole = level * np.exp(growth * np.arange(days)) * WEEK[calendar.weekday] * kinds[calendar.kind]
    if season:
        whole = whole * YEAR[calendar.month]
    found: np.ndarray[tuple[int, int], np.dtype[np.float64]] = whole[:, None] * PROFILE
    return found


def synthetic(
    days: int, *, shape: float | None = None, seed: int = 1, first: date = date(2024, 1, 8), level: float = 400,
    growth: float = 0.0, season: bool = False,
) -> History:  # fmt: skip
    """Poisson calls with these expectations, times a gamma factor of that shape for each day."""
    draw = np.random.default_rng(seed)
    expected = truth(days, level=level, growth=growth, season=season, first=first)
    busy = draw.standard_gamma(shape, days) / shape if shape is not None else np.ones(days)
    return History(first, draw.poisson(expected * busy[:, None]).astype(float))


def csv(history: History) -> str:
    """The history as a CSV file, without the half-hours at night."""
    lines = ["day,half_hour,calls"]
    for number, row in enumerate(history.counts):
        day = history.first + number * ONE_DAY
        lines += [f"{day},{slot // 2:02}:{slot % 2 * 30:02},{int(row[slot])}" for slot in range(18, 36)]
    return "\n".join(lines) + "\n"
