"""Details of a call that arrive after its visits were built: its topic from the facts, its LINKEDID from the CDR."""

from __future__ import annotations

from sqlalchemy import Connection, and_, bindparam, select, update

from measure.switch import tables
from measure.tables import call_link
from registry.db.connection import Database
from registry.db.schema import call_fact, queue_visit

LATE = 31 * 86400.0  # s after which no details of a call are expected; `measure rebuild` adds older ones

VISIT = queue_visit.c


def add_late_details(database: Database, now: float) -> int:
    """Add the details that have arrived to the visits of the last month; returns the number of calls changed."""
    with database.read() as connection:
        pending = bool(_new_links(connection, now) or _new_topics(connection, now))
    if not pending:
        return 0  # without taking the write lock
    with database.begin() as connection:
        return _add_links(connection, now) + _add_topics(connection, now)


def _new_links(connection: Connection, now: float) -> list[tuple[str, str]]:
    """Channels whose visits do not have their call yet, each with that call."""
    joined = and_(call_link.c.unique_id == VISIT.unique_id, call_link.c.call_id != VISIT.call_id)
    query = select(VISIT.unique_id, call_link.c.call_id).join(call_link, joined).where(VISIT.entered_at > now - LATE)
    return [(row[0], row[1]) for row in connection.execute(query)]


def _add_links(connection: Connection, now: float) -> int:
    """Before the topics, which are found by the call."""
    links = _new_links(connection, now)
    if links:
        change = update(queue_visit).where(VISIT.unique_id == bindparam("channel")).values(call_id=bindparam("call"))
        connection.execute(change, [{"channel": channel, "call": call} for channel, call in links])
    return len(links)


def _new_topics(connection: Connection, now: float) -> dict[str, str]:
    """Topics of calls whose visits have none."""
    handed_over = and_(call_fact.c.call_id == VISIT.call_id, call_fact.c.kind == "handed_over")
    recent = and_(VISIT.entered_at > now - LATE, VISIT.topic_code == "")
    query = select(VISIT.call_id, call_fact.c.data).join(call_fact, handed_over).where(recent).order_by(call_fact.c.at)
    topics = {row[0]: tables.topic_of(row[1]) for row in connection.execute(query)}
    return {call: topic for call, topic in topics.items() if topic}


def _add_topics(connection: Connection, now: float) -> int:
    topics = _new_topics(connection, now)
    if topics:
        blank = and_(VISIT.call_id == bindparam("call"), VISIT.topic_code == "")
        change = update(queue_visit).where(blank).values(topic_code=bindparam("topic"))
        connection.execute(change, [{"call": call, "topic": topic} for call, topic in topics.items()])
    return len(topics)
