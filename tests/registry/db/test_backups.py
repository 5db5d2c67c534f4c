"""Backup and restore: completely or not at all, while others write, on both databases."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import stat
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from registry.db import backups, schema
from registry.db.connection import Database, DatabaseError
from tests.registry import postgres

NOW = 1795773600.0


def write(database: Database, count: int, start: int = 0) -> None:
    fact = {"call_id": "c", "at": 1.0, "kind": "ended", "data": "{}"}
    with database.begin() as connection:
        connection.execute(insert(schema.call_fact), [{"fact_id": f"{start + n:08d}", **fact} for n in range(count)])


def facts(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(schema.call_fact)).scalar_one()


@pytest.fixture
def programs() -> str:
    return postgres.running().programs


def test_a_backup_is_restored(database: Database, tmp_path: Path, programs: str) -> None:
    write(database, 10)
    copy = str(tmp_path / "copy")
    backups.backup(database, copy, programs)
    write(database, 5, 100)
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600
    database.close()
    aside = backups.restore(database, copy, NOW, programs)
    assert facts(database) == 10
    if database.sqlite:
        replaced = Database(f"sqlite:///{aside}")
        assert facts(replaced) == 15
        replaced.close()
    with pytest.raises(Exception, match="only grows"), database.begin() as connection:
        row = {"at": 1.0, "what": "x", "before_at": 1.0, "things": 1, "actor_ref": "clock"}
        connection.execute(insert(schema.purge), row)
        connection.execute(text("DELETE FROM purge"))


def test_a_backup_is_never_overwritten(database: Database, tmp_path: Path, programs: str) -> None:
    copy = tmp_path / "copy"
    copy.write_text("mine")
    with pytest.raises(DatabaseError, match="exists already; name a new file"):
        backups.backup(database, str(copy), programs)
    assert copy.read_text() == "mine"


def test_the_error_names_a_missing_folder(database: Database, tmp_path: Path, programs: str) -> None:
    with pytest.raises(DatabaseError, match="No such file or directory; check the path"):
        backups.backup(database, str(tmp_path / "no" / "copy"), programs)


def test_a_file_that_is_not_a_backup_is_not_restored(database: Database, tmp_path: Path, programs: str) -> None:
    write(database, 3)
    database.close()
    (tmp_path / "text").write_text("a text, not a database")
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE x (y)").connection.close()
    for name in ("text", "other", "nothing"):
        with pytest.raises(DatabaseError):
            backups.restore(database, str(tmp_path / name), NOW, programs)
        assert facts(database) == 3
        database.close()


def test_a_truncated_backup_is_not_restored(database: Database, tmp_path: Path, programs: str) -> None:
    write(database, 2000)
    copy = tmp_path / "copy"
    backups.backup(database, str(copy), programs)
    content = copy.read_bytes()
    write(database, 1, 5000)
    database.close()
    for end in (len(content) // 3, len(content) - len(content) // 10):
        copy.write_bytes(content[:end])
        with pytest.raises(DatabaseError):
            backups.restore(database, str(copy), NOW, programs)
        assert facts(database) == 2001
        database.close()


def test_no_command_line_contains_the_password(postgresql: Database, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore"):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "$@" >> "{seen}"\n')
        script.chmod(0o755)
    backups.backup(postgresql, str(tmp_path / "copy"), str(tmp_path))
    said = seen.read_text()
    assert "--dbname=postgresql://nul@127.0.0.1" in said
    assert str(postgresql.url.password) not in said


def test_the_error_without_pg_dump_says_what_to_install(postgresql: Database, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="pg_dump: not found; install PostgreSQL's client programs"):
        backups.backup(postgresql, str(tmp_path / "copy"), str(tmp_path))


# --- SQLite only ------------------------------------------------------------------------------------------------------


def test_others_can_write_during_a_backup(sqlite: Database, tmp_path: Path) -> None:
    write(sqlite, 10)
    with sqlite.begin() as connection:
        row = {"fact_id": "half", "call_id": "c", "at": 1.0, "kind": "ended", "data": "{}"}
        connection.execute(insert(schema.call_fact), row)
        backups.backup(sqlite, str(tmp_path / "copy"))
    copy = Database(f"sqlite:///{tmp_path}/copy")
    assert (facts(copy), facts(sqlite)) == (10, 11)
    copy.close()


def test_a_database_in_use_is_not_replaced(sqlite: Database, tmp_path: Path) -> None:
    backups.backup(sqlite, str(tmp_path / "copy"))
    write(sqlite, 4)
    with sqlite.read() as connection:
        connection.execute(select(schema.call_fact)).all()
        with pytest.raises(DatabaseError, match="in use; stop the programs that have it open"):
            backups.restore(Database(sqlite.url.render_as_string()), str(tmp_path / "copy"), NOW)
    assert facts(sqlite) == 4


def test_a_damaged_database_is_reported_and_can_be_replaced(sqlite: Database, tmp_path: Path) -> None:
    write(sqlite, 3000)
    copy = str(tmp_path / "copy")
    backups.backup(sqlite, copy)
    sqlite.close()
    with open(sqlite.file, "r+b") as file:
        file.seek(8192)
        file.write(os.urandom(os.path.getsize(sqlite.file) - 12000))
    with pytest.raises(DatabaseError, match=r"damaged|malformed"):
        facts(sqlite)
    with pytest.raises(DatabaseError, match=r"damaged|malformed"):
        backups.backup(sqlite, str(tmp_path / "second"))
    assert not (tmp_path / "second").exists()
    sqlite.close()
    backups.restore(sqlite, copy, NOW)
    assert facts(sqlite) == 3000


def test_a_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(os.urandom(9000))
    database = Database(f"sqlite:///{tmp_path}/registry.db")
    with pytest.raises(DatabaseError, match=r"damaged .*keep this file aside and `registry restore` a backup"):
        facts(database)
    database.close()


def test_a_killed_backup_leaves_no_file_and_can_be_repeated(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(sqlite, 500)
    sqlite.close()
    copy = tmp_path / "copy"
    for step in ("_check", "sync_path"):
        pid = os.fork()
        if pid == 0:
            monkeypatch.setattr(backups, step, lambda *words: os.kill(os.getpid(), signal.SIGKILL))
            backups.backup(sqlite, str(copy))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        assert not copy.exists()
        assert (tmp_path / "copy.part").exists()
    backups.backup(sqlite, str(copy))
    assert sorted(name for name in os.listdir(tmp_path) if name.startswith("copy")) == ["copy"]


def test_a_killed_restore_leaves_the_old_or_the_new_database(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(sqlite, 5)
    copy = str(tmp_path / "copy")
    backups.backup(sqlite, copy)
    write(sqlite, 2, 100)
    sqlite.close()
    found = []
    for name in ("link", "replace", "rename"):
        pid = os.fork()
        if pid == 0:
            monkeypatch.setattr(os, name, lambda *words: os.kill(os.getpid(), signal.SIGKILL))
            backups.restore(sqlite, copy, NOW + len(found))
            os._exit(0)
        os.waitpid(pid, 0)
        found.append(facts(sqlite))
        sqlite.close()
    assert set(found) <= {5, 7}
    backups.restore(sqlite, copy, time.time())
    assert facts(sqlite) == 5


def test_a_full_disk_leaves_no_backup(sqlite: Database, tmp_path: Path) -> None:
    write(sqlite, 2000)
    sqlite.close()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            backups.backup(sqlite, str(tmp_path / "copy"))
        except DatabaseError as problem:
            os._exit(0 if "free space" in str(problem) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not (tmp_path / "copy").exists()
    backups.backup(sqlite, str(tmp_path / "copy"))
