"""Copies of the database while it is in use, and their way back. The keys are never in them: copy these apart.

A copy gets its name only when it is whole and checked, so whatever has the name is one. SQLite copies itself;
PostgreSQL's own `pg_dump` and `pg_restore` do it for a server, in one transaction, the password in their environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator

from common.safe_files import sync_path
from registry.db import migrations
from registry.db.connection import Database, DatabaseError

PART = ".part"  # behind the name of what is not whole yet


def backup(database: Database, path: str, programs: str | None = None) -> None:
    """Copy the database into a new file, mode 0600. `programs`: where pg_dump is, if not on the PATH.

    Raises `DatabaseError`; then there is no file of that name.
    """
    if os.path.lexists(path):
        raise DatabaseError(f"{path}: is there already; name a new file, old backups are never written over")
    migrations.check(database, older=True)
    part = path + PART
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        if database.file:
            _copy(database.file, part, database.name)
        else:
            _dump(database, part, programs)
        sync_path(part)
        os.rename(part, path)
        sync_path(os.path.dirname(os.path.abspath(path)))
    except OSError as problem:
        raise DatabaseError(f"{path}: {problem.strerror}; name a file in a folder with room and rights") from None
    finally:
        _remove(part, f"{part}-journal")


def restore(database: Database, path: str, now: float, programs: str | None = None) -> str:
    """Put a copy in the place of the database; where what was there has gone ("" for PostgreSQL).

    Nobody else may have the database open. Raises `DatabaseError`; then everything is as it was.
    """
    if not os.path.isfile(path):
        raise DatabaseError(f"{path}: no such file; name a backup")
    if not database.file:
        _load(database, path, programs)
        return ""
    _check(path, path)
    target, aside = database.file, f"{database.file}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
    part = target + PART
    try:
        os.makedirs(os.path.dirname(os.path.abspath(target)), mode=0o750, exist_ok=True)
        _remove(part)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        _copy(path, part, path)
        sync_path(part)
        with _nobody_else(target):
            there = os.path.lexists(target)
            for end in ("-wal", "-shm"):  # of a damaged one: they must not be read into its successor
                with contextlib.suppress(FileNotFoundError):
                    os.rename(target + end, aside + end)
            if there:
                os.link(target, aside)
            os.replace(part, target)
        sync_path(os.path.dirname(os.path.abspath(target)))
    except OSError as problem:
        raise DatabaseError(f"{target}: {problem.strerror}; nothing was replaced") from None
    finally:
        _remove(part, f"{part}-journal")
    return aside if there else ""


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _copy(source: str, target: str, name: str) -> None:
    """The moment of the copy is its beginning, whoever writes meanwhile."""
    with _connected(source, name) as original, _connected(target, target, write=True) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without the two beside it
    _check(target, name)


def _check(path: str, name: str) -> None:
    """Raises `DatabaseError` unless this file is a sound registry that this program knows."""
    with _connected(path, name) as connection:
        said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        loose = connection.execute("PRAGMA foreign_key_check").fetchone()
        if said != "ok" or loose:
            raise DatabaseError(f"{name}: damaged ({said if said != 'ok' else 'rows that belong to nothing'}); "
                                "take an older backup")  # fmt: skip
        tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('alembic_version', 'request_event')"
        if connection.execute(tables).fetchone()[0] != 2:
            raise DatabaseError(f"{name}: no backup of a registry; name another file")
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision is None or revision[0] not in migrations.revisions():
        raise DatabaseError(f"{name}: made by a newer program; use that one")


@contextlib.contextmanager
def _connected(path: str, name: str, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    connection = None
    try:
        connection = sqlite3.connect(f"file:{_quoted(path)}?mode={'rw' if write else 'ro'}", uri=True)
        yield connection
    except sqlite3.DatabaseError as problem:
        said = str(problem)
        if "full" in said or "disk i/o" in said.lower():
            raise DatabaseError(
                f"{path}: the disk is full or failing ({said}); free space: nothing was changed"
            ) from None
        raise DatabaseError(f"{name}: cannot be read as a registry ({said}); is it damaged, or another file?") from None
    finally:
        if connection is not None:
            connection.close()


@contextlib.contextmanager
def _nobody_else(path: str) -> Iterator[None]:
    """Alone with a database. A damaged or missing one has nobody to ask; who writes on it loses nothing any more."""
    if not os.path.exists(path):
        yield
        return
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")  # refused while anybody else has it open
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem):
                raise DatabaseError(f"{path}: in use; stop whoever has it open (registry intake, the desk)") from None
        except sqlite3.DatabaseError:
            pass  # damaged: that is why
        yield
    finally:
        connection.close()


def _quoted(path: str) -> str:
    return os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _dump(database: Database, path: str, programs: str | None) -> None:
    _run(database, programs, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")
    _run(database, programs, "pg_restore", "--list", path, connected=False)


def _load(database: Database, path: str, programs: str | None) -> None:
    listed = _run(database, programs, "pg_restore", "--list", path, connected=False)
    if " alembic_version " not in listed or " request_event " not in listed:
        raise DatabaseError(f"{path}: no backup of a registry; name another file")
    words = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run(database, programs, "pg_restore", *words, path)


def _run(database: Database, programs: str | None, program: str, *words: str, connected: bool = True) -> str:
    found = shutil.which(program, path=programs)
    if found is None:
        raise DatabaseError(f"{program}: not found; install PostgreSQL's client programs, or name their folder "
                            "with --programs")  # fmt: skip
    url = database.url.set(drivername="postgresql")._replace(password=None)
    line = [found, *([f"--dbname={url.render_as_string()}", "--no-password"] if connected else []), *words]
    secret = {"PGPASSWORD": str(database.url.password)} if database.url.password else {}
    done = subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        env={**os.environ, **secret, "PGCONNECT_TIMEOUT": "5"},
    )  # fmt: skip
    if done.returncode:
        said = " | ".join(done.stderr.strip().splitlines()[:3]) or f"exit status {done.returncode}"
        raise DatabaseError(f"{database.name}: {program} failed ({said}); nothing was changed")
    return done.stdout


# --- files ------------------------------------------------------------------------------------------------------------


def _remove(*paths: str) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
