"""Rows of the table `queue_visit`, built from the events of their calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, select

from ivr.switch_logs.queue_log import VISIT_VERBS, Event
from ivr.switch_logs.visits import Period, Visit, find_visits
from measure.switch import tables
from measure.switch.service_queue import ServiceQueue
from measure.switch.transfer_halves import join_halves
from registry.db.connection import Database
from registry.db.schema import queue_visit

MINUTES_REMEMBERED = 1 << 17


class VisitRows:
    """Writes visits with their call, topic and whether they fall in service hours."""

    def __init__(self, queue: ServiceQueue) -> None:
        self._queue = queue
        self._open: dict[int, bool] = {}  # by minute: opening hours start and end on whole minutes

    def write(
        self,
        connection: Connection,
        calls: dict[str, list[Event]],
        restarts: Sequence[int],
        stored: Collection[str],
        now: float,
    ) -> None:
        """Write the visits of these calls; the existing visits of the calls in `stored` are deleted first."""
        if stored:
            tables.delete_visits(connection, stored)
        period = self._queue.period(now)
        visits = [visit for events in calls.values() for visit in find_visits(events, restarts, period)]
        if not visits:
            return
        channels = {visit.call for visit in visits}
        links = tables.links(connection, channels)
        topics = tables.topics(connection, {links.get(channel, channel) for channel in channels})
        rows = [self._row(visit, links, topics) for visit in visits]
        tables.insert_new(connection, queue_visit, tables.VISIT, rows)
        self._join_halves(connection, visits, restarts, period)

    def _join_halves(
        self, connection: Connection, visits: list[Visit], restarts: Sequence[int], period: Period
    ) -> None:  # fmt: skip
        """Join visits that Asterisk logged under two channels, whichever half came first."""
        for visit in visits:
            if visit.entry_logged and visit.end_logged:
                continue
            calls = tables.entered_with(connection, visit)
            others = stored_events(connection, calls)
            for events in others.values():
                join_halves(connection, visit, find_visits(events, restarts, period))

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
            is_open = self._open[minute] = self._queue.hours.is_open(at)
        return int(is_open)


def stored_events(connection: Connection, calls: Collection[str]) -> dict[str, list[Event]]:
    """The stored events from which visits are built, by call; calls whose lines were erased are missing."""
    events: dict[str, list[Event]] = {}
    for line in tables.lines_of(connection, calls) if calls else ():
        event = line.event()
        if event is not None and event.verb in VISIT_VERBS:
            events.setdefault(event.call, []).append(event)
    return events


class StoredVisits(NamedTuple):
    """Numbers of stored visits."""

    fates: dict[str, int]  # of the service's queue
    unknown_waits: int  # of callers who queued
    unknown_talks: int  # of answered calls
    others: dict[str, int]  # by queue, of other services

    @property
    def total(self) -> int:
        return sum(self.fates.values())


def count_visits(database: Database, queue: str) -> StoredVisits:
    """The numbers of visits at `queue`, and at the other queues of the switch."""
    visit = queue_visit.c
    no_wait = and_(visit.wait_s.is_(None), visit.fate.not_in(("waiting", "joined")))
    no_talk = and_(visit.talk_s.is_(None), visit.fate == "answered")
    sums = [func.sum(case((condition, 1), else_=0)) for condition in (no_wait, no_talk)]
    query = select(visit.queue, visit.fate, func.count(), *sums).group_by(visit.queue, visit.fate)
    result = StoredVisits({}, 0, 0, {})
    with database.read() as connection:
        for name, fate, count, waits, talks in connection.execute(query.order_by(visit.queue, visit.fate)):
            if name == queue:
                result.fates[fate] = count
                result = result._replace(
                    unknown_waits=result.unknown_waits + waits, unknown_talks=result.unknown_talks + talks
                )
            else:
                result.others[name] = result.others.get(name, 0) + count
    return result
