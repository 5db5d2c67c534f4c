"""The private PostgreSQL: installed once, run without rights, ended with the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from common.command_line import Refusal
from common.places import Places
from lab import cli
from lab import postgres as server
from lab.postgres import Server
from registry.db.connection import Database, Unavailable
from tests.registry import postgres

DEADLINE = 60.0


@pytest.fixture
def folder() -> Iterator[str]:
    """A folder outside pytest's own, because another account must be able to enter it."""
    with tempfile.TemporaryDirectory(prefix="nul-postgres-") as made:
        yield made


def answers(url: str) -> bool:
    database = Database(url)
    try:
        with database.read() as connection:
            return connection.execute(text("SELECT 1")).scalar() == 1
    except Unavailable:
        return False
    finally:
        database.close()


def test_a_second_install_reports_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    postgres.running()
    assert server.installed(Places())
    assert cli.main(["postgres", "install"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("already installed: PostgreSQL ")
    assert "signature good" in output


def test_committed_data_survives_a_stop(folder: str) -> None:
    one = Server(postgres.running().programs, folder)
    with one:
        port = one.port
        first = Database(one.url())
        with first.begin() as connection:
            connection.execute(text("CREATE TABLE kept (n INTEGER)"))
        first.close()
    assert not answers(one.url())
    one.stop()  # a second time: no effect
    with one:
        assert one.port == port
        second = Database(one.url())
        with second.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM kept")).scalar() == 0
        second.close()
        wrong = one.url().replace(str(second.url.password), "guessed")
        assert not answers(wrong)


def test_it_never_runs_as_root(folder: str) -> None:
    with Server(postgres.running().programs, folder) as one:
        owner = os.stat(os.path.join(one.data, "postmaster.pid")).st_uid
        assert owner != 0
        assert os.stat(one.data).st_mode & 0o077 == 0


def test_a_start_that_fails_says_why(folder: str) -> None:
    one = Server(postgres.running().programs, folder)
    with one:
        pass
    with open(os.path.join(one.data, "postgresql.conf"), "a", encoding="ascii") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(Refusal, match=r"PostgreSQL does not start: .*no_such_setting.*server\.log"):
        one.start()


def test_it_ends_with_the_process_that_started_it(folder: str) -> None:
    code = (
        "import sys, time\nfrom lab.postgres import Server\n"
        "one = Server(sys.argv[1], sys.argv[2])\none.start()\nprint(one.url(), flush=True)\ntime.sleep(600)\n"
    )
    line = [sys.executable, "-c", code, postgres.running().programs, folder]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert answers(url)
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + DEADLINE
    while os.path.exists(os.path.join(folder, "data", "postmaster.pid")):
        assert time.monotonic() < end, Path(folder, "server.log").read_text(encoding="utf-8")
        time.sleep(0.02)
    assert not answers(url)


def test_run_prints_the_address_and_stays_until_it_is_ended() -> None:
    line = [sys.executable, "-m", "lab.cli", "postgres", "run"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        assert answers(url)
        running.send_signal(signal.SIGTERM)
        assert running.wait(DEADLINE) == 130
    assert not answers(url)
