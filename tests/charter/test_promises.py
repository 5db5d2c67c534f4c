"""Due instants of the three clocks, over weekends, holidays and days of 23 and 25 hours."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import OpeningHours, parse_range
from charter.promises import (
    Backlog,
    Change,
    Clock,
    ClockState,
    Deferred,
    Pause,
    Promise,
    State,
    backlog,
    clock_state,
    describe,
    due,
    explain,
)

OFFICE = OpeningHours("Europe/Rome", [[parse_range("09:00-18:00")]] * 5 + [[], []])
NEVER = OpeningHours("Europe/Rome", [[]] * 7)
EMAIL = Promise("email", 48, "hours", 0.9)
SERVICE = Promise("email", 18, "service_hours", 0.9)
SECOND = Promise("second_level", 10, "calendar_days", 0.8)


def rome(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Rome")).timestamp()


@pytest.mark.parametrize(
    ("promise", "start", "expected"),
    [
        (EMAIL, "2026-10-16 17:00", "2026-10-18 17:00"),  # Friday to Sunday: the clock does not stop
        (EMAIL, "2026-10-24 12:00", "2026-10-26 11:00"),  # the 25th has 25 hours
        (EMAIL, "2026-03-28 12:00", "2026-03-30 13:00"),  # the 29th has 23
        (SERVICE, "2026-10-16 17:00", "2026-10-20 17:00"),  # 1 h on Friday, 9 on Monday, 8 on Tuesday
        (SERVICE, "2026-10-17 03:00", "2026-10-20 18:00"),  # a Saturday night: due as Tuesday closes
        (SERVICE, "2026-12-24 17:30", "2026-12-29 17:30"),  # Christmas and St Stephen do not count
        (SECOND, "2026-10-05 09:00", "2026-10-16 00:00"),  # the 15th to its end
        (SECOND, "2026-10-05 23:59", "2026-10-16 00:00"),
        (SECOND, "2026-10-20 09:00", "2026-10-31 00:00"),  # over the 25-hour day
    ],
)
def test_due_instants(promise: Promise, start: str, expected: str) -> None:
    assert due(promise, rome(start), OFFICE) == rome(expected)


def test_a_service_clock_is_never_due_if_the_service_never_opens() -> None:
    assert due(SERVICE, rome("2026-10-16 17:00"), NEVER) == math.inf
    assert "non scade mai" in explain(SERVICE, rome("2026-10-16 17:00"), NEVER)


def test_half_a_calendar_day_is_refused() -> None:
    with pytest.raises(ValueError, match="whole"):
        due(Promise("x", 1.5, "calendar_days", 0.8), 0.0, OFFICE)


@given(
    st.sampled_from(["hours", "service_hours", "calendar_days"]),
    st.integers(1, 40),
    st.floats(rome("2026-01-01 00:00"), rome("2026-12-01 00:00")),
    st.floats(0, 1e6),
)
def test_the_due_instant_is_not_before_the_start_and_grows_with_it(
    clock: Clock, amount: int, start: float, later: float
) -> None:
    promise = Promise("any", amount, clock, 0.8)
    assert start < due(promise, start, OFFICE) <= due(promise, start + later, OFFICE)


@given(st.integers(1, 60), st.floats(rome("2026-01-01 00:00"), rome("2026-12-01 00:00")))
def test_a_service_clock_matches_service_seconds_of_the_calendar(hours: int, start: float) -> None:
    over = due(Promise("any", hours, "service_hours", 0.8), start, OFFICE)
    assert OFFICE.service_seconds(start, over) == pytest.approx(3600 * hours, abs=1e-3)


def test_the_backlog_is_the_overdue_requests() -> None:
    requests = [Deferred(10), Deferred(20, answered=100), Deferred(30, answered=40), Deferred(60)]
    assert backlog(requests, 50) == Backlog(2, 35.0, 40.0)
    assert backlog([], 50) == Backlog(0, 0.0, 0.0)


def test_description_and_explanation() -> None:
    assert describe(EMAIL) == "48 ore nel 90 % dei casi"
    assert describe(Promise("X", 10, "calendar_days", 0.8)) == "10 giorni solari nell'80 % dei casi"
    assert describe(Promise("X", 1, "calendar_days", 0.995)) == "1 giorno solare nel 99,5 % dei casi"
    assert describe(Promise("X", 1, "service_hours", 0.01)) == "1 ora di servizio nell'1 % dei casi"
    assert describe(Promise("X", 1.5, "hours", 0.005), "it") == "1,5 ore nello 0,5 % dei casi"
    assert describe(Promise("X", 1, "hours", 0.8), "en") == "1 hour in 80 % of cases"
    assert describe(SECOND, "en") == "10 calendar days in 80 % of cases"
    assert explain(SECOND, rome("2026-10-05 09:00"), OFFICE) == (
        "05/10/2026 09:00:00 + 10 giorni solari: entro giovedì 15/10/2026 compreso "
        "(il giorno di partenza non si conta, l'ultimo vale per intero)"
    )
    assert explain(EMAIL, rome("2026-10-05 09:00"), OFFICE, "en").startswith(
        "05/10/2026 09:00:00 + 48 hours: due 07/10/2026 09:00:00 (the clock never stops"
    )
    assert date(2026, 10, 5).weekday() == 0


# --- pauses ----------------------------------------------------------------------------------------------------------


def changes(*written: tuple[str, State]) -> list[Change]:
    return [Change(rome(at), state) for at, state in written]


@pytest.mark.parametrize(
    ("promise", "paused", "resumed", "expected"),
    [
        (EMAIL, "2026-10-06 09:00", "2026-10-06 12:00", "2026-10-07 12:00"),
        (EMAIL, "2026-10-06 09:00", "2026-10-26 09:00", "2026-10-27 09:00"),  # 24 h were left
        (SERVICE, "2026-10-06 09:00", "2026-10-06 12:00", "2026-10-07 12:00"),  # 9 of 18 h on Monday
        (SERVICE, "2026-10-06 18:00", "2026-10-09 09:00", "2026-10-06 18:00"),  # no time was left
        (SERVICE, "2026-10-06 17:00", "2026-10-10 11:00", "2026-10-12 10:00"),  # an hour was left; a Saturday between
        (SECOND, "2026-10-06 09:00", "2026-10-06 23:59", "2026-10-16 00:00"),  # no midnight in it
        (SECOND, "2026-10-06 23:59", "2026-10-07 00:01", "2026-10-17 00:00"),
        (SECOND, "2026-10-20 09:00", "2026-10-29 00:00", "2026-10-16 00:00"),  # already late
    ],
)
def test_a_pause_moves_the_due_instant(promise: Promise, paused: str, resumed: str, expected: str) -> None:
    start = "2026-10-05 09:00"
    found = clock_state(promise, changes((start, "running"), (paused, "paused"), (resumed, "running")), OFFICE)
    assert found == ClockState(rome(start), rome(expected), (Pause(rome(paused), rome(resumed)),))


def test_an_answer_in_a_pause_is_in_time_if_the_pause_began_in_time() -> None:
    late = changes(("2026-10-05 09:00", "running"), ("2026-10-06 09:00", "paused"), ("2026-11-06 09:00", "stopped"))
    assert clock_state(EMAIL, late, OFFICE).in_time
    late[1:2] = changes(("2026-10-08 09:00", "paused"))
    assert not clock_state(EMAIL, late, OFFICE).in_time


def test_the_delay_of_a_paused_clock_does_not_grow() -> None:
    begun = changes(("2026-10-05 09:00", "running"))
    assert clock_state(EMAIL, begun, OFFICE).late(rome("2026-10-07 09:00")) == 0
    assert clock_state(EMAIL, begun, OFFICE).late(rome("2026-10-07 10:00")) == 3600
    paused = clock_state(EMAIL, [*begun, *changes(("2026-10-07 10:00", "paused"))], OFFICE)
    assert (paused.late(rome("2026-10-30 09:00")), paused.paused_seconds) == (3600, 0)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([], "must be 'running'"),
        ([Change(0, "paused")], "must be 'running'"),
        ([Change(10, "running"), Change(9, "paused")], "order of time"),
        ([Change(0, "running"), Change(1, "stopped"), Change(2, "running")], "reopened"),
    ],
)
def test_impossible_changes_of_a_clock_are_refused(written: list[Change], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        clock_state(EMAIL, written, OFFICE)


CLOCKS = st.sampled_from([EMAIL, SERVICE, SECOND])
STEPS = st.lists(st.tuples(st.floats(0, 4e5), st.sampled_from(["running", "paused"])), max_size=8)


@given(CLOCKS, st.floats(rome("2026-03-20 00:00"), rome("2026-11-01 00:00")), STEPS)
def test_pauses_never_bring_the_due_instant_forward_or_cost_working_time(
    promise: Promise, start: float, steps: list[tuple[float, State]]
) -> None:
    written = [Change(start, "running")]
    for seconds, state in steps:
        written.append(Change(written[-1].at + seconds, state))
    found = clock_state(promise, written, OFFICE)
    assert found.due >= due(promise, start, OFFICE)
    kept = [each for each in found.pauses if each.start < found.due]
    if promise.clock == "hours":
        assert found.due - start - sum(each.until - each.start for each in kept) == pytest.approx(48 * 3600, abs=1e-3)
    if promise.clock == "service_hours":
        stood = sum(OFFICE.service_seconds(each.start, each.until) for each in kept)
        assert OFFICE.service_seconds(start, found.due) - stood == pytest.approx(18 * 3600, abs=1e-2)


def test_explanation_with_pauses() -> None:
    written = changes(
        ("2026-10-05 09:00", "running"), ("2026-10-06 09:00", "paused"), ("2026-10-06 12:00", "running"),
        ("2026-10-07 11:00", "stopped"),
    )  # fmt: skip
    assert explain(EMAIL, written[0].at, OFFICE, "it", written).splitlines()[1:] == [
        "sospesa dal 06/10/2026 09:00:00 al 06/10/2026 12:00:00, in attesa della persona: scade 07/10/2026 12:00:00",
        "conclusa 07/10/2026 11:00:00: nei tempi",
    ]
    waiting = explain(EMAIL, written[0].at, OFFICE, "en", written[:2])
    assert waiting.splitlines()[1].startswith("paused since 06/10/2026 09:00:00, waiting for the person")
