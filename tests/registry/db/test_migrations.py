"""The migrations make the declared tables, on both databases, and recognize older and newer ones."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from registry.db import migrations, schema
from registry.db.connection import Database, DatabaseError
from registry.db.migrations import __main__ as generator
from tests.registry import postgres

REMEDY = "the declared tables have changed: generate the revision again with `python -m registry.db.migrations`"


def test_the_first_revision_is_generated_from_the_tables() -> None:
    assert Path(generator.FIRST).read_text(encoding="utf-8") == generator.generate(), REMEDY


def test_the_migrations_make_the_declared_tables(database: Database) -> None:
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), migrations.all_tables()) == [], REMEDY


def test_on_sqlite_every_condition_and_index_is_the_same(sqlite: Database) -> None:
    """Alembic does not compare conditions; the statements that SQLite stores contain them."""
    other = Database("sqlite://")
    with sqlite.begin() as connection:
        migrated = statements(connection)
    with other.begin() as connection:
        migrations.all_tables().create_all(connection)
        created = statements(connection)
    other.close()
    assert {name: migrated.get(name) for name in created} == created
    assert migrated.keys() - created.keys() == {"alembic_version"}


def statements(connection: Connection) -> dict[str, list[str]]:
    """Return the stored statement of each table and index, as a set of clauses."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'")
    return {name: sorted(line.strip(" ,)") for line in sql.split("\n")) for name, sql in rows}


def test_on_postgresql_every_condition_and_index_is_the_same() -> None:
    """In separate databases: PostgreSQL rewrites conditions when it restores a dump."""
    question = text(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0"
        " AND connamespace = 'public'::regnamespace"
        " UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    one, other = postgres.database("migrated"), postgres.database("created")
    with one.begin() as connection:
        migrations.upgrade(connection)
        migrated = {row[0]: row[1] for row in connection.execute(question) if "alembic_version" not in row[0]}
    with other.begin() as connection:
        migrations.all_tables().create_all(connection)
        created = {row[0]: row[1] for row in connection.execute(question)}
    one.close()
    other.close()
    assert migrated == created
    assert len(created) > 100


REQUEST = {
    "request_id": "r1", "protocol": "NUL-2026-000001-0", "channel": "phone", "topic_code": "ADR", "audience": "other",
    "level": 1, "state": "new", "opened_at": 1.0,
}  # fmt: skip
ROWS: dict[str, dict[str, Any]] = {
    "request_event": {
        "request_id": "r1", "seq": 1, "at": 1.0, "actor_ref": "ivr", "action": "open", "to_state": "new", "to_level": 1,
    },
    "purge": {"at": 1.0, "what": "audio", "before_at": 1.0, "things": 1, "actor_ref": "clock"},
}  # fmt: skip


@pytest.mark.parametrize("table", schema.APPEND_ONLY, ids=lambda table: str(table.name))
def test_an_append_only_table_refuses_changes_and_deletions(database: Database, table: Table) -> None:
    with database.begin() as connection:
        connection.execute(insert(schema.topic), {"topic_code": "ADR", "label_it": "ADR", "label_en": "ADR"})
        connection.execute(insert(schema.request), REQUEST)
        connection.execute(insert(table), ROWS[table.name])
    for change in (update(table).values(at=2.0), delete(table)):
        with pytest.raises(IntegrityError, match=f"{table.name} only grows"), database.begin() as connection:
            connection.execute(change)
    with database.read() as connection:
        assert connection.execute(select(table.c.at)).scalars().all() == [1.0]


def test_an_append_only_table_refuses_to_replace_a_row(tmp_path: Path) -> None:
    """INSERT OR REPLACE deletes first, and SQLite runs triggers for that only with recursive_triggers."""
    with closing(Database(f"sqlite:///{tmp_path}/registry.db")) as database:
        with database.begin() as connection:
            migrations.upgrade(connection)
            connection.execute(insert(schema.topic), {"topic_code": "ADR", "label_it": "ADR", "label_en": "ADR"})
            connection.execute(insert(schema.request), REQUEST)
            connection.execute(insert(schema.request_event), ROWS["request_event"])
        changed = insert(schema.request_event).prefix_with("OR REPLACE").values({**ROWS["request_event"], "at": 2.0})
        with pytest.raises(IntegrityError, match="request_event only grows"), database.begin() as connection:
            connection.execute(changed)


@pytest.mark.parametrize("n", [1, 2, -3, "'abc'", "'5 or so'"])
def test_the_database_refuses_a_published_count_below_the_threshold(database: Database, n: object) -> None:
    row = f"INSERT INTO published_cell VALUES ('month', '2026-10', 'ADR', 'calls', {n}, NULL)"  # noqa: S608
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text(row))
    with database.begin() as connection:
        connection.execute(text(row.replace(str(n), "3")))
        connection.execute(text("DELETE FROM published_cell"))


def test_the_access_log_cannot_be_changed_only_deleted(database: Database) -> None:
    table = schema.access_log
    row = {"at": 1.0, "actor_ref": "op117", "action": "read", "object_kind": "contact", "object_id": "c", "why": "x"}
    with database.begin() as connection:
        connection.execute(insert(table), row)
    with pytest.raises(IntegrityError, match="access_log is never changed"), database.begin() as connection:
        connection.execute(update(table).values(actor_ref="op118"))
    with database.begin() as connection:
        assert connection.execute(select(table.c.actor_ref)).scalars().all() == ["op117"]
        assert connection.execute(delete(table)).rowcount == 1


def test_there_is_no_downgrade(database: Database) -> None:
    with pytest.raises(NotImplementedError, match="restore a backup"), database.begin() as connection:
        command.downgrade(migrations.config(connection), "base")
    migrations.check_revision(database)


def test_a_current_registry_passes_the_check(database: Database) -> None:
    migrations.check_revision(database)
    with database.read() as connection:
        assert migrations.revision(connection) == migrations.revisions()[-1]


@pytest.mark.parametrize(("found", "remedy"), [("0000", "newer"), ("9999", "newer")])
def test_newer_tables_are_refused(database: Database, found: str, remedy: str) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": found})
    try:
        with pytest.raises(DatabaseError, match=remedy):
            migrations.check_revision(database)
    finally:
        with database.begin() as connection:
            newest = {"found": migrations.revisions()[-1]}
            connection.execute(text("UPDATE alembic_version SET version_num = :found"), newest)


def test_the_error_for_older_tables_names_migrate(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [*migrations.revisions(), "9998"]
    monkeypatch.setattr(migrations, "revisions", lambda: known)
    with pytest.raises(DatabaseError, match="older than this program; run `registry migrate`"):
        migrations.check_revision(database)


def test_the_error_without_a_registry_names_init(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(DatabaseError, match=r"empty\.db: no such file; create the registry with `registry init`"):
        migrations.check_revision(empty)
    assert not (tmp_path / "empty.db").exists()
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatabaseError, match=r"empty\.db: holds no registry; create one with `registry init`"):
        migrations.check_revision(empty)
    empty.close()


def test_every_revision_has_a_file_of_its_name() -> None:
    folder = os.path.join(migrations.FOLDER, "versions")
    names = [name for name in os.listdir(folder) if name.endswith(".py") and name != "__init__.py"]
    assert len(names) == len(migrations.revisions())
    for name in names:
        code = Path(folder, name).read_text(encoding="utf-8")
        assert f'\nrevision = "{name[:4]}"\n' in code
