"""The database: SQLite without a server, or PostgreSQL; failures of either become errors with a remedy.

`Database.begin` and `Database.read` are the only ways to a connection: one transaction, committed at its end, rolled
back when it fails. On SQLite `begin` takes the writer's lock at once (BEGIN IMMEDIATE): a transaction that reads first
and writes later could otherwise be refused in the middle.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
import weakref
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from common.command_line import Refusal
from common.places import Places

BUSY_SECONDS = 10.0  # how long a writer waits for another
BETWEEN_TRIES = (0.0005, 0.002)  # s; random, so that waiting writers do not all try at once
CONNECT_SECONDS = 5


class DatabaseError(Refusal):
    """The database failed; the message gives its name, the problem and the remedy."""


class Unavailable(DatabaseError):
    """The database cannot be reached, or is locked, at this moment; a later try may succeed."""


def database_url(places: Places) -> str:
    """Return the URL of the database: `$NUL_DATABASE`, or a file in the folder that the program writes."""
    beside = os.path.join(places.var, "registry.db")
    return os.environ.get("NUL_DATABASE") or f"sqlite:///{beside}"


class Database:
    """A database by its URL (`sqlite:///path`, `postgresql://user@host/name`). It connects when used."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.url = parsed
            self.engine = _engine(parsed)
            self._closed = weakref.finalize(self, self.engine.dispose)  # no connection outlives its command
        except (ArgumentError, ImportError, ValueError) as problem:
            raise DatabaseError(
                f"NUL_DATABASE: {problem}; write sqlite:////path/registry.db or postgresql://user@host/name"
            ) from None

    @property
    def name(self) -> str:
        """The name for messages, without the password."""
        return self.url.database or ":memory:" if self.sqlite else self.url.render_as_string(hide_password=True)

    @property
    def sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> str:
        """The path of a SQLite database; "" for one in memory or on a server."""
        return self.url.database or "" if self.sqlite and self.url.database != ":memory:" else ""

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that writes. Raises `DatabaseError`, `Unavailable`."""
        with self._errors(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads. On SQLite it waits for no writer, and sees one state throughout."""
        with self._errors(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def flush(self) -> None:
        """Write SQLite's journal into its file and empty it: until then both still hold what was erased.

        Raises `Unavailable` while others read or write without a pause. PostgreSQL cleans up by itself (autovacuum).
        """
        if not self.file:
            return
        with self._errors(), contextlib.closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, *_ = cursor.fetchall()[0]
        if busy:
            raise Unavailable(
                f"{self.name}: done, but others read and write without a pause: until `registry purge` runs again,"
                " its files still hold what was deleted from its tables"
            )

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise self._explain(problem) or problem from problem

    def _explain(self, problem: DBAPIError) -> DatabaseError | None:
        """Return a failure of the database as an error with a remedy; None for a mistake in this program."""
        reason = str(problem.orig).strip().split("\n")[0]
        text = reason.lower()
        if "locked" in text or "busy" in text:
            return Unavailable(f"{self.name}: locked by another program for {BUSY_SECONDS:g} s; try again")
        if "malformed" in text or "not a database" in text or "disk image" in text:
            return DatabaseError(
                f"{self.name}: damaged ({reason}); keep this file aside and `registry restore` a backup"
            )
        if "full" in text or "no space" in text or "disk i/o" in text:
            return DatabaseError(
                f"{self.name}: the disk is full or failing ({reason}); free space: nothing was changed"
            )
        if "readonly" in text or "permission denied" in text:
            return DatabaseError(
                f"{self.name}: {reason}; run this as the account that owns the file and its folder, or give this "
                "account the right to write both"
            )
        if "unable to open" in text:
            return DatabaseError(
                f"{self.name}: {reason}; check that its folder exists and that this account may read and write there"
            )
        if "no such table" in text or "undefinedtable" in type(problem.orig).__name__.lower():
            return DatabaseError(f"{self.name}: holds no registry; create one with `registry init`")
        if "already exists" in text:
            return DatabaseError(
                f"{self.name}: is the database of another program ({reason}); name another one in NUL_DATABASE"
            )
        if problem.connection_invalidated or isinstance(problem, OperationalError):
            return Unavailable(
                f"{self.name}: not reachable ({reason}); is the server running? The next run tries again"
            )
        return None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _sqlite_connected)
    event.listen(engine, "begin", _sqlite_begins)
    return engine


def _sqlite_connected(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # transactions begin in _sqlite_begins
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "recursive_triggers = ON",  # otherwise REPLACE could delete rows of append-only tables
        "cache_size = -65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begins(connection: Connection) -> None:
    if connection.get_execution_options().get("reading", False):
        connection.exec_driver_sql("BEGIN DEFERRED")
        return
    own = connection.connection.driver_connection
    assert isinstance(own, sqlite3.Connection)
    own.execute("PRAGMA busy_timeout = 0")
    try:
        if not _begin_immediate(own):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails once more, so that SQLAlchemy reports the failure
    finally:
        own.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS:.0f}")


def _begin_immediate(own: sqlite3.Connection) -> bool:
    """Begin to write as soon as no other connection does. SQLite itself tries less and less often, down to ten times
    a second, so that among many writers the one that has waited longest keeps waiting."""
    until = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < until:
        try:
            own.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 255 != sqlite3.SQLITE_BUSY:
                return False
        time.sleep(random.uniform(*BETWEEN_TRIES))
    return False
