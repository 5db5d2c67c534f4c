"""`registry intake` as a process: once, continuously, killed, without its database."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from common.places import Places
from ivr.configuration.compiled import Compiled
from lab import postgres
from registry import cli, installation
from registry.db import schema
from registry.db.connection import Database, database_url
from tests.registry.calls import NOON, fact, message, write
from tests.registry.site import configured

DEADLINE = 60.0
LONG_AGO = 1600000000.0  # whatever day it is
ENDED = {"stage": "queue", "queue_status": "", "seconds": 60}


@pytest.fixture
def places(tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A site with its database in the default place."""
    monkeypatch.delenv("NUL_DATABASE", raising=False)
    monkeypatch.delenv("NUL_KEYS", raising=False)
    return configured(tmp_path / "var", compiled)


class Process:
    """`registry intake --follow`, and its output."""

    def __init__(self, places: Places, log: Path, *words: str) -> None:
        self.log = log
        line = [sys.executable, "-m", "registry.cli", "--var", places.var, "intake", "--follow", "--every", "0.05"]
        with open(log, "wb") as output:
            self.process = subprocess.Popen([*line, *words], stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, f"waited for {what}: {self.said}"
            time.sleep(0.01)

    def figures(self) -> dict[str, float]:
        url = re.search(r"metrics: (\S+)", self.said)
        assert url is not None
        with urllib.request.urlopen(url[1], timeout=10) as answer:
            lines = [line.split() for line in answer.read().decode().splitlines() if line.startswith("registry_")]
        return {name: float(value) for name, value in lines}

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def begin(places: Places, *words: str) -> Process:
        started.append(Process(places, tmp_path / f"log-{len(started)}", *words))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def waiting(places: Places) -> int:
    return sum(len(names) for _, _, names in os.walk(places.facts))


def count(places: Places, table: object) -> int:
    database = Database(database_url(places))
    with database.read() as connection:
        found = connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]
    database.close()
    return int(found)


def feed(places: Places, first: int, calls: int) -> None:
    for number in range(first, first + calls):
        call = f"{number}.1"
        ended = fact("ended", call, NOON + 9, fate="answered", **ENDED)
        write(places, [fact("handed_over", call, topic="DID", priority=0), ended], f"{number:013d}-1-a-1")


def test_once(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    installation.init(places, NOON)
    write(places, [message(at=LONG_AGO), b"junk\n"])
    assert cli.main(["--var", places.var, "intake"]) == 0
    said = capsys.readouterr()
    assert said.out == (
        "1 segments: 1 facts, 0 known already; 1 requests, 1 of them messages to call back; set aside: 1; "
        "messages unknown to the message store: 1; waiting: 0\n"
    )
    assert "1 invalid lines" in said.err
    assert cli.main(["--var", places.var, "intake", "--again", "2026-11-24"]) == 0
    assert "0 facts, 1 known already; 0 requests" in capsys.readouterr().out


def test_without_a_registry_the_error_names_init(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    write(places, [message()])
    assert cli.main(["--var", places.var, "intake"]) == 1
    assert "create the registry with `registry init`" in capsys.readouterr().err
    assert waiting(places) == 1


def test_an_invalid_day_or_pause_is_refused(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--var", places.var, "intake", "--again", "yesterday"])
    assert "'yesterday' is not a day; write it like 2026-11-24" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["--var", places.var, "intake", "--follow", "--every", "0"])
    assert "argument --every: '0' is not a pause" in capsys.readouterr().err


def test_repeated_kills_lose_and_duplicate_nothing(places: Places, start: Start) -> None:
    installation.init(places, NOON)
    feed(places, 0, 700)
    chance = random.Random(7)
    for _ in range(3):
        before = waiting(places)
        running = start(places)
        running.wait(lambda before=before: waiting(places) < before, "a segment that is taken")  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.05))  # a random moment for the kill
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
    assert cli.main(["--var", places.var, "intake"]) == 0
    assert waiting(places) == 0
    assert (count(places, schema.call_fact), count(places, schema.request)) == (1400, 700)
    assert count(places, schema.intake_segment) == 700
    assert not os.path.exists(places.poison)


def test_follow_serves_metrics_and_stops_on_sigterm(places: Places, start: Start) -> None:
    installation.init(places, NOON)
    running = start(places, "--metrics-port", "0")
    running.wait(lambda: "metrics: " in running.said, "its port")
    feed(places, 0, 3)
    running.wait(lambda: waiting(places) == 0, "three segments")
    running.wait(lambda: running.figures()["registry_intake_facts_total"] == 6, "the figures")
    late = 'registry_requests_late{promise="EMAIL"}'
    assert running.figures()[late] == 0
    arrived = ("--channel", "email", "--arrived", "2020-01-07 10:00")
    assert cli.main(["--var", places.var, "open", "--topic", "ALTRO", "--by", "op117", *arrived]) == 0
    running.wait(lambda: running.figures()[late] == 1, "the alarm of a late request")
    found = running.figures()
    assert found["registry_intake_backlog_segments"] == found["registry_intake_backlog_seconds"] == 0
    assert found["registry_intake_requests_total"] == 3
    assert found["registry_intake_trouble"] == 0
    assert running.end(signal.SIGTERM) == 0
    assert "3 segments: 6 facts" in running.said or running.said.count("facts, 0 known") > 1


@pytest.mark.parametrize("folder", ["poison", "taken_facts"])
def test_a_failing_disk_is_logged_once_and_nothing_is_duplicated(places: Places, start: Start, folder: str) -> None:
    installation.init(places, NOON)
    in_the_way = Path(getattr(places, folder))  # a file in place of the folder: it fails for every user, also for root
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_bytes(b"")
    write(places, [fact("answered", revision="r"), b"junk\n"])
    write(places, [fact("survey", version=1, question="clear", value=4)])
    os.mkdir(Path(places.facts, "2026-11-25", "no-segment.jsonl"))
    process = start(places, "--metrics-port", "0")
    process.wait(lambda: "until then it stays there; the intake tries again" in process.said, "the trouble to be told")
    process.wait(lambda: process.figures()["registry_intake_failures_total"] >= 3, "it to be tried again")
    assert process.figures()["registry_intake_trouble"] == 1
    assert process.said.count("until then it stays there") == 1
    in_the_way.unlink()
    process.wait(lambda: "works again" in process.said, "it to work again")
    assert process.end(signal.SIGTERM) == 0
    assert "Traceback" not in process.said
    assert [each.name for each in Path(places.facts).rglob("*") if each.is_file()] == []
    assert (count(places, schema.call_fact), count(places, schema.survey_answer)) == (2, 1)


def test_a_changed_configuration_is_loaded(places: Places, start: Start) -> None:
    installation.init(places, NOON)
    running = start(places)
    feed(places, 0, 1)
    running.wait(lambda: waiting(places) == 0, "a segment")
    compiled = json.loads(Path(places.compiled).read_text(encoding="utf-8"))
    compiled["service"]["promises"]["email_hours"] = 24
    Path(f"{places.compiled}.new").write_text(json.dumps(compiled), encoding="utf-8")
    os.rename(f"{places.compiled}.new", places.compiled)
    database = Database(database_url(places))
    promise = schema.promise

    def hours() -> float:
        with database.read() as connection:
            wanted = select(promise.c.amount).where(promise.c.promise_code == "EMAIL")
            return float(connection.execute(wanted).scalar_one())

    running.wait(lambda: hours() == 24, "the promise")
    database.close()
    assert running.end(signal.SIGINT) == 0


def test_the_intake_survives_a_restart_of_postgresql(
    places: Places, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a separate server, since it is stopped during the test."""
    programs = postgres.install(Places(), report=lambda line: None)
    with tempfile.TemporaryDirectory(prefix="nul-postgres-") as folder, postgres.Server(programs, folder) as running:
        monkeypatch.setenv("NUL_DATABASE", running.url())
        installation.init(places, NOON)
        intake = start(places)
        feed(places, 0, 20)
        intake.wait(lambda: waiting(places) == 0, "what came before")
        feed(places, 100, 600)
        intake.wait(lambda: waiting(places) < 600, "the first of them")
        running.stop()
        feed(places, 1000, 20)
        intake.wait(lambda: "the intake tries again" in intake.said, "the complaint")
        assert "***" in intake.said
        assert running.url().split("@")[0].rpartition(":")[2] not in intake.said
        running.start()
        intake.wait(lambda: waiting(places) == 0, "the rest")
        assert intake.end(signal.SIGTERM) == 0
        assert "registry intake: works again\n" in intake.said
        assert intake.said.count("facts stay in the spool") <= 3
        assert (count(places, schema.call_fact), count(places, schema.request)) == (1280, 640)
