"""The days of a replication: opening, local time and elapsed seconds, over the days of 23 and 25 hours."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import OpeningHours, parse_range
from queue_model.scenario.period import Period

OFFICE = OpeningHours("Europe/Rome", [[parse_range("09:00-13:00"), parse_range("14:00-18:00")]] * 5 + [[], []])
ALWAYS = OpeningHours("Europe/Rome", [[parse_range("00:00-24:00")]] * 7, national=False)
AUTUMN = Period(date(2026, 10, 24), 4, OFFICE)  # Saturday; Sunday the 25th has 25 hours
SPRING = Period(date(2026, 3, 27), 4, ALWAYS)  # Friday; Sunday the 29th has 23 hours


def test_midnights_are_elapsed_seconds() -> None:
    assert np.diff(AUTUMN.midnights).tolist() == [86400, 90000, 86400, 86400]
    assert np.diff(SPRING.midnights).tolist() == [86400, 86400, 82800, 86400]
    assert AUTUMN.length == 4 * 86400 + 3600


def test_opening_in_seconds_of_the_period() -> None:
    monday = AUTUMN.midnights[2]
    assert AUTUMN.open_from[:2] - monday == pytest.approx([9 * 3600, 14 * 3600])
    assert AUTUMN.open_until[:2] - monday == pytest.approx([13 * 3600, 18 * 3600])
    assert AUTUMN.opens.tolist() == [False, False, True, True]
    assert len(AUTUMN.open_from) == 4


def test_a_service_that_never_closes_has_one_interval_a_day() -> None:
    assert SPRING.open_from.tolist() == SPRING.midnights[:-1].tolist()
    assert SPRING.open_until.tolist() == SPRING.midnights[1:].tolist()


@pytest.mark.parametrize(
    ("period", "day", "minute", "hours"),
    [
        (AUTUMN, 1, 90, 1.5),
        (AUTUMN, 1, 150, 2.5),  # 2:30 happens twice; the first
        (AUTUMN, 1, 180, 4),
        (AUTUMN, 1, 1440, 25),
        (AUTUMN, 2, 600, 10),
        (SPRING, 2, 150, 2.5),  # never: counts on from 2
        (SPRING, 2, 180, 2),
        (SPRING, 2, 1440, 23),
    ],
)
def test_a_local_time_is_an_instant(period: Period, day: int, minute: float, hours: float) -> None:
    assert period.seconds(day, minute) == period.midnights[day] + 3600 * hours


def test_an_instant_has_a_day_and_a_local_time() -> None:
    at = AUTUMN.midnights[1] + np.array([0, 1.5, 2.5, 3.5, 10]) * 3600
    assert AUTUMN.day_of(at).tolist() == [1] * 5
    assert AUTUMN.minute_of(at).tolist() == [0, 90, 150, 150, 540]
    assert AUTUMN.day_of(np.array([-5.0, 1e9])).tolist() == [0, 3]


@given(st.floats(0, 4 * 86400), st.floats(0, 4 * 86400))
def test_service_seconds_are_those_of_the_calendar(a: float, b: float) -> None:
    passed = AUTUMN.service_seconds(np.array([a, b]))
    expected = OFFICE.service_seconds(AUTUMN.origin + a, AUTUMN.origin + b)
    assert passed[1] - passed[0] == pytest.approx(expected, abs=1e-3)


def test_service_time_runs_out_with_the_period() -> None:
    total = 16 * 3600.0
    monday = AUTUMN.midnights[2]
    found = AUTUMN.after_service(np.array([3600.0, 4 * 3600.0, total, total + 1]))
    assert found.tolist() == [monday + 10 * 3600, monday + 13 * 3600, AUTUMN.midnights[3] + 18 * 3600, np.inf]


def test_open_or_closed() -> None:
    at = AUTUMN.midnights[2] + np.array([8.9, 9, 13, 13.5, 14, 17.999, 18]) * 3600
    assert AUTUMN.is_open(at).tolist() == [False, True, False, False, True, True, False]
