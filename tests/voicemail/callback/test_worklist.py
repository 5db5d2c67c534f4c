"""The work list: its order, who takes what, what an outcome does to the request, its clock and the next try."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from common.command_line import Refusal
from registry.db import schema
from registry.requests.actions import NotPossible, perform_action
from tests.conftest import rome
from tests.voicemail.work import ROME, Work
from voicemail.callback import worklist

NIGHT = rome("2026-11-23 22:00")  # a Monday
MORNING = rome("2026-11-24 09:30")
MILAN = "+390287654321"


def test_the_list_is_ordered_by_due_date_and_has_no_numbers(work: Work) -> None:
    late = work.message(NIGHT + 3600, MILAN)
    early = work.message(NIGHT - 86400)
    unnumbered = work.message(NIGHT, None)
    found = work.entries()
    assert [each.messages[0] for each in found] == [early.id, unnumbered.id, late.id]
    assert [each.callable for each in found] == [True, False, True]
    assert found[0].due_at == rome("2026-11-23 18:00")  # nine hours of service after it was left
    assert [each.protocol for each in found] == [work.request(each).protocol for each in (early, unnumbered, late)]
    assert ROME not in str(found)


def test_only_the_first_operator_can_take_an_entry(work: Work) -> None:
    message = work.message(NIGHT)
    entry = work.take(message.id, MORNING)
    assert (entry.state, entry.taken_by) == ("taken", "op117")
    request = work.request(message)
    assert (request.state, request.owner_ref) == ("in_progress", "op117")
    with pytest.raises(Refusal, match=f"{request.protocol}: taken by op117"):
        work.take(request.protocol, MORNING, "op118")
    with pytest.raises(Refusal, match="taken by op117"):
        work.release(message.id, MORNING, "op118")
    with pytest.raises(Refusal, match="taken by op117"):
        work.outcome(message.id, "reached", MORNING, "op118")
    assert work.release(message.id[:20], MORNING) == request.protocol
    assert work.take(message.id, MORNING, "op118").taken_by == "op118"


def test_of_concurrent_takes_one_succeeds(work: Work) -> None:
    message = work.message(NIGHT)
    won, lost = [], []

    def take(actor: str) -> None:
        try:
            won.append(work.take(message.id, MORNING, actor).taken_by)
        except Refusal as problem:
            lost.append(str(problem))

    threads = [threading.Thread(target=take, args=(f"op{101 + n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 5
    assert [row.taken_by for row in work.rows(schema.callback)] == won


def test_an_entry_whose_request_another_operator_has_is_refused(work: Work) -> None:

    message = work.message(NIGHT)
    with work.database.begin() as connection:
        perform_action(connection, work.rules, work.request(message).protocol, "take", "op118", MORNING)
    with pytest.raises(NotPossible, match="op118"):
        work.take(message.id, MORNING)
    assert work.entries()[0].state == "waiting"
    assert work.take(message.id, MORNING, "op118").taken_by == "op118"  # the request was theirs already


@pytest.mark.parametrize(
    ("result", "more", "outcome"),
    [
        ("reached", {}, "resolved"),
        ("reached", {"outcome": "referred"}, "referred"),
        ("wrong_number", {}, "unreachable"),
        ("refused", {}, "withdrawn"),
    ],
)
def test_an_outcome_closes_the_request(work: Work, result: str, more: dict[str, str], outcome: str) -> None:
    message = work.message(NIGHT)
    work.take(message.id, MORNING)
    ended = work.outcome(message.id, result, MORNING + 300, **more)
    request = work.request(message)
    assert (ended.outcome, ended.next_try_at, ended.messages) == (outcome, None, (message.id,))
    assert (request.state, request.outcome, request.closed_at) == ("closed", outcome, MORNING + 300)
    assert work.entries() == []
    (attempt,) = work.rows(schema.callback_attempt)
    assert (attempt.result, attempt.actor_ref, attempt.call_id) == (result, "op117", None)
    (touch,) = work.rows(schema.interaction)
    assert (touch.channel, touch.result, touch.started_at) == ("phone_out", result, MORNING + 300)
    (clock,) = work.rows(schema.sla_clock)
    assert clock.stop_reason == ("answered" if result == "reached" else "closed")
    with pytest.raises(Refusal, match="the call-back is finished"):
        work.take(message.id, MORNING + 400)


def test_an_unanswered_call_is_retried_at_other_times_until_unreachable(work: Work) -> None:
    message, now = work.message(NIGHT), MORNING
    tries = []
    for number in range(1, 5):
        work.take(message.id, now)
        ended = work.outcome(message.id, "busy" if number % 2 else "no_answer", now)
        if ended.next_try_at is None:
            break
        tries.append(ended.next_try_at)
        entry = work.entries()[0]
        assert (entry.state, entry.attempts, entry.next_try_at) == ("waiting", number, ended.next_try_at)
        assert work.request(message).state == "new"
        now = ended.next_try_at
    assert tries == [rome("2026-11-24 12:00"), rome("2026-11-24 15:00"), rome("2026-11-24 17:00")]
    assert ended.outcome == "unreachable"
    request = work.request(message)
    assert (request.state, request.outcome) == ("closed", "unreachable")
    assert (
        work.rows(schema.sla_clock)[0].stop_reason == "closed"
    )  # the citizen was not reached: the promise is not kept


def test_a_kept_request_stays_with_the_operator(work: Work) -> None:
    message = work.message(NIGHT)
    work.take(message.id, MORNING)
    ended = work.outcome(message.id, "reached", MORNING, keep=True, note="vuole un appuntamento")
    request = work.request(message)
    assert (ended.outcome, request.state, request.owner_ref) == (None, "in_progress", "op117")
    assert work.entries() == []
    assert [row.words for row in work.rows(schema.request_note)] == ["vuole un appuntamento"]


@pytest.mark.parametrize(
    ("result", "more"),
    [
        ("failed", {}),
        ("called", {}),
        ("reached", {"outcome": "duplicate"}),
        ("busy", {"keep": True}),
        ("no_answer", {"outcome": "informed"}),
    ],
)
def test_an_outcome_that_does_not_fit_is_refused(work: Work, result: str, more: dict[str, Any]) -> None:
    message = work.message(NIGHT)
    work.take(message.id, MORNING)
    with pytest.raises(Refusal, match="outcome: "):
        work.outcome(message.id, result, MORNING, **more)
    assert work.entries()[0].state == "taken"


@pytest.mark.parametrize(
    "which", ["NUL-2026-999999-1", "20261123T", "20261123T210000-0000000000000", "20261123T%", "x' OR 1=1", ""]
)
def test_an_unknown_entry_is_refused(work: Work, which: str) -> None:
    work.message(NIGHT)
    work.message(NIGHT)
    with pytest.raises(Refusal):
        work.take(which, MORNING)
    assert [each.state for each in work.entries()] == ["waiting", "waiting"]


def test_the_history_has_no_personal_data(work: Work) -> None:
    message = work.message(NIGHT)
    work.take(message.id, MORNING)
    work.outcome(message.id, "no_answer", MORNING)
    with work.database.read() as connection:
        for table in (schema.request_event, schema.callback, schema.callback_attempt, schema.interaction):
            text = str(connection.execute(select(table)).all())
            assert ROME not in text
            assert "612345678" not in text


def test_a_call_that_failed_on_our_side_is_no_attempt_of_the_citizen(work: Work) -> None:
    message = work.message(NIGHT)
    protocol = work.request(message).protocol
    request_id = work.request(message).request_id

    def failed_call(at: float) -> None:
        with work.database.begin() as connection:
            number = worklist.open_attempt(connection, request_id, "op117", at, None)
            this_one = (worklist.ATTEMPT.c.request_id == request_id) & (worklist.ATTEMPT.c.attempt_no == number)
            connection.execute(update(worklist.ATTEMPT).where(this_one).values(proposed="failed", result="failed"))

    work.take(message.id, MORNING)
    for minutes in range(4):  # as many as there may be attempts
        failed_call(MORNING + 60 * minutes)
    ended = work.outcome(protocol, "no_answer", MORNING + 600)  # a call made by hand: the failed ones are not it
    assert ended.next_try_at is not None and work.request(message).state == "new"
    results = [row.result for row in work.rows(worklist.ATTEMPT)]
    assert results == ["failed"] * 4 + ["no_answer"]
    work.take(message.id, ended.next_try_at)
    failed_call(ended.next_try_at)
    work.release(message.id, ended.next_try_at + 60)  # nothing is left to record
