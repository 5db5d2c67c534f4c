"""The database: SQLite without a server, or PostgreSQL; what goes wrong with either, in words.

`Database.begin` is the only way to a connection: one transaction, committed at its end, rolled back when it fails. On
SQLite it takes the writer's lock at once (BEGIN IMMEDIATE): who reads first and writes later could otherwise be refused
in the middle.
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
BETWEEN_LOOKS = (0.0005, 0.002)  # s; by chance, so that writers who wait do not look all at once
CONNECT_SECONDS = 5


class DatabaseError(Refusal):
    """The database cannot do it; the message names it, what is wrong and the remedy."""


class Away(DatabaseError):
    """It cannot be reached, or is locked, at this moment: the same may well succeed later."""


def address(places: Places) -> str:
    """Where the database is: `$NUL_DATABASE`, or the file beside everything else that the program writes."""
    beside = os.path.join(places.var, "registry.db")
    return os.environ.get("NUL_DATABASE") or f"sqlite:///{beside}"


class Database:
    """A database by its URL (`sqlite:///path`, `postgresql://user@host/name`). Connects when used."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.url = parsed
            self.engine = _engine(parsed)
            self._closed = weakref.finalize(self, self.engine.dispose)  # a command that ends leaves nobody connected
        except (ArgumentError, ImportError, ValueError) as problem:
            raise DatabaseError(
                f"NUL_DATABASE: {problem}; write sqlite:////path/registry.db or postgresql://user@host/name"
            ) from None

    @property
    def name(self) -> str:
        """How it is called in messages: never with its password."""
        return self.url.database or ":memory:" if self.sqlite else self.url.render_as_string(hide_password=True)

    @property
    def sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> str:
        """The path of a SQLite database; "" for one without (in memory, on a server)."""
        return self.url.database or "" if self.sqlite and self.url.database != ":memory:" else ""

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes. Raises `DatabaseError`, `Away`."""
        with self._told(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: on SQLite it waits for no writer, and sees one moment from first to last."""
        with self._told(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def flush(self) -> None:
        """Bring SQLite's journal into its file and empty it: until then both still hold what was erased or overwritten.

        Raises `Away` while others read or write without a pause. PostgreSQL cleans up by itself (autovacuum).
        """
        if not self.file:
            return
        with self._told(), contextlib.closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, *_ = cursor.fetchall()[0]
        if busy:
            raise Away(f"{self.name}: done, but others read and write without a pause, and until `registry purge` runs "
                       "again its files still hold what is gone from its tables")  # fmt: skip

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise self._in_words(problem) or problem from problem

    def _in_words(self, problem: DBAPIError) -> DatabaseError | None:
        """What a failure of the database means for a person; None for a mistake of ours."""
        said = str(problem.orig).strip().split("\n")[0]
        text = said.lower()
        if "locked" in text or "busy" in text:
            return Away(f"{self.name}: locked by another program for {BUSY_SECONDS:g} s; try again")
        if "malformed" in text or "not a database" in text or "disk image" in text:
            return DatabaseError(f"{self.name}: damaged ({said}); `registry restore` a backup, keep this file aside")
        if "full" in text or "no space" in text or "disk i/o" in text:
            return DatabaseError(f"{self.name}: the disk is full or failing ({said}); free space: nothing was changed")
        if "unable to open" in text or "readonly" in text or "permission denied" in text:
            return DatabaseError(f"{self.name}: {said}; does the folder exist, and may this user write there?")
        if "no such table" in text or "undefinedtable" in type(problem.orig).__name__.lower():
            return DatabaseError(f"{self.name}: holds no registry; make one with `registry init`")
        if "already exists" in text:
            return DatabaseError(f"{self.name}: is the database of another program ({said}); name one of our own")
        if problem.connection_invalidated or isinstance(problem, OperationalError):
            return Away(f"{self.name}: not reachable ({said}); is the server up? It is tried again at the next run")
        return None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _sqlite_connected)
    event.listen(engine, "begin", _sqlite_begins)
    return engine


def _sqlite_connected(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "recursive_triggers = ON",  # or REPLACE would delete behind the back of tables that only grow
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
        if not _turn_came(own):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails once more, so that its failure is told as any other
    finally:
        own.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS:.0f}")


def _turn_came(own: sqlite3.Connection) -> bool:
    """Begin to write as soon as nobody else does. SQLite itself would look less and less often, at last ten times a
    second, so that among many writers whoever has waited longest goes on waiting."""
    until = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < until:
        try:
            own.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 255 != sqlite3.SQLITE_BUSY:
                return False
        time.sleep(random.uniform(*BETWEEN_LOOKS))
    return False
