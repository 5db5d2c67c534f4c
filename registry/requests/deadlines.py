"""Running deadlines follow the calendar: after a change of hours, closures or promises they are calculated again.

A stopped clock keeps the due date that it had: it is evidence. A moved date is a line of the request's history, so the
list of dates that were ever valid is complete.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from charter.promises import clock_state, due
from common import instants
from registry.db import schema
from registry.requests import clocks, history
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.request import Request, get_request

ACTOR = "clock"
clock = schema.sla_clock


def outdated(connection: Connection, rules: Rules) -> bool:
    """Whether a running clock was calculated with another configuration."""
    return connection.execute(_outdated(rules).limit(1)).first() is not None


def recalculate(connection: Connection, rules: Rules, now: float) -> int:
    """Calculate the due dates of running clocks with this configuration; return how many moved."""
    moved = 0
    for row in connection.execute(_outdated(rules).order_by(clock.c.request_id)).all():
        due_at = _due(connection, rules, row)
        if due_at != row.due_at:
            if not _record(connection, rules, row, due_at, now):
                continue  # somebody acts on the request at this moment; the next run moves its date
            moved += 1
        this_one = (
            (clock.c.request_id == row.request_id)
            & (clock.c.promise_code == row.promise_code)
            & (clock.c.clock_no == row.clock_no)
        )
        values = {"due_at": due_at, "calendar_rev": rules.revision}
        connection.execute(update(clock).where(this_one & clock.c.stopped_at.is_(None)).values(**values))
    return moved


def _outdated(rules: Rules) -> Any:
    return select(clock).where(clock.c.stopped_at.is_(None), clock.c.calendar_rev != rules.revision)


def _due(connection: Connection, rules: Rules, row: Any) -> float:
    """The due date of a running clock, with all pauses that have ended."""
    promise = rules.promises.get(row.promise_code)
    if promise is None:  # a promise of another program
        return float(row.due_at)
    if row.paused_at is None and row.paused_seconds == 0:
        return due(promise, row.started_at, rules.hours)
    events = history.read_events(connection, row.request_id)
    return clock_state(promise, clocks.clock_changes(row, events), rules.hours).due


def _record(connection: Connection, rules: Rules, row: Any, due_at: float, now: float) -> bool:
    """Add the new date to the history; False when the request has changed meanwhile."""
    request = get_request(connection, row.request_id)
    latest = history.last_event(connection, request.request_id, request.version)
    changes = {
        "promise": row.promise_code,
        "due": instants.iso(due_at, rules.hours.zone),
        "was": instants.iso(row.due_at, rules.hours.zone),
    }
    return add_remark(connection, request, "recalculate", ACTOR, max(now, latest.at), changes) is not None


def add_remark(
    connection: Connection,
    request: Request,
    action: history.Remark,
    actor: str,
    at: float,
    changes: dict[str, Any],
    *,
    level: int | None = None,
) -> Request | None:
    """Add an event that keeps the state of a request; return the request, None when it has changed meanwhile."""
    event = Event(
        seq=request.version + 1, at=at, actor=actor, action=action, from_state=request.state, to_state=request.state,
        from_level=request.level, to_level=level or request.level, changes=changes,
    )  # fmt: skip
    standing = history.apply(request.standing, event)
    table = schema.request
    unchanged = (table.c.request_id == request.request_id) & (table.c.version == request.version)
    if connection.execute(update(table).where(unchanged).values(**standing._asdict())).rowcount != 1:
        return None
    connection.execute(insert(schema.request_event), event.row(request.request_id))
    return request._replace(**standing._asdict())
