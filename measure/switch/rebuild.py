"""Building all visits again from the stored lines, for example after opening hours were corrected."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from sqlalchemy import Connection, func, select

from ivr.switch_logs.queue_log import VISIT_VERBS, Event
from measure.switch import tables
from measure.switch.queue_log_lines import StoredLine
from measure.switch.service_queue import ServiceQueue
from measure.switch.visit_rows import VisitRows
from registry.db.connection import Database
from registry.db.schema import queue_event

CALLS = 20_000  # in one transaction


def rebuild_visits(
    database: Database, queue: ServiceQueue, now: float, progress: Callable[[int, int], None] = lambda *_: None
) -> int:  # fmt: skip
    """Build all visits again from the stored lines; returns the number of calls.

    Each transaction is short, so that other writers do not wait for long, and an interrupted run loses nothing.
    Visits whose lines were erased are left unchanged. `progress` is called with the calls done and the total.
    """
    writer, done, after = VisitRows(queue), 0, ""
    with database.read() as connection:
        total = connection.scalar(select(func.count(queue_event.c.call_id.distinct()))) or 0
    while True:
        with database.begin() as connection:
            tables.lock_ingestion(connection)
            calls = _next_calls(connection, after)
            if not calls:
                tables.close_without_lines(connection, queue.over_before(now))
                return done
            starts = tables.restarts(connection)
            events = {call: some for call, some in _events(connection, after, calls[-1]).items() if some}
            writer.write(connection, events, starts, events.keys(), now)
        done, after = done + len(calls), calls[-1]
        progress(done, max(total, done))


def _next_calls(connection: Connection, after: str) -> list[str]:
    call = queue_event.c.call_id
    return list(connection.scalars(select(call).where(call > after).distinct().order_by(call).limit(CALLS)))


def _events(connection: Connection, after: str, last: str) -> dict[str, list[Event]]:
    call_id = queue_event.c.call_id
    query = select(queue_event).where(call_id > after, call_id <= last).order_by(call_id)
    by_call: dict[str, list[Event]] = {}
    for call, rows in groupby(connection.execute(query), key=lambda row: row[0]):
        events = (StoredLine(*row).event() for row in rows)
        by_call[call] = [event for event in events if event is not None and event.verb in VISIT_VERBS]
    return by_call
