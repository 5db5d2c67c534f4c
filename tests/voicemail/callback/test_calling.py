"""Click-to-call: the checks and rows before a call, how Asterisk's reports are read, a connection that is lost."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from common.command_line import Refusal
from ivr import ami
from ivr.ami import ConnectionLost
from registry.db import schema
from registry.people.phone_numbers import reason_not_to_call
from registry.requests.actions import ActionDetails, perform_action
from tests.conftest import rome
from tests.ivr.ami.peer import Script, Visitor, manager
from tests.voicemail.work import ROME, Work
from voicemail.callback import calling
from voicemail.callback.calling import Attempt, Ending, parse_ending
from voicemail.message import Message

NIGHT = rome("2026-11-23 22:00")
MORNING = rome("2026-11-24 09:30")
NOTHING = Attempt("r", "NUL-2026-000001-1", 1, ROME, "callback-r-1")


def begin(work: Work, which: str, now: float = MORNING, actor: str = "op117") -> Attempt:
    with work.database.begin() as connection:
        return calling.begin_attempt(connection, work.compiled, work.rules, work.keys, which, actor, now)


def taken(work: Work, number: str | None = ROME) -> Message:
    message = work.message(NIGHT, number)
    work.take(message.id, MORNING)
    return message


# --- before the call -----------------------------------------------------------------------------------------


def test_an_attempt_is_written_before_the_call_and_reading_the_number_is_logged(work: Work) -> None:
    message = taken(work)
    attempt = begin(work, message.id)
    request = work.request(message)
    assert attempt == Attempt(request.request_id, request.protocol, 1, ROME, attempt.call)
    (row,) = work.rows(schema.callback_attempt)
    assert (row.attempt_no, row.at, row.actor_ref, row.call_id, row.proposed, row.result) == (
        *(1, MORNING, "op117", attempt.call),
        *(None, None),
    )
    read = [each for each in work.rows(schema.access_log) if each.action == "read"]
    assert [(each.actor_ref, each.why) for each in read] == [("op117", f"call-back {request.protocol}")]
    assert ROME not in attempt.call


def test_a_call_without_a_recorded_outcome_is_not_repeated(work: Work) -> None:
    message = taken(work)
    attempt = begin(work, message.id)
    with pytest.raises(Refusal, match=r"first record how the last call ended: voicemail outcome .* no_answer"):
        begin(work, message.id)
    with work.database.begin() as connection:
        calling.save_ending(connection, attempt, Ending("busy", ""))
    with pytest.raises(Refusal, match=r"voicemail outcome .* busy"):
        begin(work, message.id)
    with pytest.raises(Refusal, match=r"voicemail outcome .* busy"):
        work.release(message.id, MORNING)
    work.outcome(message.id, "no_answer", MORNING)  # the operator knows better
    (row,) = work.rows(schema.callback_attempt)
    assert (row.proposed, row.result) == ("busy", "no_answer")


def test_a_failure_on_our_side_does_not_count_as_an_attempt(work: Work) -> None:
    message = taken(work)
    for number in (1, 2):
        attempt = begin(work, message.id)
        assert attempt.number == number
        with work.database.begin() as connection:
            calling.save_ending(connection, attempt, Ending("failed", "your telephone was not answered"))
        assert work.entries()[0].attempts == 0
    assert [row.result for row in work.rows(schema.callback_attempt)] == ["failed", "failed"]
    assert work.release(message.id, MORNING)
    work.take(message.id, MORNING)
    assert work.outcome(message.id, "busy", MORNING).next_try_at is not None
    assert work.entries()[0].attempts == 1


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2026-11-24 20:00", r"closed \(outside its hours\); possible from Wed 25 Nov 2026 09:00"),
        ("2026-11-28 11:00", r"closed .*; possible from Mon 30 Nov 2026 09:00"),
        ("2026-12-08 11:00", r"closed \(Immacolata Concezione\); possible from Wed 09 Dec 2026 09:00"),
    ],
)
def test_no_call_at_night_or_on_a_holiday(desk_work: Work, moment: str, why: str) -> None:
    message = taken(desk_work)
    with pytest.raises(Refusal, match=why):
        begin(desk_work, message.id, rome(moment))
    assert desk_work.rows(schema.callback_attempt) == []


def test_no_call_before_the_time_of_the_next_try(desk_work: Work) -> None:
    message = taken(desk_work)
    desk_work.outcome(message.id, "busy", MORNING)
    desk_work.take(message.id, MORNING + 60)
    with pytest.raises(Refusal, match=r"not yet time for the next attempt; possible from Tue 24 Nov 2026 12:00"):
        begin(desk_work, message.id, MORNING + 60)
    assert begin(desk_work, message.id, rome("2026-11-24 12:00")).number == 2


def test_no_more_attempts_than_allowed(desk_work: Work) -> None:
    message = taken(desk_work)
    with desk_work.database.begin() as connection:
        connection.execute(update(schema.callback).values(attempts=4))
    with pytest.raises(Refusal, match=r"already called 4 times \(callbacks.most_attempts\)"):
        begin(desk_work, message.id)


def test_only_the_operator_who_took_the_entry_can_call(desk_work: Work) -> None:
    message = taken(desk_work)
    with pytest.raises(Refusal, match="taken by op117"):
        begin(desk_work, message.id, actor="op118")
    unnumbered = taken(desk_work, None)
    with pytest.raises(Refusal, match="has no number; listen to the message"):
        begin(desk_work, unnumbered.id)
    other = desk_work.message(NIGHT, "+390287654321")
    with pytest.raises(Refusal, match="not taken; first `voicemail take"):
        begin(desk_work, other.id)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+390612345678", ""),
        ("+393331234567", ""),
        ("+39899123456", "special number"),  # premium rate
        ("+39199123456", "special number"),
        ("+39800000039", "special number"),  # a green number, ours
        ("+39112", "no such number"),
        ("+33142685300", "country is FR, and callbacks.countries has only IT"),
        ("+23052512345", "country is MU"),
        ("+390549885123", "country is SM"),  # San Marino, although behind Italy's country code
        ("+39 0549 885123", "country is SM"),  # also when it is not written in E.164
        ("+3780549885123", "country is SM"),
        ("+390669812345", ""),  # the Vatican, at Rome's tariff
        ("+3905491", "no such number|country is SM"),
        ("+441534123456", "country is JE"),  # Jersey, not Great Britain
        ("+882161234567", "countries has only|no such"),  # satellite
        ("0612345678", "not a number in international form"),
        ("", "not a number in international form"),
    ],
)
def test_only_ordinary_numbers_are_called(number: str, why: str) -> None:
    reason = reason_not_to_call(number, ["IT"])
    assert bool(reason) == bool(why)
    assert any(each in reason for each in why.split("|"))


def test_a_site_may_call_san_marino_in_both_forms_of_its_numbers() -> None:
    for number in ("+390549885123", "+3780549885123"):
        assert reason_not_to_call(number, ["IT", "SM"]) == ""
        assert "country is SM, and callbacks.countries has only IT" in reason_not_to_call(number, ["IT"])


def test_a_request_that_was_closed_meanwhile_is_not_called(desk_work: Work) -> None:
    message = taken(desk_work)
    with desk_work.database.begin() as connection:
        protocol = desk_work.request(message).protocol
        perform_action(
            connection, desk_work.rules, protocol, "close", "op118", MORNING, ActionDetails(outcome="informed")
        )
    with pytest.raises(Refusal, match=r"was closed meanwhile \(informed\)"):
        begin(desk_work, message.id)
    assert desk_work.release(message.id, MORNING) == protocol
    assert [each.reason for each in desk_work.update(MORNING)] == ["ended"]


def test_a_number_of_another_country_is_not_called(desk_work: Work) -> None:
    desk_work.compiled["service"]["callbacks"]["countries"] = ["FR"]
    message = taken(desk_work)
    with pytest.raises(
        Refusal, match=r"cannot be called from here: its country is IT, and callbacks.countries has only FR"
    ):
        begin(desk_work, message.id)
    assert desk_work.rows(schema.callback_attempt) == []


# --- what Asterisk reports --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "proposed"),
    [
        ("ANSWER 16", "reached"),
        ("BUSY 17", "busy"),
        ("NOANSWER 19", "no_answer"),
        ("CANCEL 0", "no_answer"),
        ("CHANUNAVAIL 1", "wrong_number"),
        ("CONGESTION 28", "wrong_number"),
        ("CHANUNAVAIL 20", "failed"),
        ("CONGESTION 34", "failed"),
        ("NODIAL ", "failed"),
        ("", "failed"),
    ],
)
def test_a_dial_status_is_a_proposal(value: str, proposed: str) -> None:
    assert parse_ending(value).proposed == proposed
    assert proposed in schema.RESULTS


async def _seat(visitor: Visitor, seat: str | None = "seat07") -> None:
    asked = await visitor.hear()
    assert (asked["Action"], asked["Family"], asked["Key"]) == ("DBGet", "nul-code", "117")
    if seat is None:
        await visitor.reply(asked, "Message: Database entry not found", kind="Response: Error")
        return
    await visitor.reply(asked, "EventList: start")
    await visitor.reply(asked, f"Val: {seat}", kind="Event: DBGetResponse")
    await visitor.reply(asked, "EventList: Complete", kind="Event: DBGetComplete")


def place_call(work: Work, script: Script) -> Ending | Exception:
    """Call the citizen of `NOTHING` through a switch that follows the script."""

    async def play() -> Ending:
        async with manager(script) as account, ami.connect(account, events=calling.EVENTS) as connection:
            seat = await calling.find_seat(connection, "op117")
            return await calling.place_call(connection, work.compiled["service"], seat, NOTHING)

    try:
        return asyncio.run(play())
    except Refusal as problem:
        return problem


def test_the_operators_telephone_rings_first_and_the_end_is_reported(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor)
        asked = await visitor.hear()
        assert asked["Channel"] == "PJSIP/seat07"
        assert (asked["Context"], asked["Exten"], asked["Priority"]) == ("nul-callback", ROME, "1")
        assert (asked["ChannelId"], asked["Timeout"], asked["Async"]) == ("callback-r-1", "15000", "true")
        assert "800000039" in asked["CallerID"]
        await visitor.reply(asked, "Message: Originate successfully queued")
        for unique in ("another", "callback-r-1"):
            event = f"Event: VarSet\r\nUniqueid: {unique}\r\nVariable: IVR_CALLED_BACK\r\nValue: BUSY 17\r\n\r\n"
            await visitor.send(
                event.encode() if unique != "another" else event.replace("BUSY 17", "ANSWER 16").encode()
            )
        await visitor.reply(asked, "Response: Success", kind="Event: OriginateResponse")
        await visitor.reader.read()

    assert place_call(desk_work, script) == Ending("busy", "busy (BUSY 17)")


def test_an_operator_without_a_seat_is_refused(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor, None)

    assert "op117: not logged in at a seat; first log in there (*11117)" in str(place_call(desk_work, script))


def test_a_call_fails_if_the_operator_does_not_answer(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor)
        asked = await visitor.hear()
        await visitor.reply(asked, "Message: Originate successfully queued")
        await visitor.reply(asked, "Response: Failure", "Reason: 3", kind="Event: OriginateResponse")

    assert place_call(desk_work, script) == Ending("failed", "your own telephone was not answered")


def test_a_call_fails_without_permission_on_the_switch(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor)
        await visitor.reply(await visitor.hear(), "Message: Permission denied", kind="Response: Error")

    assert place_call(desk_work, script) == Ending("failed", "Permission denied")


def test_a_call_is_not_repeated_if_the_switch_dies(desk_work: Work) -> None:
    originated = 0

    async def script(visitor: Visitor) -> None:
        nonlocal originated
        await visitor.welcome()
        await _seat(visitor)
        await visitor.hear()
        originated += 1

    assert isinstance(place_call(desk_work, script), ConnectionLost)
    assert originated == 1
