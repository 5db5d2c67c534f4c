"""The history of a request, and the standing that follows from it: a pure function from events to a standing.

An event carries every change that it makes, so the standing of a request can be rebuilt from its history alone, years
later, whatever the transition table says by then. `registry.requests.actions` writes rows with this same function.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, select

from registry.db import schema
from registry.requests.transitions import Action, State

# With these outcomes the citizen was answered; with any other, nobody could be answered.
ANSWERING = ("resolved", "informed", "referred", "out_of_scope", "unclassified")

Remark = Literal["classify", "recalculate"]  # events that keep the state


class Event(NamedTuple):
    """One row of a request's history. `changes` holds what else changed: owner, office, outcome, into, due, topic."""

    seq: int
    at: float
    actor: str
    action: Action | Remark
    from_state: State | None
    to_state: State
    from_level: int | None
    to_level: int
    changes: Mapping[str, Any] = {}

    def row(self, request_id: str) -> dict[str, Any]:
        """Return the row of `request_event`."""
        return {
            "request_id": request_id,
            "seq": self.seq,
            "at": self.at,
            "actor_ref": self.actor,
            "action": self.action,
            "from_state": self.from_state,
            "to_state": self.to_state,
            "from_level": self.from_level,
            "to_level": self.to_level,
            "detail": json.dumps(self.changes, sort_keys=True),
        }


class Standing(NamedTuple):
    """The columns of `request` that follow from its history."""

    state: State
    level: int
    opened_at: float
    owner_ref: str | None = None
    office_code: str | None = None
    answered_at: float | None = None
    closed_at: float | None = None
    outcome: str | None = None
    duplicate_of: str | None = None
    version: int = 1


def apply(standing: Standing | None, event: Event) -> Standing:
    """Return the standing after an event. Raises ValueError when the event does not fit the standing before it."""
    if standing is None:
        if event.action != "open" or event.seq != 1:
            raise ValueError(f"a history begins with open, not with {event.action}")
        standing = Standing(event.to_state, event.to_level, event.at)
    elif (event.from_state, event.from_level, event.seq) != (standing.state, standing.level, standing.version + 1):
        raise ValueError(f"event {event.seq} ({event.action}) does not follow {standing}")
    changes = event.changes
    if event.action in ("classify", "recalculate"):
        return _with_remark(standing, event)
    closed = event.to_state == "closed"
    answers = event.to_state == "answered" or (closed and changes["outcome"] in ANSWERING)
    return standing._replace(
        state=event.to_state,
        level=event.to_level,
        owner_ref=changes.get("owner", standing.owner_ref),
        office_code=changes.get("office", standing.office_code),
        answered_at=event.at if answers and standing.answered_at is None else standing.answered_at,
        closed_at=event.at if closed else None,
        outcome=changes["outcome"] if closed else None,
        duplicate_of=changes.get("into") if closed else None,
        version=event.seq,
    )


def _with_remark(standing: Standing, event: Event) -> Standing:
    """Return the standing after an event that keeps the state: another level or outcome, or none of them."""
    standing = standing._replace(level=event.to_level, version=event.seq)
    if "outcome" not in event.changes:
        return standing
    answered_at = standing.answered_at
    if event.changes["outcome"] in ANSWERING:
        answered_at = answered_at or standing.closed_at
    elif answered_at == standing.closed_at:  # closing it was the answer, and is not one any more
        answered_at = None
    return standing._replace(outcome=event.changes["outcome"], answered_at=answered_at)


def replay(events: Iterable[Event]) -> Standing:
    """Return the standing after a whole history. Raises ValueError for a gap or a missing beginning."""
    standing: Standing | None = None
    for event in events:
        standing = apply(standing, event)
    if standing is None:
        raise ValueError("a request without a history")
    return standing


def read_events(connection: Connection, request_id: str) -> list[Event]:
    """Read the history of a request, oldest first."""
    table = schema.request_event
    rows = connection.execute(select(table).where(table.c.request_id == request_id).order_by(table.c.seq))
    return [_event(row) for row in rows]


def last_event(connection: Connection, request_id: str, version: int) -> Event:
    """Read the event that made this version of a request."""
    table = schema.request_event
    this_one = (table.c.request_id == request_id) & (table.c.seq == version)
    return _event(connection.execute(select(table).where(this_one)).one())


def _event(row: Any) -> Event:
    return Event(
        row.seq, row.at, row.actor_ref, row.action, row.from_state, row.to_state, row.from_level, row.to_level,
        json.loads(row.detail),
    )  # fmt: skip
