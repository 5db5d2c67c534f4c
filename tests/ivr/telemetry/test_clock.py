"""A clock that is set, beside one that runs on."""

from __future__ import annotations

import pytest

from ivr.telemetry.clock import ClockWatch


def test_a_clock_that_runs_like_the_steady_one_has_no_step() -> None:
    watch = ClockWatch(2.0)
    assert [watch.step(1000.0 + n, 5.0 + n) for n in range(5)] == [0.0] * 5


@pytest.mark.parametrize("seconds", [-600.0, -2.0, 2.0, 3600.0])
def test_a_step_is_reported_once_with_its_direction(seconds: float) -> None:
    watch = ClockWatch(2.0)
    assert watch.step(1000.0, 5.0) == 0.0  # the first reading
    assert watch.step(1010.0 + seconds, 15.0) == pytest.approx(seconds)
    assert watch.step(1020.0 + seconds, 25.0) == 0.0


def test_adjustments_below_the_tolerance_do_not_add_up() -> None:
    watch = ClockWatch(2.0)
    assert [watch.step(1000.0 + 1.9 * n, 5.0 + n) for n in range(100)] == [0.0] * 100
