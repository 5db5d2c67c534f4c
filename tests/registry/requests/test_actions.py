"""Requests: each has a number, a history that determines its state, and one person at a time who changes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.requests import history
from registry.requests.actions import ActionDetails, Conflict, NotPossible, perform_action
from registry.requests.history import Event, Standing
from registry.requests.opening import Opening, open_request, open_requests
from registry.requests.request import Request, get_request
from registry.requests.transitions import ACTIONS, TABLE
from tests.conftest import rome
from tests.registry.request_steps import HOUR, MORNING, Desk

# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_request_begins_with_a_number(desk: Desk) -> None:
    request = desk.open("phone", topic="ADR", audience="worker", call_id="1795510800.7")
    assert request.protocol.startswith("NUL-2026-000001-")
    assert (request.state, request.level, request.version, request.owner_ref) == ("new", 1, 1, None)
    assert desk.get(request.protocol.lower().replace("-", " ")) == request == desk.get(request.request_id)
    (event,) = desk.events(request)
    assert event == Event(1, MORNING, "op117", "open", None, "new", None, 1,
                          {"channel": "phone", "topic": "ADR", "audience": "worker"})  # fmt: skip


def test_an_information_is_closed_at_once(desk: Desk) -> None:
    request = desk.open(actor="intake", outcome="informed")
    assert (request.state, request.outcome, request.version) == ("closed", "informed", 2)
    assert request.closed_at == request.answered_at == MORNING
    assert [event.action for event in desk.events(request)] == ["open", "close"]
    assert desk.clocks(request) == []


def test_numbers_restart_with_the_local_year(desk: Desk) -> None:
    late, early = rome("2026-12-31 23:59"), rome("2027-01-01 00:01")
    with desk.begin() as connection:
        found = open_requests(
            connection, desk.rules, [Opening("phone", "DID", at, "intake") for at in (late, early, late, early)]
        )
    assert [each.protocol[:-2] for each in found] == [
        "NUL-2026-000001", "NUL-2027-000001", "NUL-2026-000002", "NUL-2027-000002"
    ]  # fmt: skip


def test_requests_are_opened_together_or_not_at_all(desk: Desk) -> None:
    good = Opening("voicemail", "DID", MORNING, "intake", note="richiamare")
    with pytest.raises(Refusal, match="topic"), desk.begin() as connection:
        open_requests(connection, desk.rules, [good, good._replace(topic="NOPE")])
    for table in (schema.request, schema.request_event, schema.sla_clock, schema.protocol_counter):
        assert desk.rows(select(table)) == []
    with desk.begin() as connection:
        assert len(open_requests(connection, desk.rules, [good] * 50)) == 50
    assert len(desk.rows(select(schema.request_note))) == 50


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"channel": "fax"}, 'channel: "fax" is not valid; use one of phone, voicemail'),
        ({"topic": "XYZ"}, 'topic: "XYZ" is not a topic; the topics are ADR, ALTRO, DID'),
        ({"topic": "X'; --"}, 'topic: "X\'; --" is not a valid code; use only letters'),
        ({"audience": ""}, 'audience: "" is not valid'),
        ({"actor": "Mario Rossi"}, '"Mario Rossi" is not an operator code; write op and the number'),
        ({"outcome": "duplicate"}, "a duplicate is merged, not closed"),
        ({"outcome": "fine"}, 'outcome: "fine" is not valid'),
        ({"call_id": "1.1\x1b[2J"}, 'call: "1.1<1b>[2J" is not a valid code'),
        ({"note": "  "}, "note: empty"),
    ],
)
def test_an_invalid_opening_is_refused(desk: Desk, wrong: dict[str, str], told: str) -> None:
    channel = wrong.get("channel", "phone")
    with pytest.raises(Refusal) as problem:
        desk.open(channel, **{name: word for name, word in wrong.items() if name != "channel"})
    assert told in str(problem.value) and str(problem.value).isprintable()
    assert desk.rows(select(schema.request)) == []


# --- acting -----------------------------------------------------------------------------------------------------------


def test_a_request_from_opening_to_reopening(desk: Desk) -> None:
    desk.third_level()
    request = desk.open("email")
    steps: list[tuple[str, dict[str, str], tuple[Any, ...]]] = [
        ("take", {}, ("in_progress", 1, "op117", None)),
        ("assign", {"owner": "op118"}, ("in_progress", 1, "op118", None)),
        ("wait", {}, ("waiting_contact", 1, "op118", None)),
        ("resume", {}, ("in_progress", 1, "op118", None)),
        ("refer", {"office": "RM01"}, ("forwarded", 1, None, "RM01")),
        ("take", {}, ("in_progress", 1, "op117", None)),
        ("release", {}, ("new", 1, None, None)),
        ("escalate", {}, ("forwarded", 2, None, None)),
        ("take", {}, ("in_progress", 2, "op117", None)),
        ("release", {}, ("forwarded", 2, None, None)),
        ("escalate", {}, ("forwarded", 3, None, None)),
        ("return", {}, ("forwarded", 2, None, None)),
        ("return", {}, ("new", 1, None, None)),
        ("answer", {}, ("answered", 1, "op117", None)),
        ("close", {"outcome": "resolved"}, ("closed", 1, "op117", None)),
        ("reopen", {}, ("new", 1, None, None)),
        ("close", {"outcome": "withdrawn"}, ("closed", 1, None, None)),
    ]
    for number, (action, given, expected) in enumerate(steps, 1):
        request = desk.act(request, action, MORNING + number * 60, **given)
        assert (request.state, request.level, request.owner_ref, request.office_code) == expected, action
    assert (request.outcome, request.version) == ("withdrawn", len(steps) + 1)
    assert request.answered_at == MORNING + 14 * 60  # the first answer
    assert desk.get(request.protocol) == request
    assert {action for action, *_ in steps} == set(ACTIONS) - {"open", "merge"}


def test_the_second_operator_learns_who_was_first_and_when(desk: Desk) -> None:
    request = desk.open()
    desk.act(request, "take", MORNING + 131, "op118", version=1)
    can = "assign, release, escalate, answer, wait, refer, close, merge"
    with pytest.raises(Conflict) as problem:
        desk.act(request, "take", MORNING + 132, "op117", version=1)
    assert str(problem.value) == (
        f"{request.protocol}: has changed meanwhile: take by op118 on 24/11/2026 at 10:02:11; it is in_progress at "
        f"level 1, version 2; look at it again, possible now: {can}"
    )
    with pytest.raises(NotPossible) as refused:
        desk.act(request, "take", MORNING + 132, "op117")
    assert str(refused.value) == (
        f"{request.protocol}: take is not possible: the request is in_progress at level 1; possible now: {can} "
        "(last: take by op118 on 24/11/2026 at 10:02:11)"
    )
    assert desk.get(request.protocol).owner_ref == "op118"


def at_once(*works: Callable[[], object]) -> list[BaseException | None]:
    """Run these in threads that start together; return the failures."""
    gate = threading.Barrier(len(works))
    problems: list[BaseException | None] = [None] * len(works)

    def run(number: int) -> None:
        gate.wait(10)
        try:
            works[number]()
        except Refusal as problem:
            problems[number] = problem

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return problems


def test_only_one_of_eight_simultaneous_takers_succeeds(desk: Desk) -> None:
    request = desk.open()
    actors = [f"op{number}" for number in range(101, 109)]
    problems = at_once(*(partial(desk.act, request, "take", MORNING + 5, who) for who in actors))
    (winner,) = [actor for actor, problem in zip(actors, problems, strict=True) if problem is None]
    found = desk.get(request.protocol)
    assert (found.owner_ref, found.version) == (winner, 2)
    for problem in problems:
        assert problem is None or (isinstance(problem, (NotPossible, Conflict)) and f"take by {winner}" in str(problem))


def test_two_requests_cannot_be_merged_into_each_other(desk: Desk) -> None:
    one, other = desk.open(), desk.open()
    problems = at_once(
        lambda: desk.act(one, "merge", MORNING + 5, into=other.protocol),
        lambda: desk.act(other, "merge", MORNING + 5, into=one.protocol),
    )
    assert sorted(each is None for each in problems) == [False, True]
    assert sorted(desk.get(each.protocol).state for each in (one, other)) == ["closed", "new"]


def test_a_duplicate_names_its_original(desk: Desk) -> None:
    one, other, third = desk.open(), desk.open(), desk.open()
    merged = desk.act(other, "merge", MORNING + 60, into=one.protocol.lower())
    assert (merged.state, merged.outcome, merged.duplicate_of) == ("closed", "duplicate", one.request_id)
    with pytest.raises(Refusal, match=f"is a duplicate itself; merge into {one.protocol}"):
        desk.act(third, "merge", MORNING + 70, into=other.protocol)
    with pytest.raises(Refusal, match="cannot be a duplicate of itself"):
        desk.act(third, "merge", MORNING + 70, into=third.protocol)
    with pytest.raises(Refusal, match="--into PROTOCOL"):
        desk.act(third, "merge", MORNING + 70)
    again = desk.act(other, "reopen", MORNING + 80)
    assert (again.state, again.outcome, again.duplicate_of) == ("new", None, None)


def test_requests_are_referred_only_to_open_job_centres(desk: Desk) -> None:
    with desk.begin() as connection:
        connection.execute(
            update(schema.office).where(schema.office.c.office_code == "MI01").values(valid_to="2026-11-24")
        )
    for day in ("2025-12-31", "2026-11-25"):  # before its first day, after its last one
        request = desk.open(at=rome(f"{day} 00:00"))
        with pytest.raises(Refusal, match=f'the job centre "MI01" is not open on {day}; `registry offices` lists'):
            desk.act(request, "refer", rome(f"{day} 00:30"), office="MI01")
        assert desk.get(request.protocol) == request
    last = desk.act(desk.open(), "refer", rome("2026-11-24 23:59"), office="MI01")
    assert last.office_code == "MI01"
    assert desk.act(last, "take", rome("2026-11-26 10:00")).state == "in_progress"  # a request there can be taken back


def test_missing_and_superfluous_details_are_refused(desk: Desk) -> None:
    request = desk.open()
    for action, option in (("assign", "--to op118"), ("close", "--outcome resolved"), ("refer", "--office CODE")):
        with pytest.raises(Refusal, match=f"{action}: give .*{option}"):
            desk.act(request, action, MORNING + 1)
    with pytest.raises(Refusal, match="take: does not take outcome"):
        desk.act(request, "take", MORNING + 1, outcome="resolved")
    with pytest.raises(Refusal, match='no job centre has the code "XX99"'):
        desk.act(request, "refer", MORNING + 1, office="XX99")
    with pytest.raises(Refusal, match='"rossi" is not an operator code'):
        desk.act(request, "assign", MORNING + 1, owner="rossi")
    with pytest.raises(Refusal, match="`registry merge"):
        desk.act(request, "close", MORNING + 1, outcome="duplicate")
    with pytest.raises(Refusal, match='action: "dance" is not valid; use one of open, assign'):
        desk.act(request, "dance", MORNING + 1)
    assert desk.get(request.protocol) == request


def test_an_unknown_request_is_refused(desk: Desk) -> None:
    request = desk.open()
    unknown = request.protocol.replace("NUL-2026-000001", "NUL-2026-000002")[:-1]
    for digit in "0123456789":
        with pytest.raises(Refusal, match=r"no request has that number|a digit is wrong"):
            desk.get(unknown + digit)
    with pytest.raises(Refusal, match="no request has that number"):
        desk.get("0" * 32)


def test_a_clock_set_back_does_not_reorder_the_history(desk: Desk) -> None:
    request = desk.open("email")
    request = desk.act(request, "take", MORNING - 3 * HOUR)
    request = desk.act(request, "answer", MORNING - 2 * HOUR)
    assert request.answered_at == MORNING
    assert [event.at for event in desk.events(request)] == [MORNING] * 3


def test_notes_are_stored_apart_from_the_history(desk: Desk) -> None:
    request = desk.open(note="Ha perso la ricevuta")
    request = desk.act(request, "take", MORNING + 1, note="Richiamata: 06 1234567")
    assert desk.notes(request) == ["Ha perso la ricevuta", "Richiamata: 06 1234567"]
    assert [row.note_no for row in desk.rows(select(schema.request_note.c.note_no).order_by("note_no"))] == [1, 2]
    told = "".join(str(row) for row in desk.rows(select(schema.request_event)))
    assert "ricevuta" not in told and "1234567" not in told


HOSTILE = [
    "'; DROP TABLE request; --",
    '<script>alert("x")</script>',
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "Perché no? 👩🏽‍💻🇮🇹 ﷽",
    "a\r\nb\tc\u2028d\u202ee",
    "%s %(x)s {0} ${x} \\",
    "=cmd|'/c calc'!A1",
]


def test_hostile_notes_are_stored_verbatim(desk: Desk) -> None:
    for said in HOSTILE:
        assert desk.notes(desk.open(note=said)) == [said]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("x" * 1_000_000, "1000000 characters; shorten it to 4000"),
        ("a\x00b", "contains <00>"),
        ("\udcff", "contains <dcff>"),
    ],
)
def test_texts_that_databases_cannot_store_are_refused(said: str, told: str) -> None:
    with pytest.raises(Refusal) as problem:
        text_input.check_text(said, "note")
    assert told in str(problem.value) and len(str(problem.value)) < 200


def everywhere(desk: Desk, request: Request, said: str) -> list[Callable[[], object]]:
    """Every field for a code."""
    return [
        lambda: desk.get(said),
        lambda: desk.open(said),
        lambda: desk.open(topic=said),
        lambda: desk.open(actor=said),
        lambda: desk.open(call_id=said),
        lambda: desk.open(audience=said),
        lambda: desk.act(request, said, MORNING),
        lambda: desk.act(request, "assign", MORNING, owner=said),
        lambda: desk.act(request, "close", MORNING, outcome=said),
        lambda: desk.act(request, "refer", MORNING, office=said),
        lambda: desk.act(request, "merge", MORNING, into=said),
    ]


def test_hostile_codes_are_refused_in_every_field(desk: Desk) -> None:
    request = desk.open()
    for said in (*HOSTILE, "x" * 1_000_000, "a\x00b", "\udcff", ""):
        for each in everywhere(desk, request, said):
            with pytest.raises(Refusal) as problem:
                each()
            assert str(problem.value).isprintable() and len(str(problem.value)) < 400
    assert len(desk.rows(select(schema.request))) == 1 and desk.get(request.protocol) == request


# --- the law of history -----------------------------------------------------------------------------------------------


def test_a_history_with_a_gap_is_refused() -> None:
    begun = Event(1, MORNING, "op117", "open", None, "new", None, 1)
    taken = Event(2, MORNING, "op117", "take", "new", "in_progress", 1, 1, {"owner": "op117"})
    assert history.replay([begun, taken]) == Standing("in_progress", 1, MORNING, "op117", version=2)
    for wrong in ([], [taken], [begun, taken._replace(seq=3)], [begun, begun], [begun, taken, taken._replace(seq=3)]):
        with pytest.raises(ValueError, match=r"history|follow"):
            history.replay(wrong)


STEP = st.tuples(
    st.sampled_from(ACTIONS),
    st.floats(-HOUR, 40 * HOUR),
    st.sampled_from(["op117", "op118", "clock"]),
    st.sampled_from([each for each in schema.OUTCOMES if each != "duplicate"]),
    st.sampled_from([0, 0, 1]),  # an outdated version
)


def given_for(action: str, outcome: str, other: Request) -> ActionDetails:
    """What that action needs."""
    needs = next(row.needs for row in TABLE if row.action == action)
    every = {"owner": "op119", "outcome": outcome, "office": "MI01", "into": other.protocol}
    return ActionDetails(**{needs: every[needs]}) if needs else ActionDetails()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(st.sampled_from(schema.CHANNELS), st.booleans(), st.lists(STEP, max_size=12))
def test_the_row_matches_its_history(
    desk: Desk, channel: str, third_level: bool, steps: list[tuple[str, float, str, str, int]]
) -> None:
    desk.rules = desk.rules._replace(third_level=third_level)
    now = MORNING
    with desk.begin() as connection:
        request = open_request(connection, desk.rules, Opening(channel, "DID", now, "op117"))
        other = open_request(connection, desk.rules, Opening(channel, "DID", now, "op117"))
        refused = 0
        for action, passed, actor, outcome, stale in steps:
            now += passed
            try:
                request = perform_action(
                    connection, desk.rules, request.request_id, action, actor, now,
                    given_for(action, outcome, other), expected_version=request.version - stale,
                )  # fmt: skip
            except Refusal:
                refused += 1
        events = history.read_events(connection, request.request_id)
        assert get_request(connection, request.request_id) == request
        rows = connection.execute(
            select(schema.sla_clock).where(schema.sla_clock.c.request_id == request.request_id)
        ).all()
    assert len(events) == 1 + len(steps) - refused == request.version
    assert history.replay(events) == request.standing
    assert [event.at for event in events] == sorted(event.at for event in events)
    for event in events[1:]:
        assert any(
            (row.action, row.state) == (event.action, event.to_state)
            and event.from_state in row.states
            and event.from_level in row.levels
            and event.to_level == (row.level or event.from_level)
            and (third_level or not row.third_level)
            for row in TABLE
        )
    running = [row.promise_code for row in rows if row.stopped_at is None]
    assert len(running) == len(set(running))
    assert not running or request.state not in ("answered", "closed")
    if request.level > 1 and request.state not in ("answered", "closed"):
        assert running == ["SECOND_LEVEL"]
    for row in rows:
        assert (row.paused_at is not None) == (row.stopped_at is None and request.state == "waiting_contact")
        assert row.paused_seconds >= 0 and row.due_at > row.started_at


def test_history_and_rows_give_the_same_counts(desk: Desk) -> None:
    first, second = desk.open(), desk.open(outcome="informed", actor="intake")
    desk.act(first, "take", MORNING + 1)
    seqs = select(schema.request_event.c.request_id, func.max(schema.request_event.c.seq)).group_by(
        schema.request_event.c.request_id
    )
    assert dict(map(tuple, desk.rows(seqs))) == {first.request_id: 2, second.request_id: 2}
