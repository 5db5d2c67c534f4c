"""One MariaDB server for all tests of a process: started for the first test, stopped with the process."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile

from sqlalchemy import Engine, create_engine

from common.places import Places
from lab import mariadb


@functools.cache
def running() -> mariadb.Server:
    """Start the server; it is installed if missing: these tests are never skipped."""
    folder = tempfile.mkdtemp(prefix="nul-mariadb-")
    server = mariadb.Server(mariadb.install(Places(), report=lambda line: None), folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    server.start()
    return server


def empty() -> Engine:
    """Return the database that Asterisk would write to, without tables."""
    engine = create_engine(running().url().replace("mysql://", "mysql+pymysql://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS queue_log, cdr")
    return engine
