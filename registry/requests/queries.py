"""What is open, what falls due, what there was: read from the rows, no identity, nobody's own figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from charter.kpi import Figure, on_time
from charter.promises import Backlog, backlog
from registry.db import schema
from registry.requests import clocks
from registry.requests.store import Request

request, clock = schema.request, schema.sla_clock
FIGURES = {"EMAIL": "on_time_email", "SECOND_LEVEL": "on_time_second_level", "CALLBACK": "on_time_callback"}
_running = (clock.c.request_id == request.c.request_id) & clock.c.stopped_at.is_(None)


class Wanted(NamedTuple):
    """Which requests to list. None: any."""

    states: Sequence[str] = ()  # none: all that are open
    everything: bool = False  # closed ones too
    level: int | None = None
    topic: str | None = None
    channel: str | None = None
    owner: str | None = None
    call_id: str | None = None
    limit: int = 100


class Listed(NamedTuple):
    """A request, and when the first of its running clocks is over; None when none runs."""

    request: Request
    due: float | None
    paused: bool


def listed(connection: Connection, wanted: Wanted) -> list[Listed]:
    """Requests, oldest first."""
    columns = {
        "level": wanted.level,
        "topic_code": wanted.topic,
        "channel": wanted.channel,
        "owner_ref": wanted.owner,
        "call_id": wanted.call_id,
    }
    # Asked for each row that is listed, not joined: the oldest hundred of a million requests are found at once.
    due = select(func.min(clock.c.due_at)).where(_running).scalar_subquery()
    paused = select(func.max(clock.c.paused_at)).where(_running).scalar_subquery()
    query = select(*request.c, due, paused).order_by(request.c.opened_at, request.c.protocol).limit(wanted.limit)
    if wanted.states:
        query = query.where(request.c.state.in_(wanted.states))
    elif not wanted.everything:
        query = query.where(request.c.state.in_([each for each in schema.STATES if each != "closed"]))
    for name, value in columns.items():
        if value is not None:
            query = query.where(request.c[name] == value)
    return [Listed(Request(*row[:-2]), row[-2], row[-1] is not None) for row in connection.execute(query)]


class Due(NamedTuple):
    """A promise on a request that runs."""

    request: Request
    promise: str
    due: float


def falling_due(connection: Connection, until: float, limit: int) -> list[Due]:
    """What is to be answered by then and is not, the most urgent first; what waits for the citizen has no date yet."""
    query = (
        select(*request.c, clock.c.promise_code, clock.c.due_at)
        .join(clock, _running)
        .where(clock.c.paused_at.is_(None), clock.c.due_at <= until)
        .order_by(clock.c.due_at, request.c.protocol)
        .limit(limit)
    )
    return [Due(Request(*row[:-2]), row[-2], row[-1]) for row in connection.execute(query)]


class Stats(NamedTuple):
    """Counts of a period [start, until), by what they are counted by, and how things stand at `now`."""

    open: dict[tuple[str, int], int]  # state and level, now
    opened: dict[tuple[str, str], int]  # channel and topic
    outcomes: dict[str, int]
    on_time: list[Figure]
    late: Backlog


def stats(connection: Connection, start: float, until: float, now: float) -> Stats:
    """Of all requests together: counts by state and topic, never by person."""
    opened = (request.c.opened_at >= start) & (request.c.opened_at < until)
    closed = (request.c.closed_at >= start) & (request.c.closed_at < until)
    standing = _counts(connection, (request.c.state, request.c.level), request.c.state != "closed")
    came = _counts(connection, (request.c.channel, request.c.topic_code), opened)
    over = min(until, now)  # what is due later than now has not failed
    figures = [
        on_time(name, clocks.deferred(connection, code, start, over), start, over) for code, name in FIGURES.items()
    ]
    return Stats(
        {(row[0], row[1]): row[2] for row in standing},
        {(row[0], row[1]): row[2] for row in came},
        {row[0]: row[1] for row in _counts(connection, (request.c.outcome,), closed)},
        figures,
        backlog(clocks.overdue(connection, now), now),
    )


def _counts(connection: Connection, by: tuple[Any, ...], where: Any) -> list[Any]:
    query = select(*by, func.count()).select_from(request).where(where).group_by(*by).order_by(*by)
    return list(connection.execute(query))
