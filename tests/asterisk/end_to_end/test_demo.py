"""`make run` and `make demo`, as a newcomer starts them."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.places import Places
from lab.acts.call import STEPS
from lab.switch.installation import install
from tests.asterisk.support.system import wait_until

pytestmark = pytest.mark.switch


class Program:
    """A running `lab`, and its output so far."""

    def __init__(self, *arguments: str, keys: str = "") -> None:
        self.printed = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.cli", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(keys)
        self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed += line

    def wait_printed(self, text: str, seconds: float) -> None:
        def there() -> bool:
            return text in self.printed or self._process.poll() is not None

        wait_until(there, f"{text!r} in:\n{self.printed}", seconds)
        assert text in self.printed, self.printed

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        status = self._process.wait(seconds)
        self._reader.join(5)
        return status

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def var(tmp_path: Path) -> Iterator[str]:
    """A new var/ that has the installed switch."""
    tree = Path(install(Places(), report=lambda line: None).tree)
    (tmp_path / "switch").mkdir()
    (tmp_path / "switch" / "tree").symlink_to(tree)
    yield str(tmp_path)


@pytest.fixture
def run() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*arguments: str, keys: str = "") -> Program:
        started.append(Program(*arguments, keys=keys))
        return started[-1]

    yield start
    for program in started:
        program.end()


def processes_of(folder: str) -> list[str]:
    """Command lines of running programs that name the folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in line and int(path.parent.name) != os.getpid():
            lines.append(line)
    return lines


def test_every_step_happens_also_after_a_killed_run_and_in_a_repeated_run(
    run: Callable[..., Program], var: str
) -> None:
    killed = run("--var", var, "demo")
    killed.wait_printed("the caller presses 0", 240)
    killed.send(signal.SIGKILL)
    assert killed.wait(5) == -signal.SIGKILL
    assert processes_of(var) != []  # engine, switch and telephones

    demo = run("--var", var, "demo", "--stay")
    demo.wait_printed("stays up. Dial sip:800000039@127.0.0.1:", 240)
    assert "an earlier demonstration was killed: what it has left running is stopped" in demo.printed
    assert_complete(demo.printed)
    second = run("--var", var, "demo")
    assert second.wait(30) == 1
    assert f"{var}: a demonstration runs here already; stop it, or use --var DIR" in second.printed
    demo.send(signal.SIGTERM)  # `kill` of a background job: to the process group, and once more from make
    demo.send(signal.SIGTERM)
    demo.wait_printed("stopping what was started", 60)
    demo.send(signal.SIGTERM)
    assert demo.wait(60) == 0
    assert processes_of(var) == []

    again = run("--var", var, "demo")
    assert again.wait(240) == 0, again.printed
    assert_complete(again.printed)
    assert processes_of(var) == []
    assert registered(var)[-4:] == [("phone", "closed", "unclassified"), ("voicemail", "closed", "resolved")] * 2


def assert_complete(printed: str) -> None:
    """Every step of a whole run happened, in order."""
    assert "== Every step happened." in printed, printed
    assert " NOT " not in printed
    steps = [line.split(" ok ")[1].strip() for line in printed.splitlines() if " s  ok " in line]
    assert steps[: len(STEPS)] == [step.text for step in STEPS]
    night = [step for step in steps if "message" in step]
    assert len(night) == 2 and "is request NUL-" in night[1]
    assert "Asterisk rings the operator's telephone, then the citizen's, who answers" in steps
    assert re.fullmatch(r"request NUL-\d{4}-\d{6}-\d is closed: resolved", steps[-7])
    assert re.fullmatch(r"\d lines of queue_log make 1 visit", steps[-6])
    assert steps[-1] == "2 requests opened, 2 closed"


def test_ctrl_c_in_the_middle_of_a_call_stops_everything(run: Callable[..., Program], var: str) -> None:
    demo = run("--var", var, "demo")
    demo.wait_printed("the service answers", 240)
    demo.send(signal.SIGINT)
    assert demo.wait(60) == 130
    assert "stopping what was started" in demo.printed
    assert "Traceback" not in demo.printed
    assert processes_of(var) == []


def registered(var: str) -> list[tuple[str, str, str]]:
    """Channel, state and outcome of every request."""
    with closing(sqlite3.connect(f"{var}/registry.db")) as database:
        return database.execute("SELECT channel, state, outcome FROM request ORDER BY protocol").fetchall()


def test_without_an_asterisk_the_rehearsal_runs_instead(run: Callable[..., Program], tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused at once
        mirror = f"http://127.0.0.1:{closed.getsockname()[1]}/debian"
        rehearsal = run("--var", str(tmp_path), "demo", "--stay", "--mirror", mirror, keys="0\n\n" * 8)
        assert rehearsal.wait(60) == 0
    assert "No Asterisk could be obtained" in rehearsal.printed
    assert "Lei ha chiamato 800000039" in rehearsal.printed
    assert "The call is over" in rehearsal.printed


def test_without_stay_the_demonstration_fails_without_an_asterisk(run: Callable[..., Program], tmp_path: Path) -> None:
    demo = run("--var", str(tmp_path), "demo", "--mirror", "http://127.0.0.1:9/debian")
    assert demo.wait(60) == 1
    assert "lab demo:" in demo.printed
