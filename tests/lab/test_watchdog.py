"""The watchdog receives an engine's reports, and notices when they stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from ivr.server.engine import watchdog_seconds
from lab.watchdog import Watchdog

PATIENCE = 0.2  # s
DEADLINE = 20.0


class Watched:
    """A process that can report; `silent` is set when the watchdog notices its silence."""

    def __init__(self) -> None:
        self.silent = threading.Event()
        self.watchdog = Watchdog(PATIENCE, self.silent.set)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def report(self, message: str) -> None:
        address = self.watchdog.environment["NOTIFY_SOCKET"]
        self._socket.sendto(message.encode(), "\0" + address.removeprefix("@"))

    def close(self) -> None:
        self._socket.close()
        self.watchdog.close()


@pytest.fixture
def process() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.close()


def test_a_process_that_stops_reporting_is_noticed(process: Watched) -> None:
    process.report("READY=1")
    process.report("WATCHDOG=1")
    assert process.silent.wait(DEADLINE)


def test_silence_is_noticed_once_for_each_process_that_was_ready(process: Watched) -> None:
    for _ in range(2):
        process.silent.clear()
        process.report("READY=1")
        assert process.silent.wait(DEADLINE)
    process.silent.clear()
    assert not process.silent.wait(3 * PATIENCE)


@pytest.mark.parametrize("last", ["RELOADING=1", "STOPPING=1", ""])
def test_a_process_that_starts_or_stops_need_not_report(process: Watched, last: str) -> None:
    if last == "STOPPING=1":
        process.report("READY=1")
    process.report(last)
    assert not process.silent.wait(3 * PATIENCE)


def test_two_watchdogs_have_two_addresses(process: Watched) -> None:
    other = Watchdog(PATIENCE, lambda: None)
    assert other.environment["NOTIFY_SOCKET"] != process.watchdog.environment["NOTIFY_SOCKET"]
    other.close()


@pytest.mark.parametrize(
    ("microseconds", "seconds"), [("10000000", 10 / 3), ("60000000", 5.0), ("", 5.0), ("soon", 5.0)]
)
def test_an_engine_reports_three_times_within_the_time_limit(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, seconds: float
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    assert watchdog_seconds() == pytest.approx(seconds)
