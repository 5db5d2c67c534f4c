"""Queries and bulk writes for the queue's tables, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Table, Text, any_, bindparam, case, func, select, text

from ivr.switch_logs.visits import JOIN_SECONDS, Visit
from measure.switch.queue_log_lines import StoredLine
from measure.switch.rotated_files import Known
from measure.tables import call_link, queue_log_file, queue_restart
from registry.db.schema import call_fact, queue_event, queue_visit

LONGEST_STAY = 2 * 86400.0  # s: older visits are corrected by `measure rebuild` only
PARAMETERS = 1400  # in one statement: inserting many rows at once takes half the time; SQLite allows 32,766 since 3.32
INGESTION = 0x6E756C71  # PostgreSQL's advisory lock for writing visits, which depend on all lines of their call

EVENT = ("call_id", "at", "said", "caller_hash")
VISIT = (
    "unique_id", "visit_no", "call_id", "queue", "entered_at", "left_at", "wait_s", "talk_s", "ring_s", "fate",
    "topic_code", "in_service", "caller_hash", "position",
)  # fmt: skip


def lock_ingestion(connection: Connection) -> None:
    """Keep other ingestions from writing visits until this transaction ends. SQLite has a single writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": INGESTION})


def insert_new(connection: Connection, table: Table, names: Sequence[str], rows: list[tuple[Any, ...]]) -> int:
    """Insert the rows that do not exist yet; returns how many were inserted."""
    size = PARAMETERS // len(names)
    end = len(rows) - len(rows) % size
    groups = [tuple(chain.from_iterable(rows[start : start + size])) for start in range(0, end, size)]
    added = 0
    for count, parameters in ((size, groups), (1, rows[end:])):
        if parameters:
            # The driver's own SQL: SQLAlchemy takes twice as long for a row as SQLite itself.
            statement = _insertion(table.name, tuple(names), count, connection.dialect.name)
            added += connection.exec_driver_sql(statement, parameters).rowcount
    return added


@cache
def _insertion(table: str, names: tuple[str, ...], rows: int, dialect: str) -> str:
    mark = "?" if dialect == "sqlite" else "%s"
    row = f"({', '.join([mark] * len(names))})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - our own names


def among(connection: Connection, column: Column[str], values: Collection[str]) -> ColumnElement[bool]:
    """The condition that a column has one of these values, as a single parameter."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(bindparam(None, list(values), type_=ARRAY(Text)))


# --- lines -----------------------------------------------------------------------------------------------------------


def with_lines(connection: Connection, calls: Collection[str]) -> set[str]:
    """The calls among these that have stored lines."""
    call = queue_event.c.call_id
    return set(connection.scalars(select(call).where(among(connection, call, calls)).distinct()))


def lines_of(connection: Connection, calls: Collection[str]) -> Iterable[StoredLine]:
    """All stored lines of these calls."""
    query = select(queue_event).where(among(connection, queue_event.c.call_id, calls))
    return (StoredLine(*row) for row in connection.execute(query))


def restarts(connection: Connection) -> list[int]:
    return list(connection.scalars(select(queue_restart.c.at).order_by(queue_restart.c.at)))


def open_before(connection: Connection, at: float) -> set[str]:
    """The calls with a visit that began before `at` and has not ended."""
    visit = queue_visit.c
    still = text("fate IN ('waiting', 'talking')")  # exactly as in the index
    return set(connection.scalars(select(visit.unique_id).where(still, visit.entered_at < at)))


def close_without_lines(connection: Connection, before: float) -> None:
    """Close the open visits that began before this instant and whose lines were erased."""
    visit = queue_visit.c
    still = text("fate IN ('waiting', 'talking')")
    fate = case((visit.fate == "waiting", "unknown"), else_="answered")
    connection.execute(queue_visit.update().where(still, visit.entered_at < before).values(fate=fate))


def entered_with(connection: Connection, visit: Visit) -> set[str]:
    """The other calls that entered the same queue at the same time."""
    column = queue_visit.c
    same = column.entered_at.between(visit.entered - JOIN_SECONDS, visit.entered + JOIN_SECONDS)
    other = (column.queue == visit.queue) & (column.unique_id != visit.call)
    return set(connection.scalars(select(column.unique_id).where(same, other)))


def reclosable(connection: Connection, at: int) -> set[str]:
    """The calls with a visit that a start of the switch at `at` may have ended earlier than recorded."""
    visit = queue_visit.c
    unknown = visit.fate.in_(("lost", "abandoned", "answered")) & (visit.wait_s.is_(None) | visit.talk_s.is_(None))
    within = visit.entered_at.between(at - LONGEST_STAY, at) & (visit.left_at > at)
    return set(connection.scalars(select(visit.unique_id).where(unknown, within)))


# --- visits ----------------------------------------------------------------------------------------------------------


def links(connection: Connection, calls: Collection[str]) -> dict[str, str]:
    """LINKEDID by UNIQUEID, as far as the CDR has them."""
    link = call_link.c
    query = select(link.unique_id, link.call_id).where(among(connection, link.unique_id, calls))
    return {row[0]: row[1] for row in connection.execute(query)}


def topics(connection: Connection, calls: Collection[str]) -> dict[str, str]:
    """The topic of each call from its fact `handed_over`, if there is one."""
    fact = call_fact.c
    condition = among(connection, fact.call_id, calls) & (fact.kind == "handed_over")
    query = select(fact.call_id, fact.data).where(condition).order_by(fact.at)
    return {row[0]: topic_of(row[1]) for row in connection.execute(query)}


def topic_of(data: str) -> str:
    """The topic in the stored data of a fact `handed_over`; empty without one."""
    try:
        fields = json.loads(data)
    except ValueError:
        return ""
    topic = fields.get("topic") if isinstance(fields, dict) else None
    return topic if isinstance(topic, str) else ""


def delete_visits(connection: Connection, calls: Collection[str]) -> None:
    connection.execute(queue_visit.delete().where(among(connection, queue_visit.c.unique_id, calls)))


# --- files -----------------------------------------------------------------------------------------------------------


def files(connection: Connection) -> list[Known]:
    file = queue_log_file.c
    query = select(file.source_id, file.device, file.inode, file.head_hash, file.head_length, file.position)
    return [Known(*row) for row in connection.execute(query)]


def save_position(connection: Connection, known: Known | None, path: str, read_at: float, new: Known) -> Known:
    """Save the position reached in a file; returns `new` with its `source_id`. Two readers of one file share a row."""
    file, source_id = queue_log_file.c, known.source_id if known is not None else 0
    same = (file.device == new.device) & (file.inode == new.inode) & (file.head_hash == new.head_hash)
    existing = connection.scalar(select(file.source_id).where(same))
    if existing is not None and existing != source_id:
        connection.execute(queue_log_file.delete().where(file.source_id == source_id))
        source_id = existing
    values = {
        "path": path, "device": new.device, "inode": new.inode, "head_hash": new.head_hash,
        "head_length": new.head_length, "position": new.position, "read_at": read_at,
    }  # fmt: skip
    change = queue_log_file.update().where(file.source_id == source_id).values(values)
    if not source_id or not connection.execute(change).rowcount:
        inserted = connection.execute(queue_log_file.insert().values(values))
        assert inserted.inserted_primary_key is not None
        source_id = inserted.inserted_primary_key[0]
    return new._replace(source_id=source_id)
