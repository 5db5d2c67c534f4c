"""Expected arrivals, and random arrivals that agree with them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from charter.calendar import OpeningHours, parse_range
from queue_model.random.streams import Streams, places
from queue_model.scenario.period import Period
from queue_model.scenario.schema import Profile, SpecialDays, Swings
from queue_model.simulation.arrivals import (
    DrawnArrivals,
    Floats,
    busy_days,
    day_factors,
    draw,
    intensity,
    swing_factors,
)

OFFICE = OpeningHours("Europe/Rome", [[parse_range("09:15-18:00")]] * 5 + [[], []])
WEEKS = Period(date(2026, 10, 5), 28, OFFICE)
MAIN = Profile(start="09:00", step_minutes=30, weights=[1, 3, 0, 2])
NIGHT = Profile(start="00:00", step_minutes=720, weights=[1, 1])


def test_a_day_is_divided_by_the_weights_of_its_steps() -> None:
    found = intensity(WEEKS, [(MAIN, np.full(28, 60.0))], MAIN)
    day = found.day == 3
    by_slot = [found.expected[day & (found.slot == slot)].sum() for slot in range(4)]
    assert by_slot == pytest.approx([10, 30, 0, 20])
    assert found.expected.sum() == pytest.approx(28 * 60)
    assert found.edges[0] == 0
    assert found.edges[-1] == WEEKS.length


def test_steps_change_where_the_service_opens() -> None:
    found = intensity(WEEKS, [(MAIN, np.full(28, 60.0))], MAIN)
    assert WEEKS.open_from[0] in found.edges
    assert WEEKS.open_until[-1] in found.edges


def test_flows_add_up_and_a_day_of_25_hours_has_more_calls_of_a_constant_flow() -> None:
    found = intensity(WEEKS, [(MAIN, np.full(28, 60.0)), (NIGHT, np.full(28, 24.0))], MAIN)
    per_day = np.bincount(found.day, found.expected)
    assert per_day[0] == pytest.approx(84)
    assert per_day[20] == pytest.approx(85)  # Sunday 25 October


def test_calendar_factors() -> None:
    special = [SpecialDays(first=date(2026, 10, 7), last=date(2026, 10, 8), factor=3)]
    whole, beside = day_factors(WEEKS, {"monday": 1.5}, {"november": 0.5}, special)
    assert whole[:5].tolist() == [1.5, 1, 3, 3, 1]
    assert beside[:5].tolist() == [1, 1, 3, 3, 1]
    assert whole[-1] == 0.5  # 1 November


def drawn(per_day: float, seed: int = 1, busyness: float | None = None, swings: Swings | None = None):  # type: ignore[no-untyped-def]
    expected = intensity(WEEKS, [(MAIN, np.full(28, per_day))], MAIN)
    return expected, draw(expected, WEEKS, Streams(seed), "calls", busyness, swings)


def test_arrivals_are_sorted_within_their_steps_and_numbered_by_day() -> None:
    expected, found = drawn(200.0)
    assert (np.diff(found.at) >= 0).all()
    assert (expected.edges[found.step] <= found.at).all()
    assert (found.at <= expected.edges[found.step + 1]).all()
    assert (expected.slot[found.step] != 2).all()  # no arrivals in a step of weight 0
    for day in range(28):
        mine = expected.day[found.step] == day
        numbered = np.arange(mine.sum())
        assert np.array_equal(found.where[mine], places(np.full_like(numbered, day), numbered))
        assert (WEEKS.day_of(found.at[mine]) == day).all()


def by_day(found: DrawnArrivals) -> list[Floats]:
    return [found.at[WEEKS.day_of(found.at) == day] for day in range(28)]


def counts_of(per_day: float, busyness: float | None = None) -> Floats:
    return np.array([len(day) for seed in range(40) for day in by_day(drawn(per_day, seed, busyness)[1])])


def test_counts_have_the_mean_and_variance_of_poisson() -> None:
    counts = counts_of(300.0)
    assert counts.mean() == pytest.approx(300, abs=4 * np.sqrt(300 / len(counts)))
    assert counts.var() == pytest.approx(300, rel=0.15)


def test_busyness_increases_the_variance() -> None:
    counts = counts_of(300.0, 25.0)
    assert counts.mean() == pytest.approx(300, rel=0.03)
    assert counts.var() == pytest.approx(300 + 300**2 / 25, rel=0.2)


def test_a_higher_rate_brings_the_same_callers_earlier() -> None:
    _, few = drawn(100.0)
    _, many = drawn(120.0)
    for a, b in zip(by_day(few), by_day(many), strict=True):
        assert len(b) >= len(a)
        assert (b[: len(a)] <= a).all()


def test_days_are_independent_of_each_other() -> None:
    _, plain = drawn(100.0)
    expected = intensity(WEEKS, [(MAIN, np.where(np.arange(28) == 2, 5000.0, 100.0))], MAIN)
    found = draw(expected, WEEKS, Streams(1), "calls", None, None)
    assert by_day(found)[20] == pytest.approx(by_day(plain)[20], abs=1e-6)


def test_random_factors_have_mean_one() -> None:
    assert busy_days(Streams(2), "x", 20_000, 50.0).mean() == pytest.approx(1, abs=0.005)
    factors = swing_factors(Streams(2), "x", 20_000, 6, Swings(sd=0.3, correlation=0.8))
    assert factors.mean(axis=0) == pytest.approx(1, abs=0.015)
    logs = np.log(factors)
    assert np.corrcoef(logs[:, 2], logs[:, 3])[0, 1] == pytest.approx(0.8, abs=0.02)
    assert np.corrcoef(logs[:, 1], logs[:, 3])[0, 1] == pytest.approx(0.64, abs=0.03)


def test_a_period_without_arrivals() -> None:
    _, found = drawn(0.0)
    assert len(found.at) == 0
    assert len(found.where) == 0
