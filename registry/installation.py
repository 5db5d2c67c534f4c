"""Create the registry of a site, or bring its tables to the program's revision."""

from __future__ import annotations

import os
import time

from sqlalchemy import Connection, text

from common.command_line import Refusal
from common.file_errors import describe
from common.places import Places
from ivr.configuration.compiled import Compiled, CompiledError, load
from registry import keys
from registry.db import backups, migrations
from registry.db.connection import Database, DatabaseError, database_url
from registry.requests.reference_data import save_reference_data

LOCK = 0x6E756C  # a PostgreSQL advisory lock: one program at a time creates or changes tables


def init(places: Places, now: float) -> list[str]:
    """Create keys and tables unless they exist, and copy topics and promises; return a report, in lines.

    May be run again at any time. Raises `Refusal`.
    """
    compiled = configuration(places)
    existed = os.path.exists(keys.path(places))
    keys.make(places)
    report = [f"keys: {keys.path(places)}" + (", unchanged" if existed else "; keep a copy of this file apart")]
    database = Database(database_url(places))
    _make_file(database.file)
    with database.begin() as connection:
        _lock(database, connection)
        before = migrations.state(connection)
        if before == "none":
            migrations.upgrade(connection)
        elif before != "current":
            raise _wrong_revision(database, before)
        save_reference_data(connection, compiled, now)
    database.close()
    return [*report, f"registry: {database.name}" + (", unchanged" if before == "current" else "")]


def migrate(places: Places, now: float) -> list[str]:
    """Bring the tables to this program's revision, on SQLite after a backup; return a report, in lines."""
    compiled = configuration(places)
    database = Database(database_url(places))
    if database.file and not os.path.exists(database.file):
        raise _wrong_revision(database, "none")
    with database.read() as connection:
        before, revision = migrations.state(connection), migrations.revision(connection)
    if before in ("none", "newer"):
        raise _wrong_revision(database, before)
    report = []
    if before == "older" and database.file:
        copy = f"{database.file}.{revision}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
        backups.backup(database, copy)
        report.append(f"backup: {copy}")
    with database.begin() as connection:
        _lock(database, connection)
        migrations.upgrade(connection)
        save_reference_data(connection, compiled, now)
    database.close()
    newest = migrations.revisions()[-1]
    done = f"already at revision {newest}" if before == "current" else f"from revision {revision} to {newest}"
    return [*report, f"registry: {database.name}: {done}"]


def configuration(places: Places) -> Compiled:
    """Read the compiled configuration. Raises `Refusal` when it was never compiled."""
    try:
        return load(places.compiled)
    except CompiledError as problem:
        raise Refusal(str(problem)) from None


def _make_file(path: str) -> None:
    """Create an empty file that others cannot read, because it will hold names. SQLite would make it readable."""
    if not path:
        return
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o750, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
    except OSError as problem:
        raise DatabaseError(describe(problem, path)) from None


def _lock(database: Database, connection: Connection) -> None:
    if not database.sqlite:  # on SQLite, BEGIN IMMEDIATE has locked it
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _wrong_revision(database: Database, state: migrations.State) -> DatabaseError:
    if state == "newer":
        return DatabaseError(migrations.newer(database))
    if state == "older":
        return DatabaseError(f"{database.name}: its tables are older than this program; run `registry migrate`")
    return DatabaseError(f"{database.name}: holds no registry; create one with `registry init`")
