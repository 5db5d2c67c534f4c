"""The tables of queue_log and CDR on a real MariaDB, with the columns of Asterisk's own scripts and older ones."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from common.command_line import Refusal
from ivr.switch_logs import queue_log
from measure.switch.ingest import Report
from measure.switch.realtime import RealtimeCdr, RealtimeDatabase, RealtimeLog
from registry.db.connection import Database
from tests.measure import mariadb
from tests.measure.switch.test_realtime import ROME
from tests.measure.switch_log import MORNING, NOW, SwitchLog, day, visit

TIMES = {  # the column `time`, and its value
    "asterisk": ("DATETIME(6)", "%Y-%m-%d %H:%M:%S.123456"),
    "text": ("VARCHAR(26)", "%Y-%m-%d %H:%M:%S.123456"),
    "old": ("CHAR(20)", "%s"),
    "timestamp": ("TIMESTAMP NULL", "%Y-%m-%d %H:%M:%S"),
}
COLUMNS = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5"


def write_log(engine: Engine, lines: list[str], kind: str) -> None:
    column, form = TIMES[kind]
    texts = ", ".join(f"{name} VARCHAR(100) NOT NULL DEFAULT ''" for name in COLUMNS.split(", ")[1:])
    with engine.begin() as connection:
        key = "id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY"
        connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS queue_log ({key}, time {column}, {texts})")
        for line in lines:
            event = queue_log.parse(line.rstrip("\n"))
            assert event is not None
            words = event.rest.split("|", 4)
            at = str(event.at) if form == "%s" else datetime.fromtimestamp(event.at, ROME).strftime(form)
            row = (at, event.call, event.queue, event.agent, event.verb, *words, *[""] * (5 - len(words)))
            connection.exec_driver_sql(f"INSERT INTO queue_log ({COLUMNS}) VALUES ({', '.join(['%s'] * 10)})", row)  # noqa: S608


def take(log: SwitchLog) -> Report:
    report = Report()
    RealtimeLog(RealtimeDatabase(mariadb.running().url(), ROME), "queue_log").take(log.ingestion, NOW, report)
    return report


@pytest.mark.parametrize("kind", TIMES)
def test_the_table_gives_the_same_visits_as_the_file(
    database: Database, tables: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "registry.db").write_bytes(tables.read_bytes())
    file = SwitchLog(tmp_path / "file", Database(f"sqlite:///{tmp_path}/file/registry.db"))
    lines = day(9)
    file.write(lines)
    file.take()
    engine, log = mariadb.empty(), SwitchLog(tmp_path, database)
    write_log(engine, lines[:-2], kind)
    assert take(log).count.new == len(lines) - 2
    write_log(engine, lines[-2:], kind)
    count = take(log).count
    assert (count.new, count.torn) == (2, 0)
    assert log.visits == file.visits
    engine.dispose()
    file.database.close()


def test_only_rows_of_the_last_day_are_read_again(database: Database, tmp_path: Path) -> None:
    engine, log = mariadb.empty(), SwitchLog(tmp_path, database)
    write_log(engine, [*visit(1, MORNING - 5 * 86400), *visit(5, MORNING)], "asterisk")
    assert take(log).count.lines == 8
    assert take(log).count.lines == 4
    engine.dispose()


@pytest.mark.parametrize("time", ["", ", calldate DATETIME", ", `start` DATETIME(6)"])
def test_the_cdr_table_links_channels_to_calls(database: Database, tmp_path: Path, time: str) -> None:
    engine, log = mariadb.empty(), SwitchLog(tmp_path, database)
    write_log(engine, visit(5, MORNING), "asterisk")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE cdr (uniqueid VARCHAR(150), linkedid VARCHAR(150){time})")
        value = f", '{datetime.fromtimestamp(MORNING, ROME):%Y-%m-%d %H:%M:%S}'" if time else ""
        for pair in ((f"{MORNING}.5", f"{MORNING - 9}.1"), ("", "")):
            connection.exec_driver_sql(f"INSERT INTO cdr VALUES ('{pair[0]}', '{pair[1]}'{value})")  # noqa: S608
    report = Report()
    records = RealtimeCdr(RealtimeDatabase(mariadb.running().url(), ROME), "cdr")
    records.take(log.ingestion, report)
    records.take(log.ingestion, report)
    assert (report.links, report.records, report.useless_records) == (1, 4, 2)
    take(log)
    assert [row.call_id for row in log.visits] == [f"{MORNING - 9}.1"]
    engine.dispose()


def test_a_wrong_password_and_a_missing_driver_have_their_own_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    url = re.sub(r":[^:@]+@", ":guessed@", mariadb.running().url())
    with pytest.raises(Refusal, match=r"Access denied .*check that the server runs and the user may read") as refused:
        RealtimeLog(RealtimeDatabase(url, ROME), "queue_log")
    assert "guessed" not in str(refused.value)
    mariadb.empty().dispose()
    with pytest.raises(Refusal, match=r"queue_log: no such table; give its name with --table"):
        RealtimeLog(RealtimeDatabase(mariadb.running().url(), ROME), "queue_log")
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(Refusal, match=r"the driver pymysql is not installed; install the extra \[mysql\]"):
        RealtimeDatabase(url, ROME)
