"""Queries on requests: lists, due dates, statistics. No identities, and no figures about one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import CompoundSelect, Connection, Select, and_, exists, func, literal, select, union_all

from charter.kpi import Figure, on_time
from charter.promises import Backlog, backlog
from registry.db import schema
from registry.requests import clocks
from registry.requests.clocks import Reminders
from registry.requests.request import UNCLASSIFIED, Request

T = TypeVar("T")

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
    unclassified: bool = False  # only answered calls that nobody has classified
    limit: int | None = None  # None: no limit


class Listing(NamedTuple, Generic[T]):
    """The first rows of a list, and how many more there are."""

    rows: list[T]
    more: int = 0


class ListedRequest(NamedTuple):
    """A request, and when the first of its running clocks ends; None when none runs."""

    request: Request
    due: float | None
    paused: bool


def list_requests(connection: Connection, filters: Filter) -> Listing[ListedRequest]:
    """Return requests, oldest first."""
    columns = {
        "level": filters.level,
        "topic_code": filters.topic,
        "channel": filters.channel,
        "owner_ref": filters.owner,
        "call_id": filters.call_id,
    }
    conditions = [table.c[name] == value for name, value in columns.items() if value is not None]
    if filters.states:
        conditions.append(table.c.state.in_(filters.states))
    elif not filters.everything and not filters.unclassified:
        conditions.append(table.c.state.in_([state for state in schema.STATES if state != "closed"]))
    if filters.unclassified:
        conditions.append(table.c.outcome == UNCLASSIFIED)
    # Subqueries for each listed row, not a join: the oldest hundred of a million requests are found at once.
    due = select(func.min(clock.c.due_at)).where(_running).scalar_subquery()
    paused = select(func.max(clock.c.paused_at)).where(_running).scalar_subquery()
    query = select(*table.c, due, paused).where(*conditions).order_by(table.c.opened_at, table.c.protocol)
    rows = connection.execute(query.limit(filters.limit)).all()
    listed = [ListedRequest(Request(*row[:-2]), row[-2], row[-1] is not None) for row in rows]
    return Listing(listed, _more(connection, len(rows), filters.limit, select(table.c.request_id).where(*conditions)))


def _more(connection: Connection, listed: int, limit: int | None, query: Select[Any]) -> int:
    """Return how many rows a query has beyond those listed. Counting is left out when nothing was cut off."""
    if limit is None or listed < limit:
        return 0
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()) - listed


def next_due(connection: Connection, request: Request) -> float | None:
    """Return when the first of a request's running clocks ends; None when none runs or all are paused."""
    running = (clock.c.request_id == request.request_id) & clock.c.stopped_at.is_(None) & clock.c.paused_at.is_(None)
    return min(connection.execute(select(clock.c.due_at).where(running)).scalars(), default=None)


class Due(NamedTuple):
    """A running promise on a request, or a reminder: then `due` is when the limit of service.yaml was reached."""

    request: Request
    promise: str  # its code; OPEN or WAITING for a reminder
    due: float


OPEN, WAITING = "OPEN", "WAITING"  # reminders: nobody finishes it; the citizen does not answer


def list_due(
    connection: Connection, until: float, limit: int | None = None, *, now: float, reminders: Reminders
) -> Listing[Due]:
    """Return the unanswered promises that fall due by then, and the reminders so far, the most urgent first.

    A request that waits for the citizen has no due date; it is listed when it has waited for too long. So is an open
    request that no promise runs for: an open request is never forgotten.
    """
    promises = (
        select(*table.c, clock.c.promise_code.label("promise"), clock.c.due_at.label("due_at"))
        .join(clock, _running)
        .where(clock.c.paused_at.is_(None), clock.c.due_at <= until)
    )
    query: CompoundSelect[Any] = union_all(promises, _reminders(WAITING, reminders.waiting, min(now, until)),
                      _reminders(OPEN, reminders.open, min(now, until)))  # fmt: skip
    every = query.subquery()
    ordered = select(every).order_by(every.c.due_at, every.c.protocol)
    rows = connection.execute(ordered.limit(limit)).all()
    return Listing(
        [Due(Request(*row[:-2]), row[-2], row[-1]) for row in rows], _more(connection, len(rows), limit, select(every))
    )


def _reminders(kind: str, seconds: float, until: float) -> Select[Any]:
    """Open requests without a running clock whose state or owner has not changed for so long, by `until`."""
    event = schema.request_event
    of_request = (event.c.request_id == table.c.request_id) & event.c.action.not_in(("classify", "recalculate"))
    since = select(func.max(event.c.at)).where(of_request).scalar_subquery()
    running = exists().where(clock.c.request_id == table.c.request_id, clock.c.stopped_at.is_(None),
                             clock.c.paused_at.is_(None))  # fmt: skip
    waiting = table.c.state == "waiting_contact"
    states = waiting if kind == WAITING else and_(table.c.state.not_in(("closed", "waiting_contact")), ~running)
    reached = since + seconds
    return select(*table.c, literal(kind).label("promise"), reached.label("due_at")).where(states, reached <= until)


class Stats(NamedTuple):
    """Counts of a period [start, until), and the situation at `now`."""

    open: dict[tuple[str, int], int]  # state and level, now
    opened: dict[tuple[str, str], int]  # channel and topic
    outcomes: dict[str, int]
    unclassified: int  # of the requests opened: answered calls whose topic is only what the caller chose in the menu
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
        sum(row[1] for row in _counts(connection, (table.c.outcome,), opened & (table.c.outcome == UNCLASSIFIED))),
        figures,
        backlog(clocks.read_overdue(connection, now), now),
    )


def _counts(connection: Connection, by: tuple[Any, ...], where: Any) -> list[Any]:
    query = select(*by, func.count()).select_from(table).where(where).group_by(*by).order_by(*by)
    return list(connection.execute(query))
