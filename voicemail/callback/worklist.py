"""The work list of call-backs: its entries in order, the operators who have taken them, the results of calls.

Once a message is registered, the registry decides about it: `callback` holds its place in the work list, and the
history of the request records the actions. The message store keeps the audio. `voicemail.callback.housekeeping` updates
the sheets in the store, and takes over marks that were made there while the registry was not available.

Taking an entry is one conditional UPDATE: of two operators one succeeds, and the other learns who was first.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from common import instants
from common.command_line import Refusal
from ivr.configuration.compiled import Compiled
from registry.db import schema
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.clocks import Rules
from registry.requests.notes import add_note
from registry.requests.request import Request, get_request
from voicemail.callback.schedule import next_try
from voicemail.texts import translate

REQUEST, CALLBACK, ATTEMPT = schema.request, schema.callback, schema.callback_attempt
MESSAGE, CONTACT, CLOCK = schema.voicemail_message, schema.contact, schema.sla_clock

_OPEN = CALLBACK.c.state.in_(("waiting", "taken"))

RESULTS = ("reached", "no_answer", "busy", "wrong_number", "refused")  # how a call ended, as the operator reports it
RETRIED = ("no_answer", "busy")
# How a request is closed when the citizen was reached: by default the first one.
OUTCOMES = ("resolved", "informed", "referred", "withdrawn", "out_of_scope")
_UNREACHED_OUTCOMES = {"wrong_number": "unreachable", "refused": "withdrawn"}


class Limits(NamedTuple):
    """How often and when a citizen is called (`callbacks` of service.yaml). Hours."""

    most_attempts: int
    hours_between: float
    window: float

    @classmethod
    def of(cls, compiled: Compiled) -> Limits:
        settings = compiled["service"]["callbacks"]
        return cls(settings["most_attempts"], settings["hours_between"], settings["number_window_hours"])


class Entry(NamedTuple):
    """A citizen who waits for a call. Without the number: callers do not need it, and reading it is logged."""

    request_id: str
    protocol: str
    topic: str
    messages: tuple[str, ...]  # ids, oldest first
    left_at: float
    due_at: float | None  # of the promise; None when its clock does not run
    seconds: float  # of the longest message
    empty: bool
    callable: bool  # there is a number
    state: str  # waiting | taken
    taken_by: str | None
    attempts: int
    next_try_at: float

    def document(self) -> dict[str, Any]:
        day = None if self.due_at is None or math.isinf(self.due_at) else instants.last_day(self.due_at).isoformat()
        return {**instants.with_iso_times(self._asdict()), "due_on": day}


def is_untouched(entry: Entry) -> bool:
    """Whether nobody has taken the entry and no call was made."""
    return entry.state == "waiting" and entry.attempts == 0


# --- queries ----------------------------------------------------------------------------------------------------------


def list_entries(connection: Connection, request_id: str | None = None) -> list[Entry]:
    """Return the open entries, or that of one request: by due date, then those without a due date by age."""
    rows = connection.execute(select_open_entries(request_id)).all()
    messages = list_open_messages(connection)
    entries = [_entry(row, messages.get(row.request_id, [])) for row in rows]
    return sorted(entries, key=lambda entry: (entry.due_at is None, entry.due_at or 0.0, entry.left_at))


def _entry(row: Any, messages: list[Any]) -> Entry:
    return Entry(
        request_id=row.request_id,
        protocol=row.protocol,
        topic=row.topic_code,
        messages=tuple(message.message_id for message in messages),
        left_at=min((message.left_at for message in messages), default=row.opened_at),
        due_at=row.due_at,
        seconds=max((message.seconds for message in messages), default=0.0),
        empty=bool(messages) and all(message.empty for message in messages),
        callable=row.phone_e164 is not None,
        state=row.state,
        taken_by=row.taken_by,
        attempts=row.attempts,
        next_try_at=row.next_try_at,
    )


def select_open_entries(request_id: str | None = None) -> Any:
    """Return the query of the open entries with their request, contact and due date."""
    running = and_(CLOCK.c.request_id == CALLBACK.c.request_id, CLOCK.c.stopped_at.is_(None))
    due = select(func.min(CLOCK.c.due_at)).where(running).scalar_subquery().label("due_at")
    query = (
        select(
            CALLBACK, REQUEST.c.protocol, REQUEST.c.topic_code, REQUEST.c.opened_at,
            REQUEST.c.state.label("request_state"), CONTACT.c.phone_e164, CONTACT.c.phone_hash, due,
        )
        .join(REQUEST, REQUEST.c.request_id == CALLBACK.c.request_id)
        .outerjoin(CONTACT, CONTACT.c.contact_id == REQUEST.c.contact_id)
        .where(_OPEN)
    )  # fmt: skip
    return query if request_id is None else query.where(CALLBACK.c.request_id == request_id)


def list_open_messages(connection: Connection) -> dict[str, list[Any]]:
    """Return the messages of each open entry, oldest first, with those of its duplicates; by request id."""
    entry = select(CALLBACK.c.request_id, CALLBACK.c.request_id.label("holder")).where(_OPEN)
    chain = entry.cte("chain", recursive=True)
    duplicate = select(REQUEST.c.request_id, chain.c.holder).join(chain, REQUEST.c.duplicate_of == chain.c.request_id)
    chain = chain.union(duplicate)  # duplicates of duplicates, too
    columns = (chain.c.holder, MESSAGE.c.message_id, MESSAGE.c.left_at, MESSAGE.c.seconds, MESSAGE.c.empty)
    query = select(*columns).join(MESSAGE, MESSAGE.c.request_id == chain.c.request_id)
    messages: dict[str, list[Any]] = {}
    for row in connection.execute(query.order_by(MESSAGE.c.left_at)):
        messages.setdefault(row.holder, []).append(row)
    return messages


def registered_messages(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Return those of these messages that the registry holds."""
    return set(connection.scalars(select(MESSAGE.c.message_id).where(MESSAGE.c.message_id.in_(ids))))


def closed_messages(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return those of these messages whose request is closed; for a duplicate, the request that continues it."""
    query = select(MESSAGE.c.message_id, MESSAGE.c.request_id).where(MESSAGE.c.message_id.in_(ids))
    rows = connection.execute(query).all()
    return [row.message_id for row in rows if _original(connection, row.request_id).state == "closed"]


def find_request(connection: Connection, which: str) -> Request:
    """Return the request with a protocol number, or with a message whose id starts so. Raises `Refusal`."""
    if not re.match(r"[0-9]{8}T", which):
        return get_request(connection, which)
    if not re.fullmatch(r"[0-9a-fT-]{9,40}", which):
        raise Refusal(translate("{which} is not a message id; `voicemail list` shows the ids", which=f"{which[:40]!r}"))
    query = select(MESSAGE.c.request_id).where(MESSAGE.c.message_id.startswith(which, autoescape=True))
    ids = set(connection.scalars(query))
    if len(ids) == 1:
        return _original(connection, ids.pop())
    if ids:
        raise Refusal(
            translate("{which}: several messages start with this; give more of the id (`voicemail list`)", which=which)
        )
    raise Refusal(
        translate(
            "{which}: not in the registry; `voicemail list` shows the ids, `registry intake` registers new ones",
            which=which,
        )
    )


def _original(connection: Connection, request_id: str) -> Request:
    """Return a request, or the one that continues it if it is a duplicate."""
    request = get_request(connection, request_id)
    while request.duplicate_of is not None:
        request = get_request(connection, request.duplicate_of)
    return request


def check_taken(connection: Connection, request: Request, actor: str) -> Any:
    """Return the row of an entry that this operator has taken, and lock it. Raises `Refusal`."""
    query = select(CALLBACK).where(CALLBACK.c.request_id == request.request_id).with_for_update()
    row = connection.execute(query).first()
    if row is None or row.state != "taken" or row.taken_by != actor:
        raise _not_taken(request.protocol, row)
    return row


def _not_taken(protocol: str, row: Any) -> Refusal:
    if row is None:
        return Refusal(
            translate("{protocol}: not in the call-back list; see `registry show {protocol}`", protocol=protocol)
        )
    if row.state == "taken":
        return Refusal(
            translate(
                "{protocol}: taken by {taken_by}; take another one, or ask them to release it",
                protocol=protocol,
                taken_by=row.taken_by,
            )
        )
    if row.state == "done":
        return Refusal(
            translate("{protocol}: the call-back is finished; see `registry show {protocol}`", protocol=protocol)
        )
    return Refusal(translate("{protocol}: not taken; first `voicemail take {protocol}`", protocol=protocol))


# --- taking and releasing ---------------------------------------------------------------------------------------------


def take(connection: Connection, rules: Rules, which: str, actor: str, now: float) -> Entry:
    """Take an entry. Raises `Refusal`, which names the operator who has taken it already."""
    request = find_request(connection, which)
    waiting = and_(CALLBACK.c.request_id == request.request_id, CALLBACK.c.state == "waiting")
    taken = update(CALLBACK).where(waiting).values(state="taken", taken_by=actor, taken_at=now)
    if connection.execute(taken).rowcount != 1:
        row = connection.execute(select(CALLBACK).where(CALLBACK.c.request_id == request.request_id)).first()
        raise _not_taken(request.protocol, row)
    request = get_request(connection, request.request_id)  # as it is now that the entry is locked
    if request.state != "in_progress" or request.owner_ref != actor:  # the request may be assigned to them already
        perform_action(connection, rules, request.request_id, "take", actor, now)
    return list_entries(connection, request.request_id)[0]


def release(connection: Connection, rules: Rules, which: str, actor: str, now: float) -> str:
    """Return an entry to the list unchanged; return its protocol number. Raises `Refusal`."""
    request = find_request(connection, which)
    row = check_taken(connection, request, actor)
    request = get_request(connection, request.request_id)  # as it is now that the entry is locked
    if (last := _last_attempt(connection, request.request_id)) is not None and last.result is None:
        proposed = last.proposed or RETRIED[0]
        raise Refusal(
            translate(
                "first record how the call ended: voicemail outcome {which} {proposed}", which=which, proposed=proposed
            )
        )
    settle(connection, request.request_id, "waiting", row.next_try_at)
    _release_request(connection, rules, request, actor, now)
    return request.protocol


def _release_request(
    connection: Connection, rules: Rules, request: Request, actor: str, now: float, note: str | None = None
) -> None:
    """Release the request as well, unless somebody has passed it on meanwhile."""
    if request.state == "in_progress":
        perform_action(connection, rules, request.request_id, "release", actor, now, note=note)
    elif note is not None:
        add_note(connection, request.request_id, note, actor, now)


def settle(connection: Connection, request_id: str, state: str, next_try_at: float) -> None:
    """Give an entry a state in which no operator has it: `waiting` for the next try, or `done`."""
    entry = CALLBACK.c.request_id == request_id
    values = {"state": state, "taken_by": None, "taken_at": None, "next_try_at": next_try_at}
    connection.execute(update(CALLBACK).where(entry).values(**values))


# --- attempts and their outcomes --------------------------------------------------------------------------------------


class RecordedOutcome(NamedTuple):
    """Where an outcome leaves an entry: closed with `outcome`, waiting until `next_try_at`, or, if both are None, with
    the operator."""

    protocol: str
    messages: tuple[str, ...]
    outcome: str | None
    next_try_at: float | None


def record_outcome(
    connection: Connection, rules: Rules, limits: Limits, which: str, result: str, actor: str, now: float,
    *, outcome: str = OUTCOMES[0], keep: bool = False, note: str | None = None,
) -> RecordedOutcome:  # fmt: skip
    """Record how a call ended. With `keep` the citizen was reached and the request stays with the operator.

    Raises `Refusal` for an entry of somebody else, an unknown result, or an outcome that does not fit the result.
    """
    _check_outcome(result, outcome, keep)
    request = find_request(connection, which)
    check_taken(connection, request, actor)
    request = get_request(connection, request.request_id)  # as it is now that the entry is locked
    request_id = request.request_id
    messages = list_entries(connection, request_id)[0].messages
    _record_result(connection, request_id, result, actor, now)
    tried = list(connection.scalars(select(ATTEMPT.c.at).where(_counted(request_id))))
    if result in RETRIED and len(tried) < limits.most_attempts:
        next_try_at = next_try(rules.hours, now, tried, limits.hours_between)
        settle(connection, request_id, "waiting", next_try_at)
        _release_request(connection, rules, request, actor, now, note)
        return RecordedOutcome(request.protocol, messages, None, next_try_at)
    settle(connection, request_id, "done", now)
    if keep or request.state == "closed":
        if note is not None:
            add_note(connection, request_id, note, actor, now)
        return RecordedOutcome(request.protocol, messages, None, None)
    end = outcome if result == "reached" else _UNREACHED_OUTCOMES.get(result, "unreachable")
    perform_action(connection, rules, request_id, "close", actor, now, ActionDetails(outcome=end), note=note)
    return RecordedOutcome(request.protocol, messages, end, None)


def plan_next_try(connection: Connection, rules: Rules, limits: Limits, request_id: str) -> float | None:
    """Return when the next try is, by the calls so far; None without a call that somebody recorded."""
    calls = select(func.max(schema.interaction.c.ended_at)).where(
        schema.interaction.c.request_id == request_id, schema.interaction.c.channel == "phone_out"
    )
    recorded_at = connection.execute(calls).scalar()
    tried = list(connection.scalars(select(ATTEMPT.c.at).where(_counted(request_id))))
    if recorded_at is None or not tried:
        return None
    return next_try(rules.hours, recorded_at, tried, limits.hours_between)


def _check_outcome(result: str, outcome: str, keep: bool) -> None:
    if result not in RESULTS:
        raise Refusal(
            translate(
                "outcome: {result} is not a result; use one of {choices}",
                result=f"{result!r}",
                choices=", ".join(RESULTS),
            )
        )
    if outcome not in OUTCOMES:
        raise Refusal(
            translate(
                "outcome: {outcome} is not an outcome; use one of {choices}",
                outcome=f"{outcome!r}",
                choices=", ".join(OUTCOMES),
            )
        )
    if result != "reached" and (keep or outcome != OUTCOMES[0]):
        raise Refusal(
            translate("outcome: --as and --keep need the result reached, not {result}; leave them out", result=result)
        )


def _counted(request_id: str) -> Any:
    """Attempts with a result, without those that failed on our side."""
    return and_(ATTEMPT.c.request_id == request_id, ATTEMPT.c.result.is_not(None), ATTEMPT.c.result != "failed")


def _last_attempt(connection: Connection, request_id: str) -> Any:
    """Return the last attempt, without those that failed on our side."""
    counted = and_(ATTEMPT.c.request_id == request_id, or_(ATTEMPT.c.result.is_(None), ATTEMPT.c.result != "failed"))
    return connection.execute(select(ATTEMPT).where(counted).order_by(ATTEMPT.c.attempt_no.desc()).limit(1)).first()


def _record_result(connection: Connection, request_id: str, result: str, actor: str, now: float) -> None:
    """Write the result to the open attempt, or to a new one for a call made by hand; add the interaction."""
    last = _last_attempt(connection, request_id)
    if last is None or last.result is not None:
        number, at, call = open_attempt(connection, request_id, actor, now, None), now, None
    else:
        number, at, call = last.attempt_no, last.at, last.call_id
    attempt = and_(ATTEMPT.c.request_id == request_id, ATTEMPT.c.attempt_no == number)
    connection.execute(update(ATTEMPT).where(attempt).values(result=result))
    add_interaction(connection, request_id, "phone_out", at, now, call, result)


def open_attempt(connection: Connection, request_id: str, actor: str, now: float, call: str | None) -> int:
    """Write an attempt and return its number. Commit it before the call is placed."""
    highest = connection.scalar(select(func.max(ATTEMPT.c.attempt_no)).where(ATTEMPT.c.request_id == request_id))
    number = 1 + (highest or 0)
    row = {"request_id": request_id, "attempt_no": number, "at": now, "actor_ref": actor, "call_id": call}
    connection.execute(insert(ATTEMPT).values(**row))
    entry = CALLBACK.c.request_id == request_id
    connection.execute(update(CALLBACK).where(entry).values(attempts=CALLBACK.c.attempts + 1))
    return number


def find_open_attempt(connection: Connection, request_id: str) -> Any:
    """Return an attempt without a result, or None."""
    opened = and_(ATTEMPT.c.request_id == request_id, ATTEMPT.c.result.is_(None))
    return connection.execute(select(ATTEMPT).where(opened).limit(1)).first()


def add_interaction(
    connection: Connection, request_id: str, channel: str, start: float, end: float, call: str | None, result: str
) -> None:
    """Record that somebody talked with the citizen, or tried to."""
    row = {
        "interaction_id": secrets.token_hex(16), "request_id": request_id, "channel": channel, "started_at": start,
        "ended_at": end, "call_id": call, "result": result,
    }  # fmt: skip
    connection.execute(insert(schema.interaction).values(**row))
