"""Click-to-call: Asterisk rings the operator's telephone, then the citizen's, and reports how the call ended.

Every call has a row: the attempt is committed before Asterisk is asked to call. If the connection breaks after that,
nothing is repeated: the attempt stays open until the operator records how the call ended. What Asterisk reports is
only a proposal: a busy tone may be a voice that says "not today".
"""

from __future__ import annotations

import asyncio
import math
from typing import NamedTuple

from sqlalchemy import Connection, and_, update

from charter.calendar import OpeningHours
from common import instants
from common.command_line import Refusal
from ivr import ami
from ivr.ami import ActionRefused
from ivr.configuration.compiled import Compiled, Service
from registry.keys import Keys
from registry.people import contacts
from registry.people.phone_numbers import reason_not_to_call, to_e164
from registry.requests.clocks import Rules
from registry.requests.request import Request, get_request
from voicemail.callback.worklist import (
    ATTEMPT,
    CALLBACK,
    RETRIED,
    Limits,
    check_taken,
    find_open_attempt,
    find_request,
    open_attempt,
)
from voicemail.texts import translate

EVENTS = "call,dialplan"  # OriginateResponse, and the channels' variables
MARGIN_SECONDS = 30.0
# Causes of the network (Q.850) for a number that does not exist: unallocated, changed, incomplete.
_NO_SUCH_NUMBER = ("1", "22", "28")
_PROPOSED = {"ANSWER": "reached", "BUSY": "busy", "NOANSWER": "no_answer", "CANCEL": "no_answer"}
_REASONS = {
    "reached": "the citizen answered",
    "busy": "busy",
    "no_answer": "nobody answered",
    "wrong_number": "the number does not exist",
    "failed": "the call failed",
}


class Attempt(NamedTuple):
    """One call that is about to be placed."""

    request_id: str
    protocol: str
    number: int  # of the attempt, from 1
    dialled: str  # E.164
    call: str  # the id that the call will have


class Ending(NamedTuple):
    """How a call ended, as Asterisk reports it: a result of `registry.db.schema.RESULTS`, and the reason as text."""

    proposed: str
    reason: str


def begin_attempt(
    connection: Connection, compiled: Compiled, rules: Rules, keys: Keys, which: str, actor: str, now: float
) -> Attempt:
    """Check that this operator may call this citizen now, and write the attempt. Raises `Refusal`."""
    request = find_request(connection, which)
    row = check_taken(connection, request, actor)
    request = get_request(connection, request.request_id)  # as it is now that the entry is locked
    _check_time(rules.hours, row.next_try_at, now)
    if row.attempts >= Limits.of(compiled).most_attempts:
        raise Refusal(
            translate(
                "{protocol}: already called {attempts} times (callbacks.most_attempts); record the outcome",
                protocol=request.protocol,
                attempts=row.attempts,
            )
        )
    if (opened := find_open_attempt(connection, request.request_id)) is not None:
        proposed = opened.proposed or RETRIED[0]
        raise Refusal(
            translate(
                "{protocol}: first record how the last call ended: voicemail outcome {which} {proposed}",
                protocol=request.protocol,
                which=which,
                proposed=proposed,
            )
        )
    if request.state == "closed":
        raise Refusal(
            translate(
                "{protocol}: was closed meanwhile ({outcome}); release it: voicemail release {which}",
                protocol=request.protocol,
                outcome=request.outcome,
                which=which,
            )
        )
    dialled = _number_to_call(connection, compiled, keys, request, actor, now)
    # The id is chosen before the call, so that the CDR can be found, and Asterisk refuses a second call with the id.
    call = f"callback-{request.request_id}-{row.attempts + 1}-{int(now)}"
    number = open_attempt(connection, request.request_id, actor, now, call)
    return Attempt(request.request_id, request.protocol, number, dialled, call)


def _number_to_call(
    connection: Connection, compiled: Compiled, keys: Keys, request: Request, actor: str, now: float
) -> str:
    """Read the number of a request, which is logged. Raises `Refusal` if there is none or it may not be called."""
    if request.contact_id is None:
        raise Refusal(
            translate(
                "{protocol}: has no number; listen to the message, perhaps the caller says it",
                protocol=request.protocol,
            )
        )
    purpose = f"call-back {request.protocol}"
    phone = contacts.read_identity(connection, keys, request.contact_id, actor, purpose, now).phone
    dialled = to_e164(phone) or ""
    if reason := reason_not_to_call(dialled, compiled["service"]["callbacks"]["countries"]):
        raise Refusal(
            translate(
                "{protocol}: this number cannot be called from here: {reason}", protocol=request.protocol, reason=reason
            )
        )
    return dialled


def _check_time(hours: OpeningHours, next_try_at: float, now: float) -> None:
    """Citizens are called in service hours only, and not before the time of the next try. Raises `Refusal`."""
    possible = hours.next_opening(max(now, next_try_at))
    if possible <= now:
        return
    if math.isinf(possible):
        raise Refusal(
            translate("the service never opens again, so no calls are possible; change config/service.yaml: hours")
        )
    reason = translate("it is not yet time for the next attempt")
    if not hours.is_open(now):
        closed = hours.closed_reason(now)
        reason = translate("the service is closed ({why})", why=closed.name or translate("outside its hours"))
    raise Refusal(
        translate("{reason}; possible from {possible}", reason=reason, possible=instants.moment(possible, hours.zone))
    )


def save_ending(connection: Connection, attempt: Attempt, ending: Ending) -> None:
    """Save what Asterisk reports. A call that failed on our side does not count as an attempt."""
    this = and_(ATTEMPT.c.request_id == attempt.request_id, ATTEMPT.c.attempt_no == attempt.number)
    still_open = and_(this, ATTEMPT.c.result.is_(None))
    if ending.proposed != "failed":
        connection.execute(update(ATTEMPT).where(still_open).values(proposed=ending.proposed))
        return
    failed = update(ATTEMPT).where(still_open).values(proposed="failed", result="failed")
    if connection.execute(failed).rowcount:
        entry = CALLBACK.c.request_id == attempt.request_id
        connection.execute(update(CALLBACK).where(entry).values(attempts=CALLBACK.c.attempts - 1))


# --- the switch -------------------------------------------------------------------------------------------------------


async def find_seat(connection: ami.Connection, actor: str) -> str:
    """Return the seat at which an operator is logged in. Raises `Refusal`."""
    code = actor.removeprefix("op")
    try:
        entries = await connection.listed("DBGet", {"Family": "nul-code", "Key": code})
    except ActionRefused as problem:
        if "not found" not in problem.reason:
            raise
        entries = []
    seat = entries[0].get("Val", "") if entries else ""
    if not seat:
        raise Refusal(
            translate("{actor}: not logged in at a seat; first log in there (*11{code})", actor=actor, code=code)
        )
    return seat


async def place_call(connection: ami.Connection, service: Service, seat: str, attempt: Attempt) -> Ending:
    """Ring the operator, then the citizen; return how the call ended.

    Raises `AmiError` if the connection is lost; then the end of the call is unknown.
    """
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
    try:
        response = await connection.action_until(
            "Originate", fields, "OriginateResponse", seconds=ring + MARGIN_SECONDS
        )
    except ActionRefused as problem:  # nothing has rung
        return Ending("failed", problem.reason)
    if response.get("Response") != "Success":
        return Ending("failed", translate("your own telephone was not answered"))
    return await _wait_for_end(connection, attempt.call, service["limits"]["longest_call_seconds"] + MARGIN_SECONDS)


async def _wait_for_end(connection: ami.Connection, call: str, seconds: float) -> Ending:
    """Wait for the variable that the dialplan sets at the end of the call (nul-called-back)."""
    try:
        async with asyncio.timeout(seconds):
            async for event in connection.events():
                if event.get("Variable") == "IVR_CALLED_BACK" and event.get("Uniqueid") == call:
                    return parse_ending(event.get("Value", ""))
    except TimeoutError:
        pass
    raise ami.NoAnswer(f"{connection.where}: the end of the call was not reported within {seconds:g} s")


def parse_ending(value: str) -> Ending:
    """Interpret DIALSTATUS and the cause of the network, such as `BUSY 17`."""
    status, _, cause = value.partition(" ")
    proposed = _PROPOSED.get(status, "failed")
    if proposed == "failed" and cause in _NO_SUCH_NUMBER:
        proposed = "wrong_number"
    return Ending(proposed, f"{translate(_REASONS[proposed])} ({value.strip()})")
