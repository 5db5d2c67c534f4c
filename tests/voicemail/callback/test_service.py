"""The service of the call-back: what a call writes and when, and that store and registry stay in step."""

from __future__ import annotations

import asyncio

import pytest

from common.command_line import Refusal
from ivr.ami import ConnectionLost
from ivr.ami.account import Ami
from registry.db import schema
from tests.conftest import rome
from tests.ivr.ami.peer import Script, Visitor, manager
from tests.voicemail.work import Work
from voicemail.callback.service import CallbackService, CallResult

NIGHT = rome("2026-11-23 22:00")
MORNING = rome("2026-11-24 09:30")


def call(work: Work, which: str, script: Script, actor: str = "op117") -> tuple[CallResult | Refusal, list[str]]:
    """Call through a switch that follows the script; return the result, and the states of attempts at each ringing."""
    ringing: list[str] = []
    service = CallbackService(work.site)

    def note(protocol: str, seat: str) -> None:
        (attempt,) = work.rows(schema.callback_attempt)
        ringing.append(f"{protocol} {seat} {attempt.result}")

    async def play() -> CallResult:
        async with manager(script) as account:
            return await service.call(which, actor, MORNING, lambda: account, note)

    try:
        return asyncio.run(play()), ringing
    except Refusal as problem:
        return problem, ringing


async def answer_seat(visitor: Visitor) -> None:
    await visitor.welcome()
    action = await visitor.hear()
    await visitor.reply(action, "EventList: start")
    await visitor.reply(action, "Val: seat07", kind="Event: DBGetResponse")
    await visitor.reply(action, "EventList: Complete", kind="Event: DBGetComplete")


async def busy(visitor: Visitor) -> None:
    await answer_seat(visitor)
    action = await visitor.hear()
    await visitor.reply(action, "Message: Originate successfully queued")
    event = f"Event: VarSet\r\nUniqueid: {action['ChannelId']}\r\nVariable: IVR_CALLED_BACK\r\nValue: BUSY 17\r\n\r\n"
    await visitor.send(event.encode())
    await visitor.reply(action, "Response: Success", kind="Event: OriginateResponse")
    await visitor.reader.read()


async def no_answer_of_operator(visitor: Visitor) -> None:
    await answer_seat(visitor)
    action = await visitor.hear()
    await visitor.reply(action, "Message: Originate successfully queued")
    await visitor.reply(action, "Response: Failure", "Reason: 3", kind="Event: OriginateResponse")


async def lost(visitor: Visitor) -> None:
    await answer_seat(visitor)
    await visitor.hear()  # Originate; then the connection closes


async def no_seat(visitor: Visitor) -> None:
    await visitor.welcome()
    await visitor.reply(await visitor.hear(), "Message: Database entry not found", kind="Response: Error")


def no_switch() -> Ami:
    raise AssertionError("the switch must not be asked")


def test_the_attempt_is_committed_before_the_telephone_rings(work: Work) -> None:
    message = work.message(NIGHT)
    protocol = work.take(message.id, MORNING).protocol
    result, ringing = call(work, message.id, busy)
    assert result == CallResult(protocol, "busy", "busy (BUSY 17)")
    assert ringing == [f"{protocol} seat07 None"]
    (attempt,) = work.rows(schema.callback_attempt)
    assert (attempt.proposed, attempt.result) == ("busy", None)
    assert work.entries()[0].attempts == 1


def test_a_call_that_the_operator_does_not_answer_is_not_an_attempt(desk_work: Work) -> None:
    message = desk_work.message(NIGHT)
    desk_work.take(message.id, MORNING)
    result, _ = call(desk_work, message.id, no_answer_of_operator)
    assert isinstance(result, CallResult)
    assert result.proposed == "failed"
    assert desk_work.entries()[0].attempts == 0


def test_a_lost_connection_leaves_the_attempt_open(desk_work: Work) -> None:
    message = desk_work.message(NIGHT)
    desk_work.take(message.id, MORNING)
    result, ringing = call(desk_work, message.id, lost)
    assert isinstance(result, ConnectionLost)
    assert len(ringing) == 1
    (attempt,) = desk_work.rows(schema.callback_attempt)
    assert (attempt.proposed, attempt.result) == (None, None)


def test_an_operator_without_a_seat_leaves_no_attempt(desk_work: Work) -> None:
    message = desk_work.message(NIGHT)
    desk_work.take(message.id, MORNING)
    result, ringing = call(desk_work, message.id, no_seat)
    assert "not logged in at a seat" in str(result)
    assert ringing == desk_work.rows(schema.callback_attempt) == []


@pytest.mark.parametrize(("actor", "problem"), [("op118", "taken by op117"), ("anna", "is not an operator code")])
def test_the_switch_is_not_asked_for_a_call_that_is_refused(desk_work: Work, actor: str, problem: str) -> None:
    message = desk_work.message(NIGHT)
    desk_work.take(message.id, MORNING)
    service = CallbackService(desk_work.site)
    with pytest.raises(Refusal, match=problem):
        asyncio.run(service.call(message.id, actor, MORNING, no_switch, lambda protocol, seat: None))
    for refused in (
        lambda: service.release(message.id, actor, MORNING),
        lambda: service.record_outcome(message.id, "reached", actor, MORNING),
    ):
        with pytest.raises(Refusal, match=problem):
            refused()


def test_the_list_reports_changes_and_unregistered_messages_once(work: Work) -> None:
    service = CallbackService(work.site)
    first, second = work.message(NIGHT), work.message(NIGHT + 3600)
    fresh = work.message(NIGHT + 7200, taken_in=False)
    listed = service.list_entries(MORNING)
    assert [entry.messages for entry in listed.entries] == [(first.id, second.id)]
    assert [(change.reason, change.protocol) for change in listed.changes] == [
        ("duplicate", work.request(second).protocol)
    ]
    assert [message.id for message in listed.unregistered] == [fresh.id]
    assert listed.problems == []
    assert service.list_entries(MORNING) == listed._replace(changes=[])


def test_an_outcome_marks_the_sheets_of_all_messages(work: Work) -> None:
    service = CallbackService(work.site)
    first, second = work.message(NIGHT), work.message(NIGHT + 3600)
    service.take(first.id, "op117", MORNING)
    assert service.record_outcome(second.id, "no_answer", "op117", MORNING).next_try_at is not None
    assert {work.store.get(each.id).state for each in (first, second)} == {"unreachable"}
    service.take(first.id, "op118", MORNING + 60)
    assert service.record_outcome(first.id, "refused", "op118", MORNING + 60).outcome == "withdrawn"
    assert {work.store.get(each.id).state for each in (first, second)} == {"closed"}


def test_a_message_is_found_by_its_id_only_when_it_is_registered(desk_work: Work) -> None:
    service = CallbackService(desk_work.site)
    message, fresh = desk_work.message(NIGHT), desk_work.message(NIGHT, taken_in=False)
    assert service.find_protocol(message.id) == desk_work.request(message).protocol
    assert service.find_protocol(fresh.id) is None
