"""Click-to-call: Asterisk rings the operator's telephone, then the citizen's, and tells what became of it.

Nobody is ever called without a row that says so: the attempt is written down, and committed, before Asterisk is told.
When the connection breaks after that, nothing is done again: the attempt stays open until the operator says how it
ended. What Asterisk says is a proposal; a busy tone may be a voice that says "not today".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, update

from charter.calendar import OpeningHours
from common.command_line import Refusal
from ivr import ami
from ivr.ami import ActionRefused
from ivr.ami.account import Ami
from ivr.configuration.compiled import Compiled, Service
from registry.keys import Keys
from registry.people import contacts
from registry.people.phone_numbers import reason_not_to_call, to_e164
from registry.requests.clocks import Rules
from registry.requests.request import get_request
from voicemail.callback.worklist import AGAIN, ATTEMPT, CALLBACK, Limits, find, held, open_attempt

EVENTS = "call,dialplan"  # OriginateResponse, and the channels' variables
MARGIN_SECONDS = 30.0
# The network's causes (Q.850) of a number that nobody has: unallocated, changed, incomplete.
_NOBODYS = ("1", "22", "28")
_PROPOSED = {"ANSWER": "reached", "BUSY": "busy", "NOANSWER": "no_answer", "CANCEL": "no_answer"}
_SAID = {
    "reached": "the citizen answered",
    "busy": "busy",
    "no_answer": "nobody answered",
    "wrong_number": "the network knows no such number",
    "failed": "the call did not come about",
}


class Attempt(NamedTuple):
    """One call that is about to be placed."""

    request_id: str
    protocol: str
    number: int  # which attempt
    dialled: str  # E.164
    call: str  # the id that the call will have


class Result(NamedTuple):
    """What Asterisk proposes: a result of `registry.db.schema.RESULTS`, and in words why."""

    proposed: str
    said: str


def begin(
    connection: Connection, compiled: Compiled, rules: Rules, keys: Keys, which: str, actor: str, now: float
) -> Attempt:
    """Check that this citizen may be called now by this operator, and write the attempt down. Raises `Refusal`."""
    request_id = find(connection, which)
    request = get_request(connection, request_id)
    row = held(connection, request_id, actor)
    _check_time(rules.hours, row.next_try_at, now)
    limits = Limits.of(compiled)
    if row.attempts >= limits.most_attempts:
        raise Refusal(
            f"{request.protocol}: called {row.attempts} times already (callbacks.most_attempts); say the outcome"
        )
    if (under_way := _open_attempt(connection, request_id)) is not None:
        proposed = under_way.proposed or AGAIN[0]
        raise Refusal(f"{request.protocol}: say first how the last call ended: voicemail outcome {which} {proposed}")
    if request.state == "closed":
        raise Refusal(
            f"{request.protocol}: was closed meanwhile ({request.outcome}); voicemail release {which} lets it go"
        )
    if request.contact_id is None:
        raise Refusal(f"{request.protocol}: has no number; listen to the message, perhaps it is said there")
    why = f"call-back {request.protocol}"
    dialled = to_e164(contacts.read_identity(connection, keys, request.contact_id, actor, why, now).phone) or ""
    if reason := reason_not_to_call(dialled, compiled["service"]["callbacks"]["countries"]):
        raise Refusal(f"{request.protocol}: this number is not called from here: {reason}")
    # Known before the call is: who looks for it in the CDR finds it, and Asterisk refuses a second one of that id.
    call = f"callback-{request_id}-{row.attempts + 1}-{int(now)}"
    number = open_attempt(connection, request_id, actor, now, call)
    return Attempt(request_id, request.protocol, number, dialled, call)


def _check_time(hours: OpeningHours, next_try_at: float, now: float) -> None:
    """Citizens are called in service hours only, and not again before their time."""
    possible = hours.next_opening(max(now, next_try_at))
    if possible <= now:
        return
    if math.isinf(possible):
        raise Refusal("the service never opens again (config/service.yaml: hours): nobody is called")
    reason = "it is not yet time for the next attempt"
    if not hours.is_open(now):
        closed = hours.closed_reason(now)
        reason = f"the service is closed ({closed.name or 'outside its hours'})"
    raise Refusal(f"{reason}; possible from {_words(hours.local(possible))}")


def _words(at: datetime) -> str:
    return f"{at:%A %d %B, %H:%M}"


def _open_attempt(connection: Connection, request_id: str) -> Any:
    mine = and_(ATTEMPT.c.request_id == request_id, ATTEMPT.c.result.is_(None))
    return connection.execute(ATTEMPT.select().where(mine).limit(1)).first()


def proposed(connection: Connection, attempt: Attempt, result: Result) -> None:
    """Keep what Asterisk says. A call that did not come about is none of the citizen's attempts."""
    mine = and_(ATTEMPT.c.request_id == attempt.request_id, ATTEMPT.c.attempt_no == attempt.number)
    still = and_(mine, ATTEMPT.c.result.is_(None))
    if result.proposed != "failed":
        connection.execute(update(ATTEMPT).where(still).values(proposed=result.proposed))
        return
    failed = update(ATTEMPT).where(still).values(proposed="failed", result="failed")
    if connection.execute(failed).rowcount:
        same = CALLBACK.c.request_id == attempt.request_id
        connection.execute(update(CALLBACK).where(same).values(attempts=CALLBACK.c.attempts - 1))


# --- the switch -------------------------------------------------------------------------------------------------------


async def seat_of(connection: ami.Connection, actor: str) -> str:
    """The seat at which an operator has logged in. Raises `Refusal`."""
    code = actor.removeprefix("op")
    try:
        found = await connection.listed("DBGet", {"Family": "nul-code", "Key": code})
    except ActionRefused as problem:
        if "not found" not in problem.reason:
            raise
        found = []
    seat = found[0].get("Val", "") if found else ""
    if not seat:
        raise Refusal(f"{actor}: is at no seat; log in there first (*11{code})")
    return seat


async def place(connection: ami.Connection, service: Service, seat: str, attempt: Attempt) -> Result:
    """Ring the operator, then the citizen; what became of it, when it is over. Raises `AmiError`: then nobody knows."""
    ring = service["queue"]["ring_seconds"]
    fields: dict[str, str | int] = {
        "Channel": f"PJSIP/{seat}",
        "ChannelId": attempt.call,
        "Context": "nul-callback",
        "Exten": attempt.dialled,
        "Priority": 1,
        "CallerID": f"Richiamata <{service['service']['number']}>",
        "Timeout": 1000 * ring,
        "Async": "true",
    }
    begun = await connection.action_until("Originate", fields, "OriginateResponse", seconds=ring + MARGIN_SECONDS)
    if begun.get("Response") != "Success":
        return Result("failed", "your own telephone was not answered")
    return await _ended(connection, attempt.call, service["limits"]["longest_call_seconds"] + MARGIN_SECONDS)


async def _ended(connection: ami.Connection, call: str, seconds: float) -> Result:
    """What the dialplan tells at the end (nul-called-back)."""
    try:
        async with asyncio.timeout(seconds):
            async for event in connection.events():
                if event.get("Variable") == "IVR_CALLED_BACK" and event.get("Uniqueid") == call:
                    return result_of(event.get("Value", ""))
    except TimeoutError:
        pass
    raise ami.NoAnswer(f"{connection.where}: the end of the call was not told within {seconds:g} s")


def result_of(told: str) -> Result:
    """From DIALSTATUS and the network's cause, `BUSY 17`."""
    status, _, cause = told.partition(" ")
    proposed = _PROPOSED.get(status, "failed")
    if proposed == "failed" and cause in _NOBODYS:
        proposed = "wrong_number"
    return Result(proposed, f"{_SAID[proposed]} ({told.strip()})")


async def call(
    account: Ami, service: Service, actor: str, begin_: Callable[[], Attempt], told: Callable[[str], None]
) -> tuple[Attempt, Result]:
    """The whole of it: the switch is asked for the seat, `begin_` writes the attempt down, then it rings."""
    async with ami.connect(account, events=EVENTS) as connection:
        seat = await seat_of(connection, actor)
        attempt = begin_()
        told(f"{attempt.protocol}: ringing {seat}; lift the receiver, then the citizen is called")
        try:
            return attempt, await place(connection, service, seat, attempt)
        except ActionRefused as problem:  # the switch has not even begun
            return attempt, Result("failed", problem.reason)
