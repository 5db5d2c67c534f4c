"""What is told of a call after its visits were made: its topic by the facts, its LINKEDID by the CDR; and all anew."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from sqlalchemy import Connection, and_, bindparam, func, select, update

from charter.calendar import OpeningHours
from ivr.switch_logs.queue_log import OF_VISITS, Event
from measure.switch import tables
from measure.switch.ingest import VisitRows
from measure.switch.lines import Kept
from registry.db.connection import Database
from registry.db.schema import call_fact, call_link, queue_event, queue_visit

LATE = 31 * 86400.0  # s after which nothing more is expected of a call; `measure rebuild` joins whatever there is
CALLS = 20_000  # in one transaction of a rebuild

VISIT = queue_visit.c


def join_late(database: Database, now: float) -> int:
    """Give the visits of the last month what has been told since they were made; how many have changed."""
    with database.read() as connection:
        waiting = bool(_unlinked(connection, now) or _without_topic(connection, now))
    if not waiting:
        return 0  # no need to keep writers waiting
    with database.begin() as connection:
        return _link(connection, now) + _name_topics(connection, now)


def _unlinked(connection: Connection, now: float) -> list[tuple[str, str]]:
    """Channels whose visits do not name their call yet, and the call."""
    joined = and_(call_link.c.unique_id == VISIT.unique_id, call_link.c.call_id != VISIT.call_id)
    wanted = select(VISIT.unique_id, call_link.c.call_id).join(call_link, joined).where(VISIT.entered_at > now - LATE)
    return [(row[0], row[1]) for row in connection.execute(wanted)]


def _link(connection: Connection, now: float) -> int:
    """The call of each channel, and with it, next, the topic."""
    found = _unlinked(connection, now)
    if found:
        change = update(queue_visit).where(VISIT.unique_id == bindparam("channel")).values(call_id=bindparam("of"))
        connection.execute(change, [{"channel": row[0], "of": row[1]} for row in found])
    return len(found)


def _without_topic(connection: Connection, now: float) -> dict[str, str]:
    """Topics of calls whose visits have none."""
    told = and_(call_fact.c.call_id == VISIT.call_id, call_fact.c.kind == "handed_over")
    recent = and_(VISIT.entered_at > now - LATE, VISIT.topic_code == "")
    wanted = select(VISIT.call_id, call_fact.c.data).join(call_fact, told).where(recent).order_by(call_fact.c.at)
    named = {row[0]: tables.topic_of(row[1]) for row in connection.execute(wanted)}
    return {call: topic for call, topic in named.items() if topic}


def _name_topics(connection: Connection, now: float) -> int:
    found = _without_topic(connection, now)
    if found:
        blank = and_(VISIT.call_id == bindparam("of"), VISIT.topic_code == "")
        change = update(queue_visit).where(blank).values(topic_code=bindparam("topic"))
        connection.execute(change, [{"of": call, "topic": topic} for call, topic in found.items()])
    return len(found)


# --- all anew --------------------------------------------------------------------------------------------------------


def rebuild(database: Database, hours: OpeningHours, progress: Callable[[int, int], None] = lambda *_: None) -> int:
    """Make all visits again from the lines that are kept; of how many calls.

    So many calls are one transaction, that nobody else waits for long; whoever stops it in the middle loses nothing.
    Visits whose lines were erased stay as they are. `progress` is told the calls that are done, and all.
    """
    writer, done, after = VisitRows(hours), 0, ""
    with database.read() as connection:
        calls = connection.scalar(select(func.count(queue_event.c.call_id.distinct()))) or 0
    while True:
        with database.begin() as connection:
            tables.alone(connection)
            some = _next_calls(connection, after)
            if not some:
                return done
            starts = tables.restarts(connection)
            found = {call: events for call, events in _events(connection, after, some[-1]).items() if events}
            writer.write(connection, found, starts, found.keys())
        done, after = done + len(some), some[-1]
        progress(done, max(calls, done))


def _next_calls(connection: Connection, after: str) -> list[str]:
    place = queue_event.c.call_id
    return list(connection.scalars(select(place).where(place > after).distinct().order_by(place).limit(CALLS)))


def _events(connection: Connection, after: str, last: str) -> dict[str, list[Event]]:
    place = queue_event.c.call_id
    wanted = select(queue_event).where(place > after, place <= last).order_by(place)
    found: dict[str, list[Event]] = {}
    for call, rows in groupby(connection.execute(wanted), key=lambda row: row[0]):
        events = (Kept(*row).event() for row in rows)
        found[call] = [event for event in events if event is not None and event.verb in OF_VISITS]
    return found


def by_fate(database: Database) -> dict[str, int]:
    """How many visits there are, by fate."""
    with database.read() as connection:
        counted = select(VISIT.fate, func.count()).group_by(VISIT.fate).order_by(VISIT.fate)
        return {row[0]: row[1] for row in connection.execute(counted)}
