"""Asterisk's queue_log and CDR in tables of a database that the switch writes; they are only read.

PostgreSQL, SQLite, and, with the extra `[mysql]`, MariaDB and MySQL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Column, Table, Text, cast, create_engine, inspect, or_, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import MetaData

from common.command_line import Refusal
from ivr.switch_logs import queue_log
from measure.switch.ingest import TOLERANCE, Ingestion, Report
from measure.switch.queue_log_lines import Batch, Count, add_event

ROWS = 20_000  # in one transaction
COLUMNS = ("time", "callid", "queuename", "agent", "event")
CDR_COLUMNS = ("uniqueid", "linkedid")
CDR_TIMES = ("start", "calldate", "answer")  # columns with the time of a call, whichever there is
URLS = "postgresql://user@host/asterisk, mysql://user:password@host/asterisk or sqlite:////path"
DRIVERS = {
    "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql",
}  # fmt: skip


class RealtimeDatabase:
    """The database at `url`. `zone` is the time zone of its times."""

    def __init__(self, url: str, zone: tzinfo) -> None:
        self.zone = zone
        with _refused("check the URL, that the server runs, and that the user may read"):
            parsed = make_url(url)
            parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
            self._engine = create_engine(parsed)
            self.url = parsed.render_as_string(hide_password=True)

    def table(self, name: str, columns: Sequence[str], option: str) -> Table:
        """The table of that name. Raises `Refusal` if it is missing, or one of the columns."""
        with _refused("check that the server runs and the user may read"):
            if name not in inspect(self._engine).get_table_names():
                raise Refusal(f"--realtime {self.url} {name}: no such table; give its name with {option}")
            table = Table(name, MetaData(), autoload_with=self._engine)
        if missing := [column for column in columns if column not in table.c]:
            raise Refusal(
                f"--realtime {self.url} {name}: has no column {', '.join(missing)}; give Asterisk's with {option}"
            )
        return table

    def rows(
        self, table: Table, columns: Sequence[Column[Any]], moment: Column[Any] | None, since: float | None
    ) -> Iterator[Mapping[str, Any]]:
        """Rows in text order of the time `moment`, optionally from one day before `since`."""
        query = select(*columns)
        if moment is not None:
            query = query.order_by(moment)
        if moment is not None and since is not None:
            first, written = datetime.fromtimestamp(since, self.zone) - timedelta(days=1), cast(moment, Text)
            recent = written >= first.strftime("%Y-%m-%d %H:%M:%S")
            epoch = written.not_like("____-%") & (written >= str(int(first.timestamp())))  # in old tables
            query = query.where(or_(recent, epoch))
        try:
            with self._engine.connect().execution_options(yield_per=ROWS) as connection:
                for row in connection.execute(query):
                    yield row._asdict()
        except SQLAlchemyError as problem:
            raise Refusal(
                f"--realtime {self.url} {table.name}: {_message(problem)}; run it again, nothing is lost"
            ) from None


class RealtimeCdr:
    """The table of call detail records: which channel belongs to which call."""

    def __init__(self, database: RealtimeDatabase, name: str) -> None:
        self._database, self._table = database, database.table(name, CDR_COLUMNS, "--cdr-table")

    def take(self, ingestion: Ingestion, report: Report) -> None:
        """Store the new links. A table without a time is read as a whole each time."""
        columns = self._table.c
        moment = next((columns[name] for name in CDR_TIMES if name in columns), None)
        selected = [columns[name] for name in CDR_COLUMNS]
        rows: list[tuple[str, str]] = []
        for row in self._database.rows(self._table, selected, moment, ingestion.last_entry()):
            rows.append((str(row["uniqueid"] or ""), str(row["linkedid"] or "")))
            if len(rows) >= ROWS:
                ingestion.take_links(rows, report)
                rows = []
        ingestion.take_links(rows, report)


class RealtimeLog:
    """The table of queue_log."""

    def __init__(self, database: RealtimeDatabase, name: str) -> None:
        self._database, self._table = database, database.table(name, COLUMNS, "--table")
        self._zone, self.place = database.zone, f"{database.url} {name}"

    def rows(self, since: float | None = None) -> Iterator[Mapping[str, Any]]:
        """Its rows in text order of time, optionally from one day before `since`."""
        return self._database.rows(self._table, list(self._table.c), self._table.c.time, since)

    def take(self, ingestion: Ingestion, now: float, report: Report) -> None:
        """Store the new rows. A table has no position to resume from, so rows since one day before the last visit are
        read again."""
        batch, count = Batch([], {}, set()), Count()
        for row in self.rows(ingestion.last_entry()):
            count.lines += 1
            event = queue_log.parse_row(row, self._zone)
            if event is None:
                count.torn += 1
                continue
            add_event(batch, event, ingestion.callers, now + TOLERANCE, count)
            if len(batch.rows) >= ROWS:
                ingestion.take_batch(batch, count)
                report.count.add(count)
                batch, count = Batch([], {}, set()), Count()
        ingestion.take_batch(batch, count)
        report.count.add(count)
        if report.count.lines and report.count.lines == report.count.torn:
            raise Refusal(
                f"--realtime {self.place}: none of {report.count.lines} rows is an event; "
                "give Asterisk's queue_log with --table"
            )


@contextlib.contextmanager
def _refused(remedy: str) -> Iterator[None]:
    """Turn errors of the URL, the driver and the server into a `Refusal` with the remedy that fits."""
    try:
        yield
    except ModuleNotFoundError as problem:
        extra = "[mysql]" if problem.name == "pymysql" else "[desk]"
        raise Refusal(
            f"--realtime: the driver {problem.name} is not installed; install the extra {extra}, or give the URL of "
            f"another database: {URLS}"
        ) from None
    except ArgumentError as problem:
        raise Refusal(f"--realtime: {problem}; write {URLS}") from None
    except SQLAlchemyError as problem:
        raise Refusal(f"--realtime: {_message(problem)}; {remedy}") from None


def _message(problem: SQLAlchemyError) -> str:
    return str(getattr(problem, "orig", None) or problem).strip().split("\n")[0]
