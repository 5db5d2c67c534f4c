"""What is read and written in the tables of the queue, in few statements for many rows, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Table, Text, any_, bindparam, func, select, text

from measure.switch.lines import Kept
from measure.switch.rotated_files import Known
from registry.db.schema import call_fact, call_link, queue_event, queue_log_file, queue_restart, queue_visit

LONGEST_STAY = 2 * 86400.0  # s: what was told of a visit later than this is put right by a rebuild only
PARAMETERS = 1400  # of one statement: rows that come together take half the time; SQLite's limit is 32,766 since 3.32
INGESTION = 0x6E756C71  # PostgreSQL's lock of whoever writes visits: each is made from all the lines of its call

EVENT = ("call_id", "at", "said", "caller_hash")
VISIT = (
    "unique_id", "visit_no", "call_id", "queue", "entered_at", "left_at", "wait_s", "talk_s", "ring_s", "fate",
    "topic_code", "in_service", "caller_hash", "position",
)  # fmt: skip


def alone(connection: Connection) -> None:
    """Let no other ingestion make visits until this transaction ends. SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": INGESTION})


def insert_new(connection: Connection, table: Table, names: Sequence[str], rows: list[tuple[Any, ...]]) -> int:
    """Add the rows that are not there yet; how many those were."""
    some = PARAMETERS // len(names)
    whole = len(rows) - len(rows) % some
    together = [tuple(chain.from_iterable(rows[place : place + some])) for place in range(0, whole, some)]
    added = 0
    for count, each in ((some, together), (1, rows[whole:])):
        if each:
            # By the driver's own hand: SQLAlchemy takes twice as long for a row as SQLite itself.
            statement = _insertion(table.name, tuple(names), count, connection.dialect.name)
            added += connection.exec_driver_sql(statement, each).rowcount
    return added


@cache
def _insertion(table: str, names: tuple[str, ...], rows: int, dialect: str) -> str:
    mark = "?" if dialect == "sqlite" else "%s"
    row = f"({', '.join([mark] * len(names))})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - names of ours


def among(connection: Connection, place: Column[str], values: Collection[str]) -> ColumnElement[bool]:
    """That a column has one of many values: one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(json.dumps(list(values))).table_valued("value")
        return place.in_(select(each.c.value))
    return place == any_(bindparam(None, list(values), type_=ARRAY(Text)))


# --- lines -----------------------------------------------------------------------------------------------------------


def with_lines(connection: Connection, calls: Collection[str]) -> set[str]:
    """Those of the calls of which there are lines."""
    place = queue_event.c.call_id
    return set(connection.scalars(select(place).where(among(connection, place, calls)).distinct()))


def lines_of(connection: Connection, calls: Collection[str]) -> Iterable[Kept]:
    """All lines of these calls."""
    found = select(queue_event).where(among(connection, queue_event.c.call_id, calls))
    return (Kept(*row) for row in connection.execute(found))


def restarts(connection: Connection) -> list[int]:
    return list(connection.scalars(select(queue_restart.c.at).order_by(queue_restart.c.at)))


def open_before(connection: Connection, at: int) -> set[str]:
    """The calls whose visits had not ended, of those that entered before `at`."""
    place = queue_visit.c
    still = text("fate IN ('waiting', 'talking')")  # as the index has it, word by word
    return set(connection.scalars(select(place.unique_id).where(still, place.entered_at < at)))


def reclosable(connection: Connection, at: int) -> set[str]:
    """The calls with visits that a start of the switch at `at` may have ended earlier than it was thought."""
    place = queue_visit.c
    unknown = place.fate.in_(("lost", "abandoned", "answered")) & (place.wait_s.is_(None) | place.talk_s.is_(None))
    within = place.entered_at.between(at - LONGEST_STAY, at) & (place.left_at > at)
    return set(connection.scalars(select(place.unique_id).where(unknown, within)))


# --- visits ----------------------------------------------------------------------------------------------------------


def links(connection: Connection, calls: Collection[str]) -> dict[str, str]:
    """LINKEDID by UNIQUEID, where the CDR has told."""
    place = call_link.c
    found = select(place.unique_id, place.call_id).where(among(connection, place.unique_id, calls))
    return {row[0]: row[1] for row in connection.execute(found)}


def topics(connection: Connection, calls: Collection[str]) -> dict[str, str]:
    """The topic with which each call was handed over to the queue, where a fact has told."""
    place = call_fact.c
    wanted = among(connection, place.call_id, calls) & (place.kind == "handed_over")
    found = select(place.call_id, place.data).where(wanted).order_by(place.at)
    return {row[0]: topic_of(row[1]) for row in connection.execute(found)}


def topic_of(data: str) -> str:
    """The topic of a fact `handed_over`, as it is kept."""
    try:
        words = json.loads(data)
    except ValueError:
        return ""
    topic = words.get("topic") if isinstance(words, dict) else None
    return topic if isinstance(topic, str) else ""


def forget_visits(connection: Connection, calls: Collection[str]) -> None:
    connection.execute(queue_visit.delete().where(among(connection, queue_visit.c.unique_id, calls)))


# --- files -----------------------------------------------------------------------------------------------------------


def files(connection: Connection) -> list[Known]:
    place = queue_log_file.c
    found = select(place.source_id, place.device, place.inode, place.head_hash, place.head_length, place.position)
    return [Known(*row) for row in connection.execute(found)]


def keep_position(connection: Connection, known: Known | None, path: str, read_at: float, new: Known) -> Known:
    """Write down how far a file has been read; it with its number. Of two readers at one place one row is left."""
    place, mine = queue_log_file.c, known.source_id if known is not None else 0
    same = (place.device == new.device) & (place.inode == new.inode) & (place.head_hash == new.head_hash)
    found = connection.scalar(select(place.source_id).where(same))
    if found is not None and found != mine:
        connection.execute(queue_log_file.delete().where(place.source_id == mine))
        mine = found
    values = {
        "path": path, "device": new.device, "inode": new.inode, "head_hash": new.head_hash,
        "head_length": new.head_length, "position": new.position, "read_at": read_at,
    }  # fmt: skip
    change = queue_log_file.update().where(place.source_id == mine).values(values)
    if not mine or not connection.execute(change).rowcount:
        made = connection.execute(queue_log_file.insert().values(values))
        assert made.inserted_primary_key is not None
        mine = made.inserted_primary_key[0]
    return new._replace(source_id=mine)
