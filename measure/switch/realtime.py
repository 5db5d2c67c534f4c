"""Asterisk's realtime queue_log: the same events in a database table that the switch writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Table, Text, cast, create_engine, inspect, or_, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import MetaData

from common.command_line import Refusal
from ivr.switch_logs import queue_log
from measure.switch.ingest import TOLERANCE, Ingestion, Report
from measure.switch.queue_log_lines import Batch, Count, add_event

ROWS = 20_000  # in one transaction
COLUMNS = ("time", "callid", "queuename", "agent", "event")


class RealtimeLog:
    """The table `name` of the database at `url`, only read. `zone` is the time zone of its column `time`."""

    def __init__(self, url: str, name: str, zone: tzinfo) -> None:
        self._name, self._zone = name, zone
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            self._engine = create_engine(parsed)
            self.place = f"{parsed.render_as_string(hide_password=True)} {name}"
            if name not in inspect(self._engine).get_table_names():
                raise Refusal(f"--realtime {self.place}: no such table; give its name with --table")
            self._table = Table(name, MetaData(), autoload_with=self._engine)
        except (ArgumentError, ImportError) as problem:
            raise Refusal(f"--realtime: {problem}; write postgresql://user@host/asterisk or sqlite:////path") from None
        except SQLAlchemyError as problem:
            raise Refusal(
                f"--realtime: {_message(problem)}; check that the server runs and the user may read"
            ) from None
        missing = [column for column in COLUMNS if column not in self._table.c]
        if missing:
            raise Refusal(
                f"--realtime {self.place}: has no column {', '.join(missing)}; give Asterisk's queue_log with --table"
            )

    def rows(self, since: float | None = None) -> Iterator[Mapping[str, Any]]:
        """Its rows in text order of time, optionally from one day before `since`."""
        moment = self._table.c.time
        query = select(self._table).order_by(moment)
        if since is not None:
            first, written = datetime.fromtimestamp(since, self._zone) - timedelta(days=1), cast(moment, Text)
            recent = written >= first.strftime("%Y-%m-%d %H:%M:%S")
            epoch = written.not_like("____-%") & (written >= str(int(first.timestamp())))  # in old tables
            query = query.where(or_(recent, epoch))
        try:
            with self._engine.connect().execution_options(yield_per=ROWS) as connection:
                for row in connection.execute(query):
                    yield row._asdict()
        except SQLAlchemyError as problem:
            raise Refusal(f"--realtime {self.place}: {_message(problem)}; run it again, nothing is lost") from None

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


def _message(problem: SQLAlchemyError) -> str:
    return str(getattr(problem, "orig", None) or problem).strip().split("\n")[0]
