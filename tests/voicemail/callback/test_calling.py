"""Click-to-call: what is checked and written before anybody is called, what Asterisk's words mean, and what is left
when the switch goes away in the middle."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from common.command_line import Refusal
from ivr.ami import ConnectionLost
from registry.db import schema
from registry.people.phone_numbers import reason_not_to_call
from registry.requests.actions import ActionDetails, perform_action
from tests.conftest import rome
from tests.ivr.ami.peer import Script, Visitor, manager
from tests.voicemail.work import ROME, Work
from voicemail.callback import calling
from voicemail.callback.calling import Attempt, Result, result_of
from voicemail.message import Message

NIGHT = rome("2026-11-23 22:00")
MORNING = rome("2026-11-24 09:30")
NOTHING = Attempt("r", "NUL-2026-000001-1", 1, ROME, "callback-r-1")


def begin(work: Work, which: str, now: float = MORNING, actor: str = "op117") -> Attempt:
    with work.database.begin() as connection:
        return calling.begin(connection, work.compiled, work.rules, work.keys, which, actor, now)


def taken(work: Work, number: str | None = ROME) -> Message:
    message = work.message(NIGHT, number)
    work.take(message.id, MORNING)
    return message


# --- before anybody is called -----------------------------------------------------------------------------------------


def test_the_attempt_is_written_down_before_it_is_made_and_who_read_the_number(work: Work) -> None:
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


def test_a_call_whose_end_nobody_told_is_not_made_again(work: Work) -> None:
    message = taken(work)
    attempt = begin(work, message.id)
    with pytest.raises(Refusal, match=r"say first how the last call ended: voicemail outcome .* no_answer"):
        begin(work, message.id)
    with work.database.begin() as connection:
        calling.proposed(connection, attempt, Result("busy", ""))
    with pytest.raises(Refusal, match=r"voicemail outcome .* busy"):
        begin(work, message.id)
    with pytest.raises(Refusal, match=r"voicemail outcome .* busy"):
        work.release(message.id, MORNING)
    work.outcome(message.id, "no_answer", MORNING)  # the operator knows better
    (row,) = work.rows(schema.callback_attempt)
    assert (row.proposed, row.result) == ("busy", "no_answer")


def test_what_failed_on_our_side_is_no_attempt(work: Work) -> None:
    message = taken(work)
    for number in (1, 2):
        attempt = begin(work, message.id)
        assert attempt.number == number
        with work.database.begin() as connection:
            calling.proposed(connection, attempt, Result("failed", "your telephone was not answered"))
        assert work.entries()[0].attempts == 0
    assert [row.result for row in work.rows(schema.callback_attempt)] == ["failed", "failed"]
    assert work.release(message.id, MORNING)
    work.take(message.id, MORNING)
    assert work.outcome(message.id, "busy", MORNING).next_try_at is not None
    assert work.entries()[0].attempts == 1


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2026-11-24 20:00", r"closed \(outside its hours\); possible from Wednesday 25 November, 09:00"),
        ("2026-11-28 11:00", r"closed .*; possible from Monday 30 November, 09:00"),
        ("2026-12-08 11:00", r"closed \(Immacolata Concezione\); possible from Wednesday 09 December, 09:00"),
    ],
)
def test_nobody_is_called_at_night_or_on_a_holiday(desk_work: Work, moment: str, why: str) -> None:
    message = taken(desk_work)
    with pytest.raises(Refusal, match=why):
        begin(desk_work, message.id, rome(moment))
    assert desk_work.rows(schema.callback_attempt) == []


def test_nobody_is_called_again_before_their_time(desk_work: Work) -> None:
    message = taken(desk_work)
    desk_work.outcome(message.id, "busy", MORNING)
    desk_work.take(message.id, MORNING + 60)
    with pytest.raises(Refusal, match=r"not yet time for the next attempt; possible from Tuesday 24 November, 12:00"):
        begin(desk_work, message.id, MORNING + 60)
    assert begin(desk_work, message.id, rome("2026-11-24 12:00")).number == 2


def test_nobody_is_called_more_often_than_allowed(desk_work: Work) -> None:
    message = taken(desk_work)
    with desk_work.database.begin() as connection:
        connection.execute(update(schema.callback).values(attempts=4))
    with pytest.raises(Refusal, match=r"called 4 times already \(callbacks.most_attempts\)"):
        begin(desk_work, message.id)


def test_who_has_not_taken_it_does_not_call(desk_work: Work) -> None:
    message = taken(desk_work)
    with pytest.raises(Refusal, match="op117 has it"):
        begin(desk_work, message.id, actor="op118")
    nobody = taken(desk_work, None)
    with pytest.raises(Refusal, match="has no number; listen to the message"):
        begin(desk_work, nobody.id)
    other = desk_work.message(NIGHT, "+390287654321")
    with pytest.raises(Refusal, match="nobody has it; first `voicemail take"):
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
def test_only_telephones_that_people_have_are_called(number: str, why: str) -> None:
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
    assert [each.why for each in desk_work.tidy(MORNING)] == ["over"]


def test_a_caller_who_pretends_a_premium_number_is_not_called_back(desk_work: Work) -> None:
    desk_work.compiled["service"]["callbacks"]["countries"] = ["FR"]
    message = taken(desk_work)
    with pytest.raises(Refusal, match=r"not called from here: its country is IT, and callbacks.countries has only FR"):
        begin(desk_work, message.id)
    assert desk_work.rows(schema.callback_attempt) == []


# --- what Asterisk says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "proposed"),
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
def test_a_dial_status_is_a_proposal(told: str, proposed: str) -> None:
    assert result_of(told).proposed == proposed
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


def placed(work: Work, script: Script) -> tuple[Result | Exception, list[str]]:
    """What comes of a call against a switch that does what the script says; and what was done, in order."""
    log: list[str] = []

    def write() -> Attempt:
        log.append("written")
        return NOTHING

    async def play() -> Result:
        async with manager(script) as account:
            service = work.compiled["service"]
            return (await calling.call(account, service, "op117", write, lambda line: log.append("told")))[1]

    try:
        return asyncio.run(play()), log
    except Refusal as problem:
        return problem, log


def test_the_operators_telephone_rings_first_and_the_end_is_told(desk_work: Work) -> None:
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

    result, log = placed(desk_work, script)
    assert isinstance(result, Result)
    assert result.proposed == "busy"
    assert log == ["written", "told"]


def test_an_operator_at_no_seat_is_told_before_anything_is_written(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor, None)

    result, log = placed(desk_work, script)
    assert "op117: is at no seat; log in there first (*11117)" in str(result)
    assert log == []


def test_an_operator_who_does_not_lift_the_receiver_has_called_nobody(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor)
        asked = await visitor.hear()
        await visitor.reply(asked, "Message: Originate successfully queued")
        await visitor.reply(asked, "Response: Failure", "Reason: 3", kind="Event: OriginateResponse")

    assert placed(desk_work, script)[0] == Result("failed", "your own telephone was not answered")


def test_a_switch_that_may_not_call_has_called_nobody(desk_work: Work) -> None:
    async def script(visitor: Visitor) -> None:
        await visitor.welcome()
        await _seat(visitor)
        await visitor.reply(await visitor.hear(), "Message: Permission denied", kind="Response: Error")

    assert placed(desk_work, script)[0] == Result("failed", "Permission denied")


def test_a_switch_that_dies_after_it_was_told_to_call_is_not_told_again(desk_work: Work) -> None:
    told = 0

    async def script(visitor: Visitor) -> None:
        nonlocal told
        await visitor.welcome()
        await _seat(visitor)
        await visitor.hear()
        told += 1

    result, log = placed(desk_work, script)
    assert isinstance(result, ConnectionLost)
    assert (told, log) == (1, ["written", "told"])
