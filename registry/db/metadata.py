"""The shared metadata of all tables, and the columns and constraints that many tables have.

Types are plain, because the tables are the same on SQLite and on PostgreSQL. Times are epoch seconds UTC (`*_at`);
enumerations are words held by a CHECK; JSON is kept as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)


def key(name: str, refers_to: str | None = None) -> Column[str]:
    """A text column of the primary key, such as an id or a code."""
    return Column(name, Text, *_foreign_key(refers_to), primary_key=True)


def number_key(name: str) -> Column[int]:
    """An integer column of the primary key that the program numbers itself."""
    return Column(name, Integer, primary_key=True, autoincrement=False)


def string(name: str, refers_to: str | None = None, *, null: bool = False, default: str | None = None) -> Column[str]:
    """A text column."""
    server_default = None if default is None else text(f"'{default}'")
    return Column(name, Text, *_foreign_key(refers_to), nullable=null, server_default=server_default)


def integer(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    """An integer column."""
    return Column(name, Integer, nullable=null, server_default=None if default is None else text(str(default)))


def number(name: str, *, null: bool = False, default: int | None = None) -> Column[float]:
    """A column of floating-point numbers."""
    return Column(name, Double, nullable=null, server_default=None if default is None else text(str(default)))


def instant(name: str, *, null: bool = False) -> Column[float]:
    """A time, in epoch seconds UTC."""
    return Column(name, Double, nullable=null)


def one_of(name: str, choices: Sequence[str], *, null: bool = False) -> CheckConstraint:
    """Restrict a text column to an enumeration."""
    listed = ", ".join(f"'{choice}'" for choice in choices)
    condition = f"{name} IN ({listed})"
    return CheckConstraint(f"{name} IS NULL OR {condition}" if null else condition, name=name)


def partial_index(name: str, column: str, condition: str) -> Index:
    """An index of the rows that meet a condition."""
    return Index(name, column, sqlite_where=text(condition), postgresql_where=text(condition))


def numbered_rows(name: str, refers_to: str, number: str, *items: SchemaItem) -> Table:
    """A table of numbered rows that belong to one request, such as its events: each has a time."""
    return Table(name, metadata, key("request_id", refers_to), number_key(number), instant("at"), *items)


def evidence(name: str, number: str, *items: SchemaItem) -> Table:
    """A table of evidence, numbered by the database: each row has a time."""
    return Table(name, metadata, Column(number, Integer, primary_key=True), instant("at"), *items)


def _foreign_key(refers_to: str | None) -> tuple[ForeignKey, ...]:
    return () if refers_to is None else (ForeignKey(refers_to),)
