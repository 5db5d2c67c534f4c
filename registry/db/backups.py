"""Backups of the database, made while it is in use, and their restoration. They never hold the keys: copy these apart.

A backup gets its name only when it is complete and checked, so every file with such a name is good. SQLite copies
itself; for a server PostgreSQL's own `pg_dump` and `pg_restore` do it, in one transaction, with the password in their
environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence

from common.file_errors import describe
from common.safe_files import sync_path
from registry.db import encryption, migrations
from registry.db.connection import Database, DatabaseError

PART = ".part"  # suffix of an incomplete file
SEALED = ".sealed"  # and of its encrypted copy


def backup(database: Database, path: str, programs: str | None = None, *, recipients: Sequence[str] = ()) -> None:
    """Copy the database into a new file, mode 0600. `programs`: where pg_dump is, if not on the PATH.

    With `recipients` the file is encrypted for them; the plain copy beside it is deleted at once.

    Raises `DatabaseError`; then no file has that name.
    """
    if os.path.lexists(path):
        raise DatabaseError(f"{path}: exists already; name a new file, old backups are never overwritten")
    migrations.check_revision(database, older=True)
    part = path + PART
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        if database.file:
            _copy(database.file, part, database.name)
        else:
            _dump(database, part, programs)
        if recipients:
            encryption.encrypt(part, part + SEALED, recipients)
            os.replace(part + SEALED, part)
        sync_path(part)
        os.rename(part, path)
        sync_path(os.path.dirname(os.path.abspath(path)))
    except OSError as problem:
        raise DatabaseError(describe(problem, path)) from None
    finally:
        _remove(part, part + SEALED, f"{part}-journal")


def restore(
    database: Database, path: str, now: float, programs: str | None = None, *, identity: str | None = None
) -> str:
    """Replace the database with a backup; return where the replaced file is now ("" for PostgreSQL).

    `identity`: the file of the private key, if the backup is encrypted with age.

    No other program may have the database open. Raises `DatabaseError`; then nothing has changed.
    """
    if not os.path.isfile(path):
        raise DatabaseError(f"{path}: no such file; name a backup")
    if encryption.is_encrypted(path):
        with tempfile.TemporaryDirectory(prefix="nul-restore-") as folder:
            plain = os.path.join(folder, os.path.basename(path).removesuffix(".age").removesuffix(".gpg"))
            encryption.decrypt(path, plain, identity)
            return restore(database, plain, now, programs)
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
        with _exclusive(target):
            existed = os.path.lexists(target)
            for end in ("-wal", "-shm"):  # of a damaged database: the new one must not read them
                with contextlib.suppress(FileNotFoundError):
                    os.rename(target + end, aside + end)
            if existed:
                os.link(target, aside)
            os.replace(part, target)
        sync_path(os.path.dirname(os.path.abspath(target)))
    except OSError as problem:
        raise DatabaseError(f"{target}: {problem.strerror}; nothing was replaced") from None
    finally:
        _remove(part, f"{part}-journal")
    return aside if existed else ""


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _copy(source: str, target: str, name: str) -> None:
    """Copy the state at the beginning of the copy; later writes are not in it."""
    with _connect(source, name) as original, _connect(target, target, write=True) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # a single file, without -wal and -shm
    _check(target, name)


def _check(path: str, name: str) -> None:
    """Raises `DatabaseError` unless the file is an undamaged registry with a revision that this program knows."""
    with _connect(path, name) as connection:
        result = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        loose = connection.execute("PRAGMA foreign_key_check").fetchone()
        if result != "ok" or loose:
            reason = result if result != "ok" else "rows refer to missing rows"
            raise DatabaseError(f"{name}: damaged ({reason}); use an older backup")
        tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('alembic_version', 'request_event')"
        if connection.execute(tables).fetchone()[0] != 2:
            raise DatabaseError(f"{name}: not a backup of a registry; name another file")
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision is None or revision[0] not in migrations.revisions():
        raise DatabaseError(f"{name}: made by a newer program; use that one")


@contextlib.contextmanager
def _connect(path: str, name: str, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    connection = None
    try:
        connection = sqlite3.connect(f"file:{_quoted(path)}?mode={'rw' if write else 'ro'}", uri=True)
        yield connection
    except sqlite3.DatabaseError as problem:
        reason = str(problem)
        if "full" in reason or "disk i/o" in reason.lower():
            raise DatabaseError(
                f"{path}: the disk is full or failing ({reason}); free space: nothing was changed"
            ) from None
        raise DatabaseError(f"{name}: not readable as a registry ({reason}); is it damaged, or another file?") from None
    finally:
        if connection is not None:
            connection.close()


@contextlib.contextmanager
def _exclusive(path: str) -> Iterator[None]:
    """Lock out other programs. A missing or damaged database cannot be locked, and has nothing left to lose."""
    if not os.path.exists(path):
        yield
        return
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")  # refused while another program has it open
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem):
                raise DatabaseError(
                    f"{path}: in use; stop the programs that have it open (registry intake, the desk)"
                ) from None
        except sqlite3.DatabaseError:
            pass  # damaged: a reason to restore
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
        raise DatabaseError(f"{path}: not a backup of a registry; name another file")
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run(database, programs, "pg_restore", *options, path)


def _run(database: Database, programs: str | None, program: str, *arguments: str, connected: bool = True) -> str:
    executable = shutil.which(program, path=programs)
    if executable is None:
        raise DatabaseError(f"{program}: not found; install PostgreSQL's client programs, or name their folder "
                            "with --programs")  # fmt: skip
    url = database.url.set(drivername="postgresql")._replace(password=None)
    line = [
        executable, *([f"--dbname={url.render_as_string()}", "--no-password"] if connected else []), *arguments,
    ]  # fmt: skip
    secret = {"PGPASSWORD": str(database.url.password)} if database.url.password else {}
    done = subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        env={**os.environ, **secret, "PGCONNECT_TIMEOUT": "5"},
    )  # fmt: skip
    if done.returncode:
        reason = " | ".join(done.stderr.strip().splitlines()[:3]) or f"exit status {done.returncode}"
        raise DatabaseError(f"{database.name}: {program} failed ({reason}); nothing was changed")
    return done.stdout


# --- files ------------------------------------------------------------------------------------------------------------


def _remove(*paths: str) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
