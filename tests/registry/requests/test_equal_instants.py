"""Events at exactly a due date, in Python and in SQL: what is in time, what counts, in which period."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from charter.promises import Change, Promise, clock_state, due, due_after_pause
from registry.requests import clocks, queries
from registry.requests.clocks import Reminders
from registry.requests.history import Event
from registry.requests.request import Request
from tests.registry.request_steps import DAY, HOUR, MORNING, Desk

DUE = MORNING + 48 * HOUR


def cohort(desk: Desk, start: float = DUE, until: float = DUE + 1) -> list[float | None]:
    with desk.database.read() as connection:
        return [each.answered for each in clocks.read_due(connection, "EMAIL", start, until)]


def overdue(desk: Desk, now: float) -> int:
    with desk.database.read() as connection:
        return len(clocks.read_overdue(connection, now))


def due_by(desk: Desk, until: float) -> int:
    with desk.database.read() as connection:
        return len(queries.list_due(connection, until, now=MORNING, reminders=Reminders(DAY, DAY)).rows)


def waiting(desk: Desk, since: float) -> Request:
    return desk.act(desk.act(desk.open("email"), "take", MORNING), "wait", since)


def test_a_period_has_its_first_instant_and_not_its_last(desk: Desk) -> None:
    desk.open("email")
    assert cohort(desk, DUE, DUE + 1) == [None]
    assert cohort(desk, DUE - 1, DUE) == []


def test_a_request_is_overdue_after_its_due_date_and_listed_at_it(desk: Desk) -> None:
    desk.open("email")
    assert (overdue(desk, DUE), overdue(desk, DUE + 0.001)) == (0, 1)
    assert (due_by(desk, DUE - 0.001), due_by(desk, DUE)) == (0, 1)


def test_a_pause_that_begins_at_the_due_date_changes_nothing(desk: Desk) -> None:
    request = waiting(desk, DUE)
    assert cohort(desk) == [None] and overdue(desk, DUE + 1) == 1
    request = desk.act(request, "resume", DUE + DAY)
    assert desk.clocks(request)[0].due_at == DUE


def test_a_pause_that_begins_before_the_due_date_moves_it(desk: Desk) -> None:
    request = waiting(desk, DUE - 1)
    assert cohort(desk) == [] and overdue(desk, DUE + 1) == 0
    request = desk.act(request, "resume", DUE + DAY)
    assert desk.clocks(request)[0].due_at == DUE + DAY + 1


@pytest.mark.parametrize(("late", "counted"), [(0.0, []), (1.0, [None])])
@pytest.mark.parametrize(("action", "details"), [("escalate", {}), ("close", {"outcome": "withdrawn"})])
def test_a_request_passed_on_or_closed_at_the_due_date_has_not_failed(
    desk: Desk, action: str, details: dict[str, str], late: float, counted: list[float | None]
) -> None:
    desk.act(desk.open("email"), action, DUE + late, **details)
    assert cohort(desk) == counted


def test_an_answer_at_the_due_date_is_in_time(desk: Desk) -> None:
    desk.act(desk.open("email"), "answer", DUE)
    with desk.database.read() as connection:
        (row,) = clocks.read_due(connection, "EMAIL", DUE, DUE + 1)
    assert row.in_time and not row._replace(answered=DUE + 0.001).in_time


@pytest.mark.parametrize("kind", ["hours", "service_hours", "calendar_days"])
def test_the_due_date_after_a_pause_at_the_due_date(desk: Desk, kind: str) -> None:
    promise = Promise("X", 2, kind, 0.9)  # type: ignore[arg-type]
    hours = desk.rules.hours
    end = due(promise, MORNING, hours)
    assert due_after_pause(promise, end, end, end + 3 * DAY, hours) == end
    assert due_after_pause(promise, end, end - 1, end + 3 * DAY, hours) > end
    changes = [Change(MORNING, "running"), Change(end, "paused"), Change(end + DAY, "running")]
    assert clock_state(promise, changes, hours).due == end


@pytest.mark.parametrize(
    ("at", "state", "changes"),
    [
        (MORNING - 1, "waiting_contact", ["running", "stopped"]),
        (MORNING, "waiting_contact", ["running", "paused", "stopped"]),
        (MORNING + HOUR, "waiting_contact", ["running", "paused", "stopped"]),
        (MORNING + HOUR + 1, "waiting_contact", ["running", "stopped"]),
    ],
)
def test_a_clock_has_the_changes_from_its_start_to_its_stop(at: float, state: str, changes: list[str]) -> None:
    row = SimpleNamespace(started_at=MORNING, stopped_at=MORNING + HOUR)
    event = Event(2, at, "op117", "wait", "in_progress", state, 1, 1)  # type: ignore[arg-type]
    assert [change.state for change in clocks.clock_changes(row, [event])] == changes
