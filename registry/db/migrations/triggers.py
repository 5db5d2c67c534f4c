"""Triggers that make a table append-only, or its rows unchangeable, for every user and every program."""

from __future__ import annotations

from collections.abc import Sequence

FUNCTION = """CREATE FUNCTION nul_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"""
NEVER = """CREATE FUNCTION nul_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"""


def statements(dialect: str, growing: Sequence[str], unchanging: Sequence[str]) -> list[str]:
    """Return the statements, for `sqlite` or `postgresql`: `growing` tables only grow, rows of others never change."""
    if dialect == "sqlite":
        return [
            *(_sqlite(table, verb, "only grows") for table in growing for verb in ("UPDATE", "DELETE")),
            *(_sqlite(table, "UPDATE", "is never changed") for table in unchanging),
        ]
    return [
        FUNCTION,
        *(_postgresql(table, "append_only", "UPDATE OR DELETE OR TRUNCATE") for table in growing),
        NEVER,
        *(_postgresql(table, "never_changed", "UPDATE") for table in unchanging),
    ]


def _sqlite(table: str, verb: str, message: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} {message}'); END"
    )


def _postgresql(table: str, name: str, verbs: str) -> str:
    return f"CREATE TRIGGER {table}_{name} BEFORE {verbs} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION nul_{name}()"
