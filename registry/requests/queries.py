"""Queries on requests: lists, due dates, statistics. No identities, and no figures about one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from charter.kpi import Figure, on_time
from charter.promises import Backlog, backlog
from registry.db import schema
from registry.requests import clocks
from registry.requests.request import Request

table, clock = schema.request, schema.sla_clock
FIGURES = {"EMAIL": "on_time_email", "SECOND_LEVEL": "on_time_second_level", "CALLBACK": "on_time_callback"}
_running = (clock.c.request_id == table.c.request_id) & clock.c.stopped_at.is_(None)


class Filter(NamedTuple):
    """Which requests to list. None: any."""

    states: Sequence[str] = ()  # empty: all open ones
    everything: bool = False  # closed ones as well
    level: int | None = None
    topic: str | None = None
    channel: str | None = None
    owner: str | None = None
    call_id: str | None = None
    limit: int = 100


class ListedRequest(NamedTuple):
    """A request, and when the first of its running clocks ends; None when none runs."""

    request: Request
    due: float | None
    paused: bool


def list_requests(connection: Connection, filters: Filter) -> list[ListedRequest]:
    """Return requests, oldest first."""
    columns = {
        "level": filters.level,
        "topic_code": filters.topic,
        "channel": filters.channel,
        "owner_ref": filters.owner,
        "call_id": filters.call_id,
    }
    # Subqueries for each listed row, not a join: the oldest hundred of a million requests are found at once.
    due = select(func.min(clock.c.due_at)).where(_running).scalar_subquery()
    paused = select(func.max(clock.c.paused_at)).where(_running).scalar_subquery()
    query = select(*table.c, due, paused).order_by(table.c.opened_at, table.c.protocol).limit(filters.limit)
    if filters.states:
        query = query.where(table.c.state.in_(filters.states))
    elif not filters.everything:
        query = query.where(table.c.state.in_([state for state in schema.STATES if state != "closed"]))
    for name, value in columns.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    return [ListedRequest(Request(*row[:-2]), row[-2], row[-1] is not None) for row in connection.execute(query)]


def next_due(connection: Connection, request: Request) -> float | None:
    """Return when the first of a request's running clocks ends; None when none runs or all are paused."""
    running = (clock.c.request_id == request.request_id) & clock.c.stopped_at.is_(None) & clock.c.paused_at.is_(None)
    return min(connection.execute(select(clock.c.due_at).where(running)).scalars(), default=None)


class Due(NamedTuple):
    """A running promise on a request."""

    request: Request
    promise: str
    due: float


def list_due(connection: Connection, until: float, limit: int) -> list[Due]:
    """Return the unanswered promises that fall due by then, the most urgent first.

    A request that waits for the citizen has no due date yet.
    """
    query = (
        select(*table.c, clock.c.promise_code, clock.c.due_at)
        .join(clock, _running)
        .where(clock.c.paused_at.is_(None), clock.c.due_at <= until)
        .order_by(clock.c.due_at, table.c.protocol)
        .limit(limit)
    )
    return [Due(Request(*row[:-2]), row[-2], row[-1]) for row in connection.execute(query)]


class Stats(NamedTuple):
    """Counts of a period [start, until), and the situation at `now`."""

    open: dict[tuple[str, int], int]  # state and level, now
    opened: dict[tuple[str, str], int]  # channel and topic
    outcomes: dict[str, int]
    on_time: list[Figure]
    late: Backlog


def read_stats(connection: Connection, start: float, until: float, now: float) -> Stats:
    """Count all requests by state and topic, never by person."""
    opened = (table.c.opened_at >= start) & (table.c.opened_at < until)
    closed = (table.c.closed_at >= start) & (table.c.closed_at < until)
    open_now = _counts(connection, (table.c.state, table.c.level), table.c.state != "closed")
    opened_in_period = _counts(connection, (table.c.channel, table.c.topic_code), opened)
    end = min(until, now)  # what is due later than now has not failed
    figures = [
        on_time(name, clocks.read_due(connection, code, start, end), start, end) for code, name in FIGURES.items()
    ]
    return Stats(
        {(row[0], row[1]): row[2] for row in open_now},
        {(row[0], row[1]): row[2] for row in opened_in_period},
        {row[0]: row[1] for row in _counts(connection, (table.c.outcome,), closed)},
        figures,
        backlog(clocks.read_overdue(connection, now), now),
    )


def _counts(connection: Connection, by: tuple[Any, ...], where: Any) -> list[Any]:
    query = select(*by, func.count()).select_from(table).where(where).group_by(*by).order_by(*by)
    return list(connection.execute(query))
