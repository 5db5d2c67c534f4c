"""The realtime table gives the same visits as the file, however often it is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from common.command_line import Refusal
from ivr.switch_logs import queue_log
from measure.switch.ingest import Report
from measure.switch.realtime import RealtimeDatabase, RealtimeLog
from registry.db.connection import Database
from tests.measure.switch_log import MORNING, NOW, SwitchLog, day, visit

ROME = ZoneInfo("Europe/Rome")
COLUMNS = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5"


def table(path: Path, lines: Iterable[str], *, epoch: bool = False) -> str:
    """Create the table as Asterisk fills it; returns its URL. `epoch`: times as in old versions."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS queue_log (id INTEGER PRIMARY KEY, {COLUMNS})")
        for line in lines:
            event = queue_log.parse(line.rstrip("\n"))
            assert event is not None
            words = event.rest.split("|", 4)
            local = f"{datetime.fromtimestamp(event.at, ROME):%Y-%m-%d %H:%M:%S}.123456"
            row = (
                event.at if epoch else local,
                event.call,
                event.queue,
                event.agent,
                event.verb,
                *words,
                *[""] * (5 - len(words)),
            )
            connection.execute(f"INSERT INTO queue_log ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", row)  # noqa: S608
    connection.close()
    return f"sqlite:///{path}"


def taken(log: SwitchLog, url: str) -> Report:
    report = Report()
    RealtimeLog(RealtimeDatabase(url, ROME), "queue_log").take(log.ingestion, NOW, report)
    return report


def test_table_and_file_give_the_same_visits(database: Database, tables: Path, tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "registry.db").write_bytes(tables.read_bytes())
    file = SwitchLog(tmp_path / "file", Database(f"sqlite:///{tmp_path}/file/registry.db"))
    file.write(day())
    file.take()
    log = SwitchLog(tmp_path, database)
    url = table(tmp_path / "asterisk.db", day())
    assert taken(log, url).count.new == len(day())
    assert log.visits == file.visits
    assert log.rows("queue_event") == file.rows("queue_event")
    file.database.close()


@pytest.mark.parametrize("epoch", [False, True])
def test_reading_again_stores_only_new_rows(database: Database, tmp_path: Path, epoch: bool) -> None:
    log = SwitchLog(tmp_path, database)
    old, new = visit(1, MORNING - 5 * 86400), visit(5, MORNING)
    url = table(tmp_path / "asterisk.db", [*old, *new[:2]], epoch=epoch)
    assert taken(log, url).count.new == 6
    table(tmp_path / "asterisk.db", new[2:], epoch=epoch)
    count = taken(log, url).count
    assert (count.lines, count.new, count.repeated) == (4, 2, 2)  # rows of the last day
    assert log.fates == ["answered", "answered"]


def test_rows_without_a_time_are_counted(database: Database, tmp_path: Path) -> None:
    url = table(tmp_path / "asterisk.db", visit(1, MORNING))
    with sqlite3.connect(tmp_path / "asterisk.db") as connection:
        connection.execute("INSERT INTO queue_log (time, callid, event) VALUES ('yesterday', 'x', 'PAUSE')")
    connection.close()
    count = taken(SwitchLog(tmp_path, database), url).count
    assert (count.new, count.torn) == (4, 1)


@pytest.mark.parametrize(
    ("url", "name", "message"),
    [
        ("nonsense", "queue_log", "write postgresql://user@host/asterisk"),
        ("sqlite:////nowhere/at/all.db", "queue_log", "unable to open database file; check that the server runs"),
        ("sqlite:///{here}/asterisk.db", "other", "no such table; give its name with --table"),
        ("sqlite:///{here}/asterisk.db", "strange", "has no column time, callid"),
    ],
)
def test_a_wrong_table_is_refused_with_a_remedy(tmp_path: Path, url: str, name: str, message: str) -> None:
    table(tmp_path / "asterisk.db", [])
    with sqlite3.connect(tmp_path / "asterisk.db") as connection:
        connection.execute("CREATE TABLE strange (x)")
    connection.close()
    with pytest.raises(Refusal, match=message):
        RealtimeLog(RealtimeDatabase(url.format(here=tmp_path), UTC), name)
