"""The restore drill: is the newest backup one that can be restored? It goes into a scratch database, which is deleted.

The real database is only asked for its kind and address, never changed.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from common.safe_files import write_file
from registry.db import backups, encryption, schema
from registry.db.connection import Database, DatabaseError

BACKUP_NAME = re.compile(r"registry-(\d{8}T\d{6}Z)\.(db|dump)(\.age|\.gpg)?")


class Drill(NamedTuple):
    """A backup that was restored."""

    path: str
    made_at: float
    requests: int
    events: int


def newest_backup(folder: str) -> str:
    """Return the newest backup in a folder. Raises `DatabaseError`."""
    try:
        names = sorted(filter(BACKUP_NAME.fullmatch, os.listdir(folder)))
    except OSError as problem:
        raise DatabaseError(f"{folder}: {problem.strerror}; name the folder of `registry backup`") from None
    if not names:
        raise DatabaseError(f"{folder}: has no backup; make one with `registry backup {folder}`")
    return os.path.join(folder, names[-1])


def run(database: Database, path: str, *, identity: str | None = None, programs: str | None = None) -> Drill:
    """Restore a backup into a scratch database and count its rows. Raises `DatabaseError` and `Refusal`."""
    matched = BACKUP_NAME.fullmatch(os.path.basename(path))
    made_at = os.stat(path).st_mtime
    if matched:
        made_at = datetime.strptime(matched[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    with tempfile.TemporaryDirectory(prefix="nul-drill-") as folder:
        plain = path
        if encryption.is_encrypted(path):
            plain = os.path.join(folder, "backup")
            encryption.decrypt(path, plain, identity)
        with _scratch(database, folder) as scratch:
            backups.restore(scratch, plain, made_at, programs)
            with scratch.read() as connection:
                requests, events = (
                    int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                    for table in (schema.request, schema.request_event)
                )
    return Drill(path, made_at, requests, events)


@contextmanager
def _scratch(database: Database, folder: str) -> Iterator[Database]:
    """A database of the same kind for the time of the drill."""
    if database.file:
        scratch = Database(f"sqlite:///{os.path.join(folder, 'registry.db')}")
        try:
            yield scratch
        finally:
            scratch.close()
        return
    name = f"nul_drill_{os.getpid()}"
    _administer(database, f'CREATE DATABASE "{name}"')
    scratch = Database(database.url.set(database=name).render_as_string(hide_password=False))
    try:
        yield scratch
    finally:
        scratch.close()
        _administer(database, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(database: Database, statement: str) -> None:
    """Run a statement that PostgreSQL does not allow in a transaction."""
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", problem)).strip().splitlines()[0]
        raise DatabaseError(
            f"{database.name}: no scratch database ({reason}); let the user make one: ALTER ROLE ... CREATEDB"
        ) from None


def write_metrics(path: str, result: Drill | None, now: float, clock: Callable[[], float] = time.time) -> None:
    """Write the result for the textfile collector of Prometheus's node_exporter; None: the drill failed."""
    values = {"registry_drill_success": int(result is not None), "registry_drill_seconds": clock() - now,
              "registry_drill_finished_timestamp_seconds": clock()}  # fmt: skip
    if result is not None:
        values |= {
            "registry_drill_backup_timestamp_seconds": result.made_at,
            "registry_drill_requests": result.requests,
        }
    lines = [f"# TYPE {name} gauge\n{name} {value!r}\n" for name, value in values.items()]
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o755, exist_ok=True)
        write_file(path, "".join(lines), 0o644)
    except OSError as problem:
        raise DatabaseError(f"--metrics {path}: {problem.strerror}; name a file in a writable folder") from None
