"""Making the registry of a site, and bringing its tables to the program's revision."""

from __future__ import annotations

import os
import time

from sqlalchemy import Connection, text

from common.command_line import Refusal
from common.places import Places
from ivr.configuration.compiled import Compiled, CompiledError, load
from registry import keys
from registry.db import backups, migrations
from registry.db.connection import Database, DatabaseError, address
from registry.requests.reference_data import publish

LOCK = 0x6E756C  # of PostgreSQL's advisory locks: who makes or changes tables is alone


def init(places: Places) -> list[str]:
    """Make keys and tables unless they are there, bring in topics and promises; what was done, in words.

    Raises `Refusal`; may be run again at any time.
    """
    compiled = configuration(places)
    there = os.path.exists(keys.path(places))
    keys.make(places)
    said = [f"keys: {keys.path(places)}" + (", as they were" if there else "; keep a copy of this file apart")]
    database = Database(address(places))
    _make_file(database.file)
    with database.begin() as connection:
        _alone(database, connection)
        before = migrations.state(connection)
        if before == "none":
            migrations.upgrade(connection)
        elif before != "current":
            raise _wrong(database, before)
        publish(connection, compiled)
    database.close()
    return [*said, f"registry: {database.name}" + (", as it was" if before == "current" else "")]


def migrate(places: Places, now: float) -> list[str]:
    """Bring the tables to this program's revision, on SQLite after a backup; what was done, in words."""
    compiled = configuration(places)
    database = Database(address(places))
    if database.file and not os.path.exists(database.file):
        raise _wrong(database, "none")
    with database.read() as connection:
        before, revision = migrations.state(connection), migrations.revision(connection)
    if before in ("none", "newer"):
        raise _wrong(database, before)
    said = []
    if before == "older" and database.file:
        copy = f"{database.file}.{revision}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
        backups.backup(database, copy)
        said.append(f"backup: {copy}")
    with database.begin() as connection:
        _alone(database, connection)
        migrations.upgrade(connection)
        publish(connection, compiled)
    database.close()
    newest = migrations.revisions()[-1]
    done = f"already at revision {newest}" if before == "current" else f"from revision {revision} to {newest}"
    return [*said, f"registry: {database.name}: {done}"]


def configuration(places: Places) -> Compiled:
    """Raises `Refusal` when it was never compiled."""
    try:
        return load(places.compiled)
    except CompiledError as problem:
        raise Refusal(str(problem)) from None


def _make_file(path: str) -> None:
    """An empty file that others cannot read: there will be names in it. SQLite would let everybody read it."""
    if not path:
        return
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o750, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
    except OSError as problem:
        raise DatabaseError(
            f"{path}: {problem.strerror}; does the folder exist, and may this user write there?"
        ) from None


def _alone(database: Database, connection: Connection) -> None:
    if not database.sqlite:  # there BEGIN IMMEDIATE has done it
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _wrong(database: Database, state: migrations.State) -> DatabaseError:
    if state == "newer":
        return DatabaseError(migrations.newer(database))
    if state == "older":
        return DatabaseError(f"{database.name}: its tables are older than this program; run `registry migrate`")
    return DatabaseError(f"{database.name}: holds no registry; make one with `registry init`")
