"""The next try: in service hours, not too soon, at another time of day."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import OpeningHours, parse_range
from tests.conftest import rome
from voicemail.callback.schedule import HOUR, PARTS, next_try, part_of_day

OFFICE = OpeningHours("Europe/Rome", [[parse_range("09:00-18:00")]] * 5 + [[], []])
SPLIT = OpeningHours("Europe/Rome", [[parse_range("09:00-13:00"), parse_range("14:30-17:00")]] * 5 + [[], []])
ALWAYS = OpeningHours("Europe/Rome", [[parse_range("00:00-24:00")]] * 7, national=False)
NEVER = OpeningHours("Europe/Rome", [[]] * 7)
INSTANTS = st.floats(rome("2026-01-01 00:00"), rome("2027-12-31 00:00"))


@given(st.sampled_from([OFFICE, SPLIT, ALWAYS]), INSTANTS, st.lists(INSTANTS, max_size=8), st.floats(0, 100))
def test_the_next_try_is_in_service_hours_and_not_too_soon(
    hours: OpeningHours, now: float, tried: list[float], between: float
) -> None:
    at = next_try(hours, now, tried, between)
    assert at >= now + HOUR * between
    assert hours.is_open(at)
    assert hours.day_reason(hours.local(at).date()).kind == "open"  # never on a holiday


@given(st.sampled_from([OFFICE, SPLIT, ALWAYS]), INSTANTS, st.floats(0, 30))
def test_as_many_attempts_as_parts_fall_into_different_parts(hours: OpeningHours, now: float, between: float) -> None:
    tried = [hours.next_opening(now)]
    for _ in range(PARTS - 1):
        tried.append(next_try(hours, tried[-1], tried, between))
    assert {part_of_day(hours, at) for at in tried} == set(range(PARTS))


@given(INSTANTS)
def test_the_parts_of_a_day_follow_each_other(at: float) -> None:
    at = OFFICE.next_opening(at)
    until = OFFICE.next_change(at)
    assert 0 <= part_of_day(OFFICE, at) <= part_of_day(OFFICE, until - 1) == PARTS - 1


def test_after_a_try_in_the_morning_the_next_is_in_the_afternoon() -> None:
    morning = rome("2026-11-24 09:30")
    first = next_try(OFFICE, morning, [morning], 2)
    assert first == rome("2026-11-24 12:00")
    second = next_try(OFFICE, first, [morning, first], 2)
    assert second == rome("2026-11-24 15:00")
    assert next_try(OFFICE, second, [morning, first, second], 2) == rome("2026-11-24 17:00")


def test_the_next_try_after_a_weekend_and_a_holiday() -> None:
    friday = rome("2026-12-04 17:30")
    assert next_try(OFFICE, friday, [friday], 2) == rome("2026-12-07 09:00")
    monday = rome("2026-12-07 17:30")  # the 8th is a holiday
    assert next_try(OFFICE, monday, [monday], 2) == rome("2026-12-09 09:00")


def test_a_service_that_never_opens_has_no_next_try() -> None:
    assert math.isinf(next_try(NEVER, rome("2026-11-24 10:00"), [], 2))


def test_a_closed_day_has_only_the_first_part() -> None:
    assert part_of_day(OFFICE, rome("2026-11-28 17:00")) == 0
