"""What the work list does by itself: close whom an operator has served since, group doubles, agree with the store.

Every step leaves a reference: the request that goes on, or the call in which the citizen was answered. All of it can be
done again at any time, and then changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, select

from registry.db import schema
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.clocks import Rules
from voicemail.callback.schedule import HOUR
from voicemail.callback.worklist import (
    CALLBACK,
    REQUEST,
    Entry,
    Limits,
    entries,
    messages_of_open,
    open_entries,
    settle,
    touch,
)
from voicemail.message import StoreError
from voicemail.store import Store

VISIT = schema.queue_visit
SETTLED = ("called_back", "closed")  # states of a message in the store

ACTOR = "clock"


class Tidied(NamedTuple):
    """What became of an entry without an operator."""

    protocol: str
    why: str  # over | marked | served | double | again
    reference: str  # protocol of the request that goes on; else the call, or the state
    messages: tuple[str, ...]


def tidy(connection: Connection, rules: Rules, limits: Limits, store: Store, now: float) -> list[Tidied]:
    """Whatever can be settled without an operator; what somebody has taken or passed on is left to them."""
    return [
        *_over(connection, now),
        *_marked(connection, rules, store, now),
        *_served(connection, rules),
        *_doubles(connection, rules, limits, now),
        *_again(connection, store, now),
    ]


def _over(connection: Connection, now: float) -> Iterator[Tidied]:
    """The request was answered or closed by other ways."""
    ended = select(REQUEST).join(CALLBACK, CALLBACK.c.request_id == REQUEST.c.request_id)
    wanted = ended.where(and_(CALLBACK.c.state == "waiting", REQUEST.c.state.in_(("answered", "closed"))))
    for row in connection.execute(wanted).all():
        settle(connection, row.request_id, "done", now)
        mine = schema.voicemail_message.c.request_id == row.request_id
        messages = connection.scalars(select(schema.voicemail_message.c.message_id).where(mine))
        yield Tidied(row.protocol, "over", row.state, tuple(messages))


def _marked(connection: Connection, rules: Rules, store: Store, now: float) -> Iterator[Tidied]:
    """All messages of an entry were settled in the store: somebody worked while there was no registry to ask."""
    free = {row.request_id for row in _rows(connection) if _free(row)}
    for entry in entries(connection):
        states = [_state(store, id) for id in entry.messages]
        if entry.request_id in free and states and all(state in SETTLED for state in states):
            settle(connection, entry.request_id, "done", now)
            end = "resolved" if "called_back" in states else "out_of_scope"
            perform_action(connection, rules, entry.request_id, "close", ACTOR, now, ActionDetails(outcome=end))
            yield Tidied(entry.protocol, "marked", ", ".join(sorted(set(states))), entry.messages)


def _rows(connection: Connection) -> Sequence[Any]:
    return connection.execute(open_entries()).all()


def _free(row: Any) -> bool:
    """Nobody has the entry, nor the request: that can be taken, escalated or referred in the registry, too."""
    return bool(row.state == "waiting" and row.request_state == "new")


def _state(store: Store, id: str) -> str:
    """What the sheet says; "" where there is none: nobody hears it any more, and yet somebody may wait for a call."""
    try:
        return store.get(id).state
    except StoreError:
        return ""


def _served(connection: Connection, rules: Rules) -> Iterator[Tidied]:
    """Whoever has been answered at the queue after the message needs no call about it any more."""
    messages = messages_of_open(connection)
    for row in _rows(connection):
        theirs = messages.get(row.request_id, [])
        if not _free(row) or row.phone_hash is None or not theirs:
            continue
        visit = _visit_after(connection, row.phone_hash, theirs[-1].left_at)
        if visit is None:
            continue
        until = visit.left_at or visit.entered_at
        settle(connection, row.request_id, "done", until)
        reference = _ends_in(connection, rules, row.request_id, visit.call_id, until)
        touch(connection, row.request_id, "phone_in", visit.entered_at, until, visit.call_id, "served")
        yield Tidied(row.protocol, "served", reference, tuple(each.message_id for each in theirs))


def _visit_after(connection: Connection, caller: str, at: float) -> Any:
    mine = and_(VISIT.c.caller_hash == caller, VISIT.c.entered_at > at, VISIT.c.fate == "answered")
    return connection.execute(select(VISIT).where(mine).order_by(VISIT.c.entered_at).limit(1)).first()


def _ends_in(connection: Connection, rules: Rules, request_id: str, call: str, at: float) -> str:
    """Merge into the request of that call when there is one, else close as resolved; the reference."""
    mine = and_(REQUEST.c.call_id == call, REQUEST.c.duplicate_of.is_(None), REQUEST.c.request_id != request_id)
    into = connection.execute(select(REQUEST.c.protocol).where(mine).order_by(REQUEST.c.opened_at).limit(1)).scalar()
    if into is not None:
        perform_action(connection, rules, request_id, "merge", ACTOR, at, ActionDetails(into=into))
        return str(into)
    perform_action(connection, rules, request_id, "close", ACTOR, at, ActionDetails(outcome="resolved"))
    return call


def _doubles(connection: Connection, rules: Rules, limits: Limits, now: float) -> Iterator[Tidied]:
    """Messages from one number, each within the window after the one before, are one entry."""
    rows = _rows(connection)
    hashes = {row.request_id: row.phone_hash for row in rows}
    free = {row.request_id for row in rows if _free(row)}
    last = {id: messages[-1].left_at for id, messages in messages_of_open(connection).items()}
    by_number: dict[str, list[Entry]] = {}
    for entry in sorted(entries(connection), key=lambda each: (each.left_at, each.request_id)):
        if (caller := hashes[entry.request_id]) is not None:
            by_number.setdefault(caller, []).append(entry)
    for theirs in by_number.values():
        for group in groups(theirs, last, HOUR * limits.window):
            at_work = [each for each in group if each.request_id not in free]
            keeper = next((each for each in at_work if each.state == "taken"), [*at_work, *group][0])
            for double in group:
                if double is keeper or double.request_id not in free:
                    continue
                settle(connection, double.request_id, "done", now)
                into = ActionDetails(into=keeper.request_id)
                perform_action(connection, rules, double.request_id, "merge", ACTOR, now, into)
                yield Tidied(double.protocol, "double", keeper.protocol, ())  # its messages wait with the keeper


def groups(theirs: Sequence[Entry], last: dict[str, float], window: float) -> list[list[Entry]]:
    """Those of one number, in order. `last`: by request, when its latest message was left; `window` in seconds."""
    found: list[list[Entry]] = []
    until = 0.0  # of the group: its latest message
    for entry in theirs:
        if found and entry.left_at - until <= window:
            found[-1].append(entry)
        else:
            found.append([entry])
            until = entry.left_at
        until = max(until, last.get(entry.request_id, entry.left_at))
    return found


def _again(connection: Connection, store: Store, now: float) -> Iterator[Tidied]:
    """The request was opened again: its citizen wants a call once more. The sheets say so first: else they would be
    taken for marks of the store's own."""
    ended = select(REQUEST).join(CALLBACK, CALLBACK.c.request_id == REQUEST.c.request_id)
    for row in connection.execute(ended.where(and_(CALLBACK.c.state == "done", REQUEST.c.state == "new"))).all():
        mine = schema.voicemail_message.c.request_id == row.request_id
        messages = tuple(connection.scalars(select(schema.voicemail_message.c.message_id).where(mine)))
        mirror(store, messages, "new", by=ACTOR, at=now, note=row.protocol)
        settle(connection, row.request_id, "waiting", now)
        yield Tidied(row.protocol, "again", row.state, messages)


def mirror(store: Store, messages: Sequence[str], state: str, *, by: str, at: float, note: str = "") -> None:
    """Let the sheets say what the registry says. What the store has in that state, or not any more, is let be."""
    for id in messages:
        try:
            if store.get(id).state != state or state == "unreachable":
                store.mark(id, state, by=by, at=at, note=note)
        except (StoreError, OSError):
            continue
