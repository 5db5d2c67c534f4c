"""What keeps a table append-only: the database itself, whoever writes and by whatever program."""

from __future__ import annotations

FUNCTION = """CREATE FUNCTION nul_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"""


def statements(dialect: str, tables: tuple[str, ...]) -> list[str]:
    """The statements that make these tables append-only on `sqlite` or `postgresql`."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            for table in tables
            for verb in ("UPDATE", "DELETE")
        ]
    return [FUNCTION] + [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION nul_append_only()"
        for table in tables
    ]
