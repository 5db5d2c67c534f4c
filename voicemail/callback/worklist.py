"""The work list of call-backs, as the desk sees it: who is to be called, in which order, who has taken whom, what came
of it.

The registry is the truth about a message from the moment it was taken in: `callback` says whose turn it is, the
request's history what was done. The store keeps the sound, and its sheet follows, so that whoever has only
the store is not misled; what was marked there while there was no registry to ask is taken over.
(`voicemail.callback.housekeeping`
does both.)

Two operators: taking is one conditional UPDATE, and whoever comes second is told who was first.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from common.command_line import Refusal
from ivr.configuration.compiled import Compiled
from registry.db import schema
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.clocks import Rules
from registry.requests.notes import add_note
from registry.requests.request import Request, get_request
from voicemail.callback.schedule import next_try

REQUEST, CALLBACK, ATTEMPT = schema.request, schema.callback, schema.callback_attempt
MESSAGE, CONTACT, CLOCK = schema.voicemail_message, schema.contact, schema.sla_clock

_OPEN = CALLBACK.c.state.in_(("waiting", "taken"))

RESULTS = ("reached", "no_answer", "busy", "wrong_number", "refused")  # what an operator can say of a call
AGAIN = ("no_answer", "busy")
ENDS = {"wrong_number": "unreachable", "refused": "withdrawn"}
AS = ("resolved", "informed", "referred", "withdrawn", "out_of_scope")  # how a request ends whose citizen was reached


class Limits(NamedTuple):
    """How often and when somebody is called (`callbacks` of service.yaml). Hours."""

    most_attempts: int
    hours_between: float
    window: float

    @classmethod
    def of(cls, compiled: Compiled) -> Limits:
        said = compiled["service"]["callbacks"]
        return cls(said["most_attempts"], said["hours_between"], said["number_window_hours"])


class Entry(NamedTuple):
    """One who waits for a call. No number: who calls needs none, and who reads it is written down."""

    request_id: str
    protocol: str
    topic: str
    messages: tuple[str, ...]  # ids, the first one's first
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
        return {**self._asdict(), "messages": list(self.messages)}


def untouched(entry: Entry) -> bool:
    """Nobody has taken it, and nobody was called about it."""
    return entry.state == "waiting" and entry.attempts == 0


# --- reading ----------------------------------------------------------------------------------------------------------


def entries(connection: Connection, which: str | None = None) -> list[Entry]:
    """Who waits, most urgent first: by the promise, and what has none by its age. `which`: of one request only."""
    found = connection.execute(open_entries(which)).all()
    messages = messages_of_open(connection)
    listed = []
    for row in found:
        theirs = messages.get(row.request_id, [])
        lengths = [each.seconds for each in theirs]
        listed.append(
            Entry(
                row.request_id, row.protocol, row.topic_code, tuple(each.message_id for each in theirs),
                min((each.left_at for each in theirs), default=row.opened_at), row.due_at, max(lengths, default=0.0),
                bool(theirs) and all(each.empty for each in theirs), row.phone_e164 is not None, row.state,
                row.taken_by, row.attempts, row.next_try_at,
            )
        )  # fmt: skip
    return sorted(listed, key=lambda each: (each.due_at is None, each.due_at or 0.0, each.left_at))


def open_entries(which: str | None = None) -> Any:
    """The rows of those who wait, with their request, contact and due date."""
    running = and_(CLOCK.c.request_id == CALLBACK.c.request_id, CLOCK.c.stopped_at.is_(None))
    due = select(func.min(CLOCK.c.due_at)).where(running).scalar_subquery().label("due_at")
    wanted = (
        select(
            CALLBACK, REQUEST.c.protocol, REQUEST.c.topic_code, REQUEST.c.opened_at,
            REQUEST.c.state.label("request_state"), CONTACT.c.phone_e164, CONTACT.c.phone_hash, due,
        )
        .join(REQUEST, REQUEST.c.request_id == CALLBACK.c.request_id)
        .outerjoin(CONTACT, CONTACT.c.contact_id == REQUEST.c.contact_id)
        .where(_OPEN)
    )  # fmt: skip
    return wanted if which is None else wanted.where(CALLBACK.c.request_id == which)


def messages_of_open(connection: Connection) -> dict[str, list[Any]]:
    """Of every open entry: its messages and those of the requests that are its doubles, oldest first."""
    mine = select(CALLBACK.c.request_id, CALLBACK.c.request_id.label("holder")).where(_OPEN)
    chain = mine.cte("chain", recursive=True)
    double = select(REQUEST.c.request_id, chain.c.holder).join(chain, REQUEST.c.duplicate_of == chain.c.request_id)
    chain = chain.union(double)  # doubles of doubles, too
    columns = (chain.c.holder, MESSAGE.c.message_id, MESSAGE.c.left_at, MESSAGE.c.seconds, MESSAGE.c.empty)
    both = select(*columns).join(MESSAGE, MESSAGE.c.request_id == chain.c.request_id)
    found: dict[str, list[Any]] = {}
    for row in connection.execute(both.order_by(MESSAGE.c.left_at)):
        found.setdefault(row.holder, []).append(row)
    return found


def known(connection: Connection, ids: Sequence[str] | None = None) -> set[str]:
    """The messages that were taken in; of these only, or of all."""
    wanted = select(MESSAGE.c.message_id)
    return set(connection.scalars(wanted if ids is None else wanted.where(MESSAGE.c.message_id.in_(ids))))


def find(connection: Connection, which: str) -> str:
    """The id of the request that somebody means: by a message's id, or a beginning of it, or by its protocol number."""
    if not re.match(r"[0-9]{8}T", which):
        return get_request(connection, which).request_id
    if not re.fullmatch(r"[0-9a-fT-]{9,40}", which):
        raise Refusal(f"{which[:40]!r}: no message's id; `voicemail list` shows them")
    wanted = select(MESSAGE.c.request_id).where(MESSAGE.c.message_id.startswith(which, autoescape=True))
    ids = set(connection.scalars(wanted))
    if len(ids) == 1:
        return _original(connection, ids.pop())
    several = "several messages begin so; give more of the id" if ids else "the registry knows no such message"
    raise Refusal(f"{which}: {several}; `voicemail list` shows them, `registry intake` takes new ones in")


def over(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Those of these messages whose request, or the one that it is a double of, is closed."""
    wanted = select(MESSAGE.c.message_id, MESSAGE.c.request_id).where(MESSAGE.c.message_id.in_(ids))
    found = connection.execute(wanted).all()
    return [
        each.message_id
        for each in found
        if get_request(connection, _original(connection, each.request_id)).state == "closed"
    ]


def _original(connection: Connection, request_id: str) -> str:
    """The request that goes on, where this one is a double."""
    while (into := get_request(connection, request_id).duplicate_of) is not None:
        request_id = into
    return request_id


def held(connection: Connection, request_id: str, actor: str) -> Any:
    """The row of an entry that this operator has taken. Raises `Refusal`."""
    row = connection.execute(select(CALLBACK).where(CALLBACK.c.request_id == request_id).with_for_update()).first()
    if row is None or row.state != "taken" or row.taken_by != actor:
        raise _not_yours(connection, request_id, row)
    return row


def _not_yours(connection: Connection, request_id: str, row: Any) -> Refusal:
    protocol = get_request(connection, request_id).protocol
    if row is None:
        return Refusal(f"{protocol}: waits for no call; `registry show {protocol}` says what it is")
    if row.state == "taken":
        return Refusal(f"{protocol}: {row.taken_by} has it; take another one, or ask them to release it")
    if row.state == "done":
        return Refusal(f"{protocol}: is over already; `registry show {protocol}` says how")
    return Refusal(f"{protocol}: nobody has it; first `voicemail take {protocol}`")


# --- taking -----------------------------------------------------------------------------------------------------------


def take(connection: Connection, rules: Rules, which: str, actor: str, now: float) -> Entry:
    """Take an entry; one who comes second is told who was first. Raises `Refusal`."""
    request_id = find(connection, which)
    mine = and_(CALLBACK.c.request_id == request_id, CALLBACK.c.state == "waiting")
    taken = update(CALLBACK).where(mine).values(state="taken", taken_by=actor, taken_at=now)
    if connection.execute(taken).rowcount != 1:
        row = connection.execute(select(CALLBACK).where(CALLBACK.c.request_id == request_id)).first()
        raise _not_yours(connection, request_id, row)
    request = get_request(connection, request_id)
    if request.state != "in_progress" or request.owner_ref != actor:  # it may have been assigned to whoever takes it
        perform_action(connection, rules, request_id, "take", actor, now)
    return entries(connection, request_id)[0]


def release(connection: Connection, rules: Rules, which: str, actor: str, now: float) -> str:
    """Give an entry back untouched; its protocol number. Raises `Refusal`."""
    request_id = find(connection, which)
    row = held(connection, request_id, actor)
    if (last := _last_attempt(connection, request_id)) is not None and last.result is None:
        raise Refusal(f"say first how the call ended: voicemail outcome {which} {last.proposed or 'no_answer'}")
    settle(connection, request_id, "waiting", row.next_try_at)
    return _let_go(connection, rules, request_id, actor, now).protocol


def _let_go(
    connection: Connection, rules: Rules, request_id: str, actor: str, now: float, note: str | None = None
) -> Request:
    """The request goes back to where it is taken from, unless somebody has passed it on meanwhile."""
    request = get_request(connection, request_id)
    if request.state == "in_progress":
        return perform_action(connection, rules, request_id, "release", actor, now, note=note)
    if note is not None:
        add_note(connection, request_id, note, actor, now)
    return request


def settle(connection: Connection, request_id: str, state: str, next_try_at: float) -> None:
    """Nobody has it any more: it waits for the next try, or is done."""
    same = CALLBACK.c.request_id == request_id
    values = {"state": state, "taken_by": None, "taken_at": None, "next_try_at": next_try_at}
    connection.execute(update(CALLBACK).where(same).values(**values))


def _last_attempt(connection: Connection, request_id: str) -> Any:
    """The last one that counts: what failed on our side is none."""
    mine = and_(ATTEMPT.c.request_id == request_id, or_(ATTEMPT.c.result.is_(None), ATTEMPT.c.result != "failed"))
    return connection.execute(select(ATTEMPT).where(mine).order_by(ATTEMPT.c.attempt_no.desc()).limit(1)).first()


# --- what came of it --------------------------------------------------------------------------------------------------


class Ended(NamedTuple):
    """Where an outcome leaves an entry: over with an `outcome`, with the operator, or waiting for the next try."""

    protocol: str
    messages: tuple[str, ...]
    outcome: str | None
    next_try_at: float | None


def outcome(
    connection: Connection, rules: Rules, limits: Limits, which: str, result: str, actor: str, now: float,
    *, ends_as: str = "resolved", keep: bool = False, note: str | None = None,
) -> Ended:  # fmt: skip
    """Record how a call ended, as the operator says. `keep`: reached, and the request stays with the operator.

    Raises `Refusal`: not yours, no such result, or the citizen was not reached and yet it should end as answered.
    """
    if result not in RESULTS:
        raise Refusal(f"outcome: {result!r} is none; there are {', '.join(RESULTS)}")
    if ends_as not in AS or (result != "reached" and (keep or ends_as != AS[0])):
        raise Refusal(f"outcome: only who was reached has an end of another kind: {', '.join(AS)}, or --keep")
    request_id = find(connection, which)
    held(connection, request_id, actor)
    messages = entries(connection, request_id)[0].messages
    _record(connection, request_id, result, actor, now)
    tried = list(connection.scalars(select(ATTEMPT.c.at).where(_counted(request_id))))
    protocol = get_request(connection, request_id).protocol
    if result in AGAIN and len(tried) < limits.most_attempts:
        again = next_try(rules.hours, now, tried, limits.hours_between)
        settle(connection, request_id, "waiting", again)
        _let_go(connection, rules, request_id, actor, now, note)
        return Ended(protocol, messages, None, again)
    settle(connection, request_id, "done", now)
    if keep or get_request(connection, request_id).state == "closed":
        if note is not None:
            add_note(connection, request_id, note, actor, now)
        return Ended(protocol, messages, None, None)
    end = ends_as if result == "reached" else ENDS.get(result, "unreachable")
    perform_action(connection, rules, request_id, "close", actor, now, ActionDetails(outcome=end), note=note)
    return Ended(protocol, messages, end, None)


def _counted(request_id: str) -> Any:
    return and_(ATTEMPT.c.request_id == request_id, ATTEMPT.c.result.is_not(None), ATTEMPT.c.result != "failed")


def _record(connection: Connection, request_id: str, result: str, actor: str, now: float) -> None:
    """The result on the attempt that is open, or on one made by hand; and the touch."""
    last = _last_attempt(connection, request_id)
    if last is None or last.result is not None:
        number, at, call = open_attempt(connection, request_id, actor, now, None), now, None
    else:
        number, at, call = last.attempt_no, last.at, last.call_id
    same = and_(ATTEMPT.c.request_id == request_id, ATTEMPT.c.attempt_no == number)
    connection.execute(update(ATTEMPT).where(same).values(result=result))
    touch(connection, request_id, "phone_out", at, now, call, result)


def open_attempt(connection: Connection, request_id: str, actor: str, now: float, call: str | None) -> int:
    """Write down that somebody is being called; its number. Before the call, never after it."""
    mine = ATTEMPT.c.request_id == request_id
    highest = connection.scalar(select(func.max(ATTEMPT.c.attempt_no)).where(mine))
    number = 1 + (highest or 0)
    row = {"request_id": request_id, "attempt_no": number, "at": now, "actor_ref": actor, "call_id": call}
    connection.execute(insert(ATTEMPT).values(**row))
    same = CALLBACK.c.request_id == request_id
    connection.execute(update(CALLBACK).where(same).values(attempts=CALLBACK.c.attempts + 1))
    return number


def touch(
    connection: Connection, request_id: str, channel: str, start: float, end: float, call: str | None, result: str
) -> None:
    """Write down that somebody spoke, or tried to."""
    row = {
        "interaction_id": secrets.token_hex(16), "request_id": request_id, "channel": channel, "started_at": start,
        "ended_at": end, "call_id": call, "result": result,
    }  # fmt: skip
    connection.execute(insert(schema.interaction).values(**row))
