"""What the work list does without an operator: close answered entries, merge duplicates, agree with the store.

Every change keeps a reference: the request that continues, or the call in which the citizen was answered. Running it
again changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, select

from common import instants
from registry.db import schema
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.clocks import Rules
from registry.requests.request import UNCLASSIFIED
from voicemail.callback.schedule import HOUR
from voicemail.callback.worklist import (
    CALLBACK,
    MESSAGE,
    REQUEST,
    Entry,
    Limits,
    add_interaction,
    list_entries,
    list_open_messages,
    plan_next_try,
    select_open_entries,
    settle,
)
from voicemail.message import SETTLED, StoreError
from voicemail.store import Store

VISIT = schema.queue_visit
ACTOR = "clock"


class Change(NamedTuple):
    """What happened to an entry without an operator."""

    protocol: str
    reason: str  # ended | marked | served | duplicate | reopened | rescheduled
    reference: str  # protocol of the request that continues; else the call, the state, or the time of the next try
    messages: tuple[str, ...]


def update_worklist(
    connection: Connection, rules: Rules, limits: Limits, queue: str, store: Store, now: float
) -> list[Change]:
    """Settle what needs no operator. What somebody has taken or passed on stays with them. `queue`: the service's."""
    return [
        *_settle_ended(connection, now),
        *_settle_marked(connection, rules, store, now),
        *_settle_served(connection, rules, queue),
        *_merge_duplicates(connection, rules, limits, now),
        *_restore_reopened(connection, store, now),
        *_reschedule(connection, rules, limits, now),
    ]


def _settle_ended(connection: Connection, now: float) -> Iterator[Change]:
    """Entries whose request was answered or closed in another way."""
    waiting = and_(CALLBACK.c.state == "waiting", REQUEST.c.state.in_(("answered", "closed")))
    for row in _requests(connection, waiting):
        settle(connection, row.request_id, "done", now)
        yield Change(row.protocol, "ended", row.state, _messages(connection, row.request_id))


def _requests(connection: Connection, condition: Any) -> Sequence[Any]:
    query = select(REQUEST).join(CALLBACK, CALLBACK.c.request_id == REQUEST.c.request_id)
    return connection.execute(query.where(condition)).all()


def _messages(connection: Connection, request_id: str) -> tuple[str, ...]:
    return tuple(connection.scalars(select(MESSAGE.c.message_id).where(MESSAGE.c.request_id == request_id)))


def _settle_marked(connection: Connection, rules: Rules, store: Store, now: float) -> Iterator[Change]:
    """Entries whose messages were all settled in the store, while the registry was not available."""
    free = {row.request_id for row in _open_rows(connection) if _is_free(row)}
    for entry in list_entries(connection):
        states = [_store_state(store, id) for id in entry.messages]
        if entry.request_id in free and states and all(state in SETTLED for state in states):
            settle(connection, entry.request_id, "done", now)
            outcome = UNCLASSIFIED if "called_back" in states else "out_of_scope"  # how it ended was not recorded
            details = ActionDetails(outcome=outcome)
            perform_action(connection, rules, entry.request_id, "close", ACTOR, now, details)
            yield Change(entry.protocol, "marked", ", ".join(sorted(set(states))), entry.messages)


def _open_rows(connection: Connection) -> Sequence[Any]:
    return connection.execute(select_open_entries()).all()


def _is_free(row: Any) -> bool:
    """Whether nobody has the entry or its request, which can also be taken, escalated or referred in the registry."""
    return bool(row.state == "waiting" and row.request_state == "new")


def _store_state(store: Store, id: str) -> str:
    """The state on the sheet; "" without a sheet: the sound is lost, but the citizen may still wait for a call."""
    try:
        return store.get(id).state
    except StoreError:
        return ""


def _settle_served(connection: Connection, rules: Rules, queue: str) -> Iterator[Change]:
    """Entries whose citizen called again after the message and was answered at the service's queue."""
    messages = list_open_messages(connection)
    for row in _open_rows(connection):
        left = messages.get(row.request_id, [])
        if not _is_free(row) or row.phone_hash is None or not left:
            continue
        visit = _answered_visit_after(connection, queue, row.phone_hash, left[-1].left_at)
        if visit is None:
            continue
        until = visit.left_at or visit.entered_at
        settle(connection, row.request_id, "done", until)
        reference = _end_request(connection, rules, row.request_id, visit.call_id, until)
        add_interaction(connection, row.request_id, "phone_in", visit.entered_at, until, visit.call_id, "served")
        yield Change(row.protocol, "served", reference, tuple(message.message_id for message in left))


def _answered_visit_after(connection: Connection, queue: str, caller: str, at: float) -> Any:
    """The first answered visit at this queue; a switch may have queues of other services."""
    answered = and_(VISIT.c.caller_hash == caller, VISIT.c.entered_at > at, VISIT.c.fate == "answered")
    return connection.execute(
        select(VISIT).where(answered, VISIT.c.queue == queue).order_by(VISIT.c.entered_at).limit(1)
    ).first()


def _end_request(connection: Connection, rules: Rules, request_id: str, call: str, at: float) -> str:
    """Merge a request into the request of a call, or close it if there is none; return the reference."""
    of_call = and_(REQUEST.c.call_id == call, REQUEST.c.duplicate_of.is_(None), REQUEST.c.request_id != request_id)
    query = select(REQUEST.c.protocol).where(of_call).order_by(REQUEST.c.opened_at).limit(1)
    if (into := connection.execute(query).scalar()) is not None:
        perform_action(connection, rules, request_id, "merge", ACTOR, at, ActionDetails(into=into))
        return str(into)
    perform_action(connection, rules, request_id, "close", ACTOR, at, ActionDetails(outcome=UNCLASSIFIED))
    return call


def _merge_duplicates(connection: Connection, rules: Rules, limits: Limits, now: float) -> Iterator[Change]:
    """Messages from one number, each within the window after the previous one, become one entry."""
    rows = _open_rows(connection)
    hashes = {row.request_id: row.phone_hash for row in rows}
    free = {row.request_id for row in rows if _is_free(row)}
    latest = {id: messages[-1].left_at for id, messages in list_open_messages(connection).items()}
    by_number: dict[str, list[Entry]] = {}
    for entry in sorted(list_entries(connection), key=lambda entry: (entry.left_at, entry.request_id)):
        if (caller := hashes[entry.request_id]) is not None:
            by_number.setdefault(caller, []).append(entry)
    for entries in by_number.values():
        for group in group_by_window(entries, latest, HOUR * limits.window):
            keeper = _keeper(group, free)
            for duplicate in group:
                if duplicate is keeper or duplicate.request_id not in free:
                    continue
                settle(connection, duplicate.request_id, "done", now)
                into = ActionDetails(into=keeper.request_id)
                perform_action(connection, rules, duplicate.request_id, "merge", ACTOR, now, into)
                yield Change(duplicate.protocol, "duplicate", keeper.protocol, ())  # its messages wait with the keeper


def _keeper(group: Sequence[Entry], free: set[str]) -> Entry:
    """The entry that continues: one that an operator has taken, else one at work elsewhere, else the first."""
    at_work = [entry for entry in group if entry.request_id not in free]
    return next((entry for entry in at_work if entry.state == "taken"), [*at_work, *group][0])


def group_by_window(entries: Sequence[Entry], latest: dict[str, float], window: float) -> list[list[Entry]]:
    """Group entries of one number, in order of time, where gaps are at most `window` seconds.

    `latest`: when the latest message of each request was left.
    """
    groups: list[list[Entry]] = []
    until = 0.0  # when the latest message of the group was left
    for entry in entries:
        if groups and entry.left_at - until <= window:
            groups[-1].append(entry)
        else:
            groups.append([entry])
            until = entry.left_at
        until = max(until, latest.get(entry.request_id, entry.left_at))
    return groups


def _restore_reopened(connection: Connection, store: Store, now: float) -> Iterator[Change]:
    """Entries whose request was reopened wait again.

    The sheets are marked first; otherwise the next run would take their state for a mark made in the store.
    """
    for row in _requests(connection, and_(CALLBACK.c.state == "done", REQUEST.c.state == "new")):
        messages = _messages(connection, row.request_id)
        mirror(store, messages, "new", by=ACTOR, at=now, note=row.protocol)
        settle(connection, row.request_id, "waiting", now)
        yield Change(row.protocol, "reopened", row.state, messages)


def _reschedule(connection: Connection, rules: Rules, limits: Limits, now: float) -> Iterator[Change]:
    """Entries whose next try was planned with other opening hours, such as before a closure was added."""
    planned = and_(CALLBACK.c.state == "waiting", CALLBACK.c.next_try_at > now)
    for row in connection.execute(select(CALLBACK, REQUEST.c.protocol).join(REQUEST).where(planned)).all():
        next_try_at = plan_next_try(connection, rules, limits, row.request_id)
        if next_try_at is not None and next_try_at != row.next_try_at:
            settle(connection, row.request_id, "waiting", next_try_at)
            when = "never" if math.isinf(next_try_at) else str(instants.iso(next_try_at, rules.hours.zone))
            yield Change(row.protocol, "rescheduled", when, _messages(connection, row.request_id))


def mirror(store: Store, messages: Sequence[str], state: str, *, by: str, at: float, note: str = "") -> None:
    """Write the state of the registry on the sheets. Messages already in that state, or erased, stay unchanged."""
    for id in messages:
        try:
            if store.get(id).state != state or state == "unreachable":
                store.mark(id, state, by=by, at=at, note=note)
        except (StoreError, OSError):
            continue
