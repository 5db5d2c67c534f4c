"""The clocks of requests: started, paused, stopped and counted as the Carta dei servizi requires."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy import select

from charter.kpi import on_time
from charter.promises import Deferred, backlog, clock_state
from ivr.configuration.compiled import Compiled
from registry.db import schema
from registry.requests import clocks, history
from registry.requests.actions import ActionDetails, NotPossible, perform_action
from registry.requests.clocks import Rules
from registry.requests.opening import Opening, open_request
from registry.requests.request import Request
from tests.conftest import rome
from tests.registry.request_steps import DAY, HOUR, MORNING, Desk


def told(desk: Desk, request: Request) -> list[tuple[str, int, str | None]]:
    return [(row.promise_code, row.clock_no, row.stop_reason) for row in desk.clocks(request)]


def only(desk: Desk, request: Request) -> Any:
    (row,) = desk.clocks(request)
    return row


@pytest.mark.parametrize(
    ("channel", "promise", "due"),
    [
        ("email", "EMAIL", "2026-11-26 10:00"),
        ("web_form", "EMAIL", "2026-11-26 10:00"),
        ("voicemail", "CALLBACK", "2026-11-25 10:00"),  # eight hours on Tuesday, one on Wednesday
    ],
)
def test_written_requests_and_messages_start_a_clock(desk: Desk, channel: str, promise: str, due: str) -> None:
    row = only(desk, desk.open(channel))
    assert (row.promise_code, row.clock_no, row.started_at, row.due_at) == (promise, 1, MORNING, rome(due))
    assert row.calendar_rev == desk.rules.revision


@pytest.mark.parametrize("channel", ["phone", "outbound"])
def test_a_call_has_no_clock_until_it_is_escalated(desk: Desk, channel: str) -> None:
    request = desk.open(channel)
    assert desk.clocks(request) == []
    request = desk.act(request, "escalate", rome("2026-11-24 15:00"))
    row = only(desk, request)
    assert (row.promise_code, row.started_at) == ("SECOND_LEVEL", rome("2026-11-24 15:00"))
    assert row.due_at == rome("2026-12-05 00:00")  # the end of the tenth day


def test_the_48_hours_end_when_the_first_level_escalates(desk: Desk) -> None:
    request = desk.act(desk.open("email"), "escalate", MORNING + HOUR)
    assert told(desk, request) == [("EMAIL", 1, "escalated"), ("SECOND_LEVEL", 1, None)]
    request = desk.act(request, "take", MORNING + 2 * HOUR)
    request = desk.act(request, "answer", MORNING + 3 * HOUR)
    assert told(desk, request) == [("EMAIL", 1, "escalated"), ("SECOND_LEVEL", 1, "answered")]


def test_a_returned_request_keeps_the_promise_of_the_second_level(desk: Desk) -> None:
    request = desk.act(desk.open(), "escalate", MORNING)
    due = only(desk, request).due_at
    request = desk.act(request, "return", MORNING + DAY)
    request = desk.act(request, "escalate", MORNING + 2 * DAY)
    assert told(desk, request) == [("SECOND_LEVEL", 1, None)]
    assert only(desk, request).due_at == due


def test_the_third_level_has_no_clock_of_its_own(desk: Desk) -> None:
    desk.third_level()
    request = desk.act(desk.open(), "escalate", MORNING)
    request = desk.act(request, "escalate", MORNING + 1)
    assert request.level == 3
    assert told(desk, request) == [("SECOND_LEVEL", 1, None)]


def test_waiting_for_the_citizen_moves_the_due_date(desk: Desk) -> None:
    email, message, second = desk.open("email"), desk.open("voicemail"), desk.act(desk.open(), "escalate", MORNING)
    paused, resumed = rome("2026-11-24 17:00"), rome("2026-11-26 08:00")
    dues = ["2026-11-28 01:00", "2026-11-26 11:00", "2026-12-07 00:00"]  # + 39 h; 2 h left of 9; two midnights passed
    for opened, due in zip((email, message, second), dues, strict=True):
        request = desk.act(desk.act(opened, "take", MORNING + 1), "wait", paused)
        assert only(desk, request).paused_at == paused
        row = only(desk, desk.act(request, "resume", resumed))
        assert (row.paused_at, row.paused_seconds, row.due_at) == (None, resumed - paused, rome(due))


def test_waiting_does_not_move_a_due_date_in_the_past(desk: Desk) -> None:
    request = desk.act(desk.open("email"), "take", MORNING)
    due = only(desk, request).due_at
    request = desk.act(request, "wait", due + 1)
    request = desk.act(request, "resume", due + 10 * DAY)
    assert only(desk, request).due_at == due


@pytest.mark.parametrize(
    ("action", "given", "reason"),
    [
        ("answer", {}, "answered"),
        ("close", {"outcome": "resolved"}, "answered"),
        ("close", {"outcome": "referred"}, "answered"),
        ("close", {"outcome": "withdrawn"}, "closed"),
        ("close", {"outcome": "unreachable"}, "closed"),
        ("merge", {"into": ""}, "cancelled"),
    ],
)
def test_a_clock_stops_with_its_reason_even_while_paused(
    desk: Desk, action: str, given: dict[str, str], reason: str
) -> None:
    original = desk.open("phone")
    needs = {name: word or original.protocol for name, word in given.items()}
    request = desk.act(desk.open("email"), "take", MORNING)
    request = desk.act(request, "wait", MORNING + HOUR)
    request = desk.act(request, action, MORNING + 3 * HOUR, **needs)
    row = only(desk, request)
    assert (row.stop_reason, row.stopped_at, row.paused_at, row.paused_seconds) == (
        reason, MORNING + 3 * HOUR, None, 2 * HOUR
    )  # fmt: skip
    assert row.due_at == MORNING + 50 * HOUR


def test_a_reopened_request_gets_another_clock(desk: Desk) -> None:
    request = desk.act(desk.open("email"), "answer", MORNING + HOUR)
    request = desk.act(request, "reopen", MORNING + DAY)
    assert told(desk, request) == [("EMAIL", 1, "answered"), ("EMAIL", 2, None)]
    assert desk.clocks(request)[1].due_at == MORNING + DAY + 48 * HOUR
    request = desk.act(request, "escalate", MORNING + 2 * DAY)
    request = desk.act(request, "close", MORNING + 3 * DAY, outcome="resolved")
    request = desk.act(request, "reopen", MORNING + 4 * DAY)
    assert request.level == 2
    assert told(desk, request)[2:] == [("SECOND_LEVEL", 1, "answered"), ("SECOND_LEVEL", 2, None)]


def test_a_call_back_is_never_due_if_the_service_never_opens(desk: Desk, compiled: Compiled) -> None:
    compiled["service"]["hours"] = {day: [] for day in compiled["service"]["hours"]}
    desk.rules = Rules.of(compiled)
    request = desk.act(desk.open("voicemail"), "take", MORNING)
    assert only(desk, request).due_at == math.inf
    request = desk.act(desk.act(request, "wait", MORNING + 1), "resume", MORNING + 2)
    assert only(desk, request).due_at == math.inf


# --- figures ----------------------------------------------------------------------------------------------------------


def cohort(desk: Desk, start: float, until: float, promise: str = "EMAIL") -> list[Deferred]:
    with desk.database.read() as connection:
        return clocks.read_due(connection, promise, start, until)


def test_a_cohort_has_the_requests_that_fell_due(desk: Desk) -> None:
    due = MORNING + 48 * HOUR
    desk.act(desk.open("email"), "answer", due)  # in time, at the last instant
    desk.act(desk.open("email"), "answer", due + 1)
    desk.open("email")  # never answered
    desk.act(desk.open("email"), "close", MORNING, outcome="withdrawn")  # nobody expected an answer any more
    desk.act(desk.open("email"), "close", due + 5, outcome="unreachable")  # closed too late
    desk.act(desk.open("email"), "escalate", MORNING)  # has another promise
    desk.act(desk.open("email"), "escalate", due + 5)  # escalated when it was late already
    desk.act(desk.open("email"), "merge", due + 5, into=desk.open("phone").protocol)  # a duplicate
    desk.act(desk.act(desk.open("email"), "take", MORNING), "wait", MORNING + 1)  # not due while it is paused
    desk.act(desk.act(desk.open("email"), "take", MORNING), "wait", due + 1)  # paused, but too late
    desk.open("email", MORNING + 1)  # due later
    found = cohort(desk, due, due + 1)
    assert sorted(each.answered or 0 for each in found) == [0, 0, 0, 0, due, due + 1]
    assert {each.due for each in found} == {due}
    figure = on_time("on_time_email", found, due, due + 1)
    assert (figure.numerator, figure.denominator) == (1, 6)
    assert len(cohort(desk, due, due + 2)) == 7 and cohort(desk, due - 10, due) == []
    assert cohort(desk, due, due + 1, "CALLBACK") == []


def test_the_backlog_has_the_running_clocks_past_their_due_date(desk: Desk) -> None:
    due = MORNING + 48 * HOUR
    desk.open("email")
    desk.open("email", MORNING + HOUR)
    desk.act(desk.open("email"), "answer", due + 1)
    desk.act(desk.act(desk.open("email"), "take", MORNING), "wait", MORNING + 1)
    desk.open("email", MORNING + 9 * HOUR)
    with desk.database.read() as connection:
        found = backlog(clocks.read_overdue(connection, due + 3 * HOUR), due + 3 * HOUR)
    assert found == (2, 2.5 * HOUR, 3 * HOUR)


# --- rows and words ---------------------------------------------------------------------------------------------------


def test_promises_are_rows_that_follow_the_configuration(desk: Desk, compiled: Compiled) -> None:
    table = schema.promise
    everything = select(table).order_by(table.c.promise_code)
    before = [tuple(row) for row in desk.rows(everything)]
    assert before == [
        ("CALLBACK", 9.0, "service_hours", 0.9, 0),
        ("EMAIL", 48.0, "hours", 0.9, 1),
        ("SECOND_LEVEL", 10.0, "calendar_days", 0.8, 1),
    ]
    with desk.begin() as connection:
        clocks.save_promises(connection, desk.rules)
    assert [tuple(row) for row in desk.rows(everything)] == before
    compiled["service"]["promises"]["email_hours"] = 24
    with desk.begin() as connection:
        clocks.save_promises(connection, Rules.of(compiled))
    assert desk.rows(everything)[1].amount == 24


def test_the_arithmetic_is_explained(desk: Desk) -> None:
    request = desk.act(desk.open("email"), "take", MORNING + 60)
    request = desk.act(request, "wait", rome("2026-11-24 17:00"))
    request = desk.act(request, "resume", rome("2026-11-26 08:00"))
    request = desk.act(request, "answer", rome("2026-11-26 09:00"))
    (promise,) = desk.rows(select(schema.promise).where(schema.promise.c.promise_code == "EMAIL"))
    lines = clocks.explain_clock(desk.rules, only(desk, request), promise, desk.events(request)).splitlines()
    assert lines[0].startswith("24/11/2026 10:00:00 + 48 ore: scade 26/11/2026 10:00:00")
    assert "24/11/2026 17:00:00 al 26/11/2026 08:00:00" in lines[1] and "scade 28/11/2026 01:00:00" in lines[1]
    assert lines[2] == "conclusa 26/11/2026 09:00:00: nei tempi"
    other = desk.rules._replace(revision="other")
    assert clocks.explain_clock(other, only(desk, request), promise, []).endswith(
        f"(calcolata con la configurazione {desk.rules.revision}, oggi other)"
    )


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(
    st.sampled_from(["email", "voicemail", "phone"]),
    st.lists(
        st.tuples(
            st.sampled_from(["take", "wait", "resume", "wait", "resume", "escalate", "answer", "reopen", "return"]),
            st.floats(1, 60 * HOUR),
        ),
        max_size=14,
    ),
)
def test_rows_match_the_clock_calculated_from_history(desk: Desk, channel: str, steps: list[tuple[str, float]]) -> None:
    now = MORNING
    with desk.begin() as connection:
        request = open_request(connection, desk.rules, Opening(channel, "DID", now, "op117"))
        for action, passed in steps:
            now += passed
            try:
                perform_action(connection, desk.rules, request.request_id, action, "op117", now, ActionDetails())
            except NotPossible:
                continue
        events = history.read_events(connection, request.request_id)
        mine = schema.sla_clock.c.request_id == request.request_id
        rows = connection.execute(select(schema.sla_clock).where(mine)).all()
    for row in rows:
        found = clock_state(desk.rules.promises[row.promise_code], clocks.clock_changes(row, events), desk.rules.hours)
        assert found.due == pytest.approx(row.due_at, abs=0.01)
        assert (found.paused, found.stopped) == (row.paused_at, row.stopped_at)
        assert found.paused_seconds == pytest.approx(row.paused_seconds, abs=0.01)


@pytest.mark.parametrize(
    ("action", "given", "hours", "said"),
    [
        ("escalate", {}, 1, "(non conta nelle cifre: passata al secondo livello)"),
        ("escalate", {}, 48, "(non conta nelle cifre: passata al secondo livello)"),
        ("escalate", {}, 49, "(conta come fuori tempo: passata al secondo livello, dopo la scadenza)"),
        ("close", {"outcome": "withdrawn"}, 1, "(non conta nelle cifre: chiusa senza risposta)"),
        ("close", {"outcome": "withdrawn"}, 48, "(non conta nelle cifre: chiusa senza risposta)"),
        ("close", {"outcome": "withdrawn"}, 49, "(conta come fuori tempo: chiusa senza risposta, dopo la scadenza)"),
        ("merge", {"into": "other"}, 49, "(non conta nelle cifre: copia di un'altra richiesta)"),
        ("answer", {}, 1, "nei tempi"),
        ("answer", {}, 48, "nei tempi"),
        ("answer", {}, 49, "fuori tempo"),
    ],
)
def test_the_arithmetic_says_whether_a_clock_counts(
    desk: Desk, action: str, given: dict[str, str], hours: int, said: str
) -> None:
    request = desk.open("email")
    given = {key: desk.open().protocol if value == "other" else value for key, value in given.items()}
    desk.act(request, action, MORNING + hours * HOUR, **given)
    row = desk.clocks(request)[0]
    (promise,) = desk.rows(select(schema.promise).where(schema.promise.c.promise_code == "EMAIL"))
    last = clocks.explain_clock(desk.rules, row, promise, desk.events(request)).splitlines()[-1]
    assert last.endswith(said)
    within = MORNING, MORNING + 100 * HOUR
    with desk.database.read() as connection:
        counted = clocks.read_due(connection, "EMAIL", *within)
    assert bool(counted) == ("non conta" not in said)
    assert any(each.in_time for each in counted) == (said == "nei tempi")
