"""The commands `measure ingest` and `measure rebuild`."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from common.places import ROOT, Places
from ivr.configuration.compiled import Compiled
from measure.cli import main
from registry import keys
from registry.db.connection import Database
from tests.measure.switch.test_realtime import table
from tests.measure.switch_log import MORNING, day, visit


@pytest.fixture
def site(database: Database, tmp_path: Path, shipped: Compiled, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A site with a configuration, keys, tables and a switch's log folder."""
    monkeypatch.setenv("IVR_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("NUL_SWITCH_LOG", str(tmp_path))
    places = Places()
    os.makedirs(places.var)
    Path(places.compiled).write_text(json.dumps(shipped))
    keys.make(places)
    return places


def test_ingesting_a_log_prints_a_report(site: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "queue_log"
    log.write_text(
        "".join([*day(), f"{MORNING}|{MORNING}.1|nul|NONE|SINGING|la\n", *visit(5, MORNING)[:1], "torn\n17"])
    )
    assert main(["ingest"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"lines +135  new 134, already stored 0, torn 1\n", said), said
    assert re.search(r"unknown +1  SINGING \(stored\)", said)
    assert "queue_log: its last line is not complete yet" in said
    assert re.search(r"visits +41  abandoned 14, answered 26, end unknown 1", said)
    assert main(["ingest", "--queue-log", str(log)]) == 0
    assert re.search(r"lines +0  new 0", capsys.readouterr().out)
    assert main(["rebuild"]) == 0
    assert re.search(r"calls +42  rebuilt\nvisits +41  abandoned 14", capsys.readouterr().out)


def test_the_realtime_table_is_read_instead_of_the_file(
    site: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = table(tmp_path / "asterisk.db", day())
    assert main(["ingest", "--realtime", url]) == 0
    assert re.search(r"lines +132  new 132", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"measure ingest: .*queue_log: no such file; give the path of the queue_log with --queue-log"),
        (["--realtime", "sqlite://"], "no such table; give its name with --table"),
        (["--cdr", "/none/Master.csv"], "--cdr /none/Master.csv: no such file; give the path of Asterisk's Master.csv"),
        (["--queue-log", "/none/queue_log"], "/none/queue_log: no such file; give the path of the queue_log"),
    ],
)
def test_a_missing_log_or_table_is_refused_with_a_remedy(
    site: Places, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["ingest", *words]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_without_a_registry_the_error_says_how_to_create_one(
    site: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUL_DATABASE", f"sqlite:///{tmp_path}/none.db")
    for command in ("ingest", "rebuild"):
        assert main([command]) == 1
        assert "`registry init`" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["day,calls\n2026-10-05,3\n", "day\n", "PK\x03\x04\n" * 3, '{"a": 1}\n{}\n'])
def test_another_file_given_as_queue_log_is_refused_each_time(
    site: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "queue_log").write_text(text)
    for _ in range(2):
        assert main(["ingest"]) == 1
        said = capsys.readouterr()
        assert re.search(
            r"queue_log: none of [123] lines is an event; a queue_log has lines like 1791187200\|", said.err
        )
    (tmp_path / "queue_log").write_text("".join(day()))
    assert main(["ingest"]) == 0


def test_a_cdr_without_the_two_ids_is_reported_with_a_remedy(
    site: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "queue_log").write_text("".join(day()))
    assert main(["ingest"]) == 0
    assert re.search(r"CDR +no .*cdr-csv/Master.csv: .* --cdr", capsys.readouterr().out)
    old = ["", "0612345678", "800000039", "nul", '"" <06>', "PJSIP/a-1", "PJSIP/b-2", "Queue", "nul", *["t"] * 7, "DOC"]
    (tmp_path / "Master.csv").write_text((",".join(old) + "\n") * 3)
    assert main(["ingest", "--cdr", str(tmp_path / "Master.csv")]) == 0
    assert re.search(r"CDR +3  records without UNIQUEID and LINKEDID: set loguniqueid", capsys.readouterr().out)


def test_a_realtime_table_without_events_is_refused(
    site: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = table(tmp_path / "asterisk.db", [])
    with closing(sqlite3.connect(tmp_path / "asterisk.db")) as connection, connection:
        connection.execute("INSERT INTO queue_log (time, callid, event) VALUES ('soon', '1.1', 'ABANDON')")
    assert main(["ingest", "--realtime", url]) == 1
    assert "none of 1 rows is an event; give Asterisk's queue_log with --table" in capsys.readouterr().err


def test_follow_reads_new_lines_until_stopped(site: Places, database: Database, tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    start = int(time.time())  # the program's own clock: an old visit would be closed
    log.write_text("".join(visit(1, start)[:2]))
    command = [sys.executable, "-m", "measure.cli", "ingest", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for(database, "waiting")
            with log.open("a") as file:
                file.writelines(visit(1, start)[2:])
            wait_for(database, "answered")
        finally:
            process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert re.search(r"visits +1  answered 1", said)


def test_the_systemd_unit_starts_an_existing_command() -> None:
    unit = Path(ROOT, "config", "systemd", "nul-measure.service").read_text(encoding="utf-8")
    (started,) = re.findall(r"^ExecStart=/opt/numero-unico/\.venv/bin/measure (.*)$", unit, re.MULTILINE)
    assert started == "ingest --follow"
    assert "\nUser=asterisk\n" in unit


def wait_for(database: Database, fate: str) -> None:
    end = time.monotonic() + 30
    while True:
        with database.read() as connection:
            if connection.exec_driver_sql("SELECT fate FROM queue_visit").scalar() == fate:
                return
        assert time.monotonic() < end, f"waited for a visit that is {fate}"
        time.sleep(0.05)
