"""The promises as rows, and the clocks of requests: when each started, paused and stopped, and when it is due.

Which clock: an e-mail or a web form has `EMAIL` from its arrival. A voicemail message has `CALLBACK` from the moment it
was left (an internal goal: the Carta promises a call back but states no time). A request escalated to the second level
has `SECOND_LEVEL` from then until it is answered; it keeps that promise when it is sent back to the first level. A
reopened request gets another clock.

How a clock ends: `answered` (also by closing with an outcome that is an answer); `escalated`, since the Carta's 48
hours are for answers that the first level has; `closed`, when nobody could be answered; `cancelled`, when the request
was a duplicate. Waiting for the citizen pauses it. In the figures (`read_due`) an escalated or closed clock counts only
if it was past its due date by then, as failed; otherwise there was nothing to answer within that promise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, insert, or_, select, update

from charter.calendar import OpeningHours
from charter.promises import Change, Clock, Deferred, Promise, State, due, due_after_pause, explain
from common.languages import Language
from ivr.configuration.compiled import Compiled
from registry.db import schema
from registry.requests import callbacks
from registry.requests.history import ANSWERING, Event

OF_THE_CARTA = ("EMAIL", "SECOND_LEVEL")  # the others are internal goals
_FIRST_LEVEL = {"email": "EMAIL", "web_form": "EMAIL", "voicemail": "CALLBACK"}  # channel -> promise

DAY = 86400.0
clock = schema.sla_clock
_ticks = or_(clock.c.paused_at.is_(None), clock.c.paused_at >= clock.c.due_at)  # a later pause changes nothing


class Reminders(NamedTuple):
    """When `registry due` lists an open request that no clock runs for. Seconds."""

    open: float  # after it got its owner or queue
    waiting: float  # after the service began to wait for the citizen


class Rules(NamedTuple):
    """The part of the configuration that concerns requests."""

    hours: OpeningHours
    promises: Mapping[str, Promise]
    third_level: bool
    revision: str  # of the configuration
    reminders: Reminders = Reminders(5 * DAY, 15 * DAY)

    @classmethod
    def of(cls, compiled: Compiled) -> Rules:
        service = compiled["service"]
        terms = service["promises"]
        promises = (
            Promise("EMAIL", terms["email_hours"], "hours", terms["email_share"]),
            Promise("SECOND_LEVEL", terms["second_level_days"], "calendar_days", terms["second_level_share"]),
            Promise("CALLBACK", terms["callback_hours"], "service_hours", terms["callback_share"]),
        )
        return cls(
            OpeningHours.of(service),
            {promise.name: promise for promise in promises},
            service["registry"]["third_level"],
            compiled["revision"],
            Reminders(DAY * service["registry"]["open_days"], DAY * service["registry"]["waiting_days"]),
        )


def save_promises(connection: Connection, rules: Rules) -> None:
    """Write new and changed promises into the database."""
    table = schema.promise
    known = {row.promise_code: row for row in connection.execute(select(table))}
    for code, promise in rules.promises.items():
        promised = int(code in OF_THE_CARTA)
        row = {"amount": promise.amount, "clock": promise.clock, "share": promise.share, "promised": promised}
        if code not in known:
            connection.execute(insert(table).values(promise_code=code, **row))
        elif known[code]._mapping != {"promise_code": code, **row}:
            connection.execute(update(table).where(table.c.promise_code == code).values(**row))


# --- after an event ---------------------------------------------------------------------------------------------------


def promise_of(channel: str, level: int) -> str | None:
    """Return the promise that applies to a request of that channel at that level."""
    return _FIRST_LEVEL.get(channel) if level == 1 else "SECOND_LEVEL"


def new_clock(rules: Rules, request_id: str, promise: str, number: int, at: float) -> dict[str, Any]:
    """Return the row of a clock that starts at that instant."""
    return {
        "request_id": request_id,
        "promise_code": promise,
        "clock_no": number,
        "started_at": at,
        "due_at": due(rules.promises[promise], at, rules.hours),
        "calendar_rev": rules.revision,
    }


def first_clock(rules: Rules, request_id: str, channel: str, events: Sequence[Event]) -> dict[str, Any] | None:
    """Return the row of the clock that a request has from its first events; stopped if it was closed at once."""
    promise = promise_of(channel, 1)
    if promise is None:
        return None
    row = {**new_clock(rules, request_id, promise, 1, events[0].at), "stopped_at": None, "stop_reason": None}
    for event in events[1:]:
        reason = _stop(promise, event)
        if reason is not None:
            row |= {"stopped_at": event.at, "stop_reason": reason}
    return row


def update_clocks(connection: Connection, rules: Rules, request_id: str, channel: str, event: Event) -> None:
    """Start, pause, resume or stop a request's clocks after an event of its history."""
    clocks = connection.execute(select(clock).where(clock.c.request_id == request_id)).all()
    running = [each for each in clocks if each.stopped_at is None]
    for each in running:
        changes = _changes(rules, each, event)
        if changes:
            same = (clock.c.promise_code == each.promise_code) & (clock.c.clock_no == each.clock_no)
            connection.execute(update(clock).where((clock.c.request_id == request_id) & same).values(**changes))
    promise = promise_of(channel, event.to_level) if event.action in ("reopen", "escalate") else None
    if promise is not None and promise not in (each.promise_code for each in running):
        number = 1 + sum(each.promise_code == promise for each in clocks)
        connection.execute(insert(clock).values(**new_clock(rules, request_id, promise, number, event.at)))
        if promise == callbacks.PROMISE:
            callbacks.ensure_entry(connection, request_id, event.at)


def _changes(rules: Rules, row: Any, event: Event) -> dict[str, Any]:
    """Return what an event changes in the row of a running clock."""
    changes: dict[str, Any] = {}
    if row.paused_at is not None and event.to_state != "waiting_contact":
        promise = rules.promises[row.promise_code]
        changes = {
            "due_at": due_after_pause(promise, row.due_at, row.paused_at, event.at, rules.hours),
            "paused_seconds": row.paused_seconds + event.at - row.paused_at,
            "paused_at": None,
        }
    elif row.paused_at is None and event.to_state == "waiting_contact":
        changes = {"paused_at": event.at}
    reason = _stop(row.promise_code, event)
    return {**changes, "stopped_at": event.at, "stop_reason": reason} if reason else changes


def _stop(promise: str, event: Event) -> str | None:
    """Return why an event stops a clock of that promise; None when it does not."""
    if event.to_state == "answered":
        return "answered"
    if event.to_state == "closed":
        outcome = event.changes["outcome"]
        return "answered" if outcome in ANSWERING else "cancelled" if outcome == "duplicate" else "closed"
    return "escalated" if event.action == "escalate" and promise != "SECOND_LEVEL" else None


# --- reading clocks ---------------------------------------------------------------------------------------------------


def read_due(connection: Connection, promise: str, start: float, until: float) -> list[Deferred]:
    """Return the requests that fell due in [start, until), for `charter.kpi.on_time`: unanswered ones failed.

    A clock that was paused before its due date has no due date yet, and is in no cohort until it runs again.
    """
    condition = and_(
        clock.c.promise_code == promise,
        clock.c.due_at >= start,
        clock.c.due_at < until,
        _ticks,
        or_(
            clock.c.stop_reason.is_(None),
            clock.c.stop_reason == "answered",
            and_(clock.c.stop_reason.in_(("escalated", "closed")), clock.c.stopped_at > clock.c.due_at),
        ),
    )
    rows = connection.execute(select(clock.c.due_at, clock.c.stopped_at, clock.c.stop_reason).where(condition))
    return [Deferred(due_at, stopped if reason == "answered" else None) for due_at, stopped, reason in rows]


def read_overdue(connection: Connection, now: float) -> list[Deferred]:
    """Return the running clocks past their due date, for `charter.promises.backlog`.

    A clock that was paused before its due date is not among them.
    """
    condition = and_(clock.c.stopped_at.is_(None), clock.c.due_at < now, _ticks)
    return [Deferred(row.due_at) for row in connection.execute(select(clock.c.due_at).where(condition))]


def clock_changes(row: Any, events: Sequence[Event]) -> list[Change]:
    """Return when a clock ran and when it was paused, from its row and the history of its request."""
    changes: list[Change] = [Change(row.started_at, "running")]
    for event in events:
        if event.at < row.started_at or (row.stopped_at is not None and event.at > row.stopped_at):
            continue
        state: State = "paused" if event.to_state == "waiting_contact" else "running"
        if state != changes[-1].state:
            changes.append(Change(event.at, state))
    return changes if row.stopped_at is None else [*changes, Change(row.stopped_at, "stopped")]


_UNANSWERED: dict[Language, dict[str, str]] = {
    "it": {
        "escalated": "passata al secondo livello",
        "closed": "chiusa senza risposta",
        "cancelled": "copia di un'altra richiesta",
    },
    "en": {
        "escalated": "escalated to the second level",
        "closed": "closed without an answer",
        "cancelled": "a duplicate of another request",
    },
}
_EXPLANATIONS: dict[Language, dict[str, str]] = {
    "it": {
        "late": "conta come fuori tempo: {reason}, dopo la scadenza",
        "not counted": "non conta nelle cifre: {reason}",
        "recalculated": "calcolata con la configurazione {then}, oggi {now}",
    },
    "en": {
        "late": "counts as late: {reason}, after the due date",
        "not counted": "not in the figures: {reason}",
        "recalculated": "calculated with configuration {then}, now {now}",
    },
}


def explain_clock(rules: Rules, row: Any, promise: Any, events: Sequence[Event], language: Language = "it") -> str:
    """Return the arithmetic of one clock as text, and whether it counts in `read_due` when nobody was answered.

    `promise` is its row, in case the configuration has changed since.
    """
    kind: Clock = promise.clock
    then = Promise(row.promise_code, promise.amount, kind, promise.share)
    lines, texts = (
        [explain(then, row.started_at, rules.hours, language, clock_changes(row, events))],
        _EXPLANATIONS[language],
    )
    reason = _UNANSWERED[language].get(row.stop_reason)
    if reason is not None:
        late = row.stop_reason != "cancelled" and row.stopped_at > row.due_at
        lines.append(f"({texts['late' if late else 'not counted'].format(reason=reason)})")
    if row.calendar_rev != rules.revision:
        lines.append(f"({texts['recalculated'].format(then=row.calendar_rev, now=rules.revision)})")
    return "\n".join(lines)
