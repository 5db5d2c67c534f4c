"""Rows of the table `queue_visit`, built from the events of their calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from charter.calendar import OpeningHours
from ivr.switch_logs.queue_log import VISIT_VERBS, Event
from ivr.switch_logs.visits import Visit, find_visits
from measure.switch import tables
from registry.db.connection import Database
from registry.db.schema import queue_visit

MINUTES_REMEMBERED = 1 << 17


class VisitRows:
    """Writes visits with their call, topic and whether they fall in service hours."""

    def __init__(self, hours: OpeningHours) -> None:
        self._hours = hours
        self._open: dict[int, bool] = {}  # by minute: opening hours start and end on whole minutes

    def write(
        self, connection: Connection, calls: dict[str, list[Event]], restarts: Sequence[int], stored: Collection[str]
    ) -> None:
        """Write the visits of these calls; the existing visits of the calls in `stored` are deleted first."""
        if stored:
            tables.delete_visits(connection, stored)
        visits = [visit for events in calls.values() for visit in find_visits(events, restarts)]
        if not visits:
            return
        channels = {visit.call for visit in visits}
        links = tables.links(connection, channels)
        topics = tables.topics(connection, {links.get(channel, channel) for channel in channels})
        rows = [self._row(visit, links, topics) for visit in visits]
        tables.insert_new(connection, queue_visit, tables.VISIT, rows)

    def _row(self, visit: Visit, links: dict[str, str], topics: dict[str, str]) -> tuple[object, ...]:
        call = links.get(visit.call, visit.call)
        return (
            visit.call, visit.number, call, visit.queue, visit.entered, visit.left, visit.wait, visit.talk, visit.ring,
            visit.fate, topics.get(call, ""), self._in_service(visit.entered), visit.caller or None, visit.position,
        )  # fmt: skip

    def _in_service(self, at: int) -> int:
        minute = at // 60
        is_open = self._open.get(minute)
        if is_open is None:
            if len(self._open) > MINUTES_REMEMBERED:
                self._open.clear()
            is_open = self._open[minute] = self._hours.is_open(at)
        return int(is_open)


def stored_events(connection: Connection, calls: Collection[str]) -> dict[str, list[Event]]:
    """The stored events from which visits are built, by call; calls whose lines were erased are missing."""
    events: dict[str, list[Event]] = {}
    for line in tables.lines_of(connection, calls) if calls else ():
        event = line.event()
        if event is not None and event.verb in VISIT_VERBS:
            events.setdefault(event.call, []).append(event)
    return events


def count_by_fate(database: Database) -> dict[str, int]:
    """The number of visits of each fate."""
    fate = queue_visit.c.fate
    with database.read() as connection:
        counts = select(fate, func.count()).group_by(fate).order_by(fate)
        return {row[0]: row[1] for row in connection.execute(counts)}
