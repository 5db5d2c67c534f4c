"""`ivr serve` as a process: its signals, its death, its place among other starts."""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.places import ROOT, Places
from ivr import cli
from ivr.configuration.compiled import Compiled
from ivr.facts import read
from tests.ivr.engine_lines import environment

PATIENCE = 20.0


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    latest = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < latest, f"waited {PATIENCE} s for {what}"
        time.sleep(0.01)
    return found


class Served:
    """An engine in a process of its own."""

    def __init__(self, var: Path, *options: str) -> None:
        self.places = Places(var=str(var))
        self._log = var / f"log-{len(list(var.iterdir()))}"
        with open(self._log, "wb") as log:
            command = [sys.executable, "-m", "ivr.cli", "--var", str(var), "serve", "--port", "0", *options]
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log)
        self.state = wait_for(self._state, "the engine")

    def _state(self) -> Any:
        assert self.process.poll() is None, self.log
        with contextlib.suppress(FileNotFoundError):
            state = json.loads(Path(self.places.engine_state).read_text())
            return state if state["pid"] == self.process.pid else None
        return None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in map(json.loads, self.log.splitlines()) if entry["event"] == name]

    def dial(self, script: str = "survey", call: str = "1785000000.1") -> socket.socket:
        line = socket.create_connection((self.state["host"], self.state["port"]), timeout=PATIENCE)
        line.sendall(environment(script, call))
        return line

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(PATIENCE)


@pytest.fixture
def var(compiled: Compiled, tmp_path: Path) -> Path:
    compiled["service"]["engine"]["metrics_port"] = None
    Path(Places(var=str(tmp_path)).compiled).write_text(json.dumps(compiled))
    return tmp_path


@pytest.fixture
def served(var: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*options: str) -> Served:
        started.append(Served(var, *options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


def answer(line: socket.socket, replies: int = 1000) -> list[str]:
    """Answer that many commands with "nobody presses anything", or all until the engine closes."""
    commands: list[str] = []
    with line.makefile("r", encoding="utf-8") as stream:
        for _ in range(replies):
            command = stream.readline().rstrip("\n")
            if not command:
                break
            commands.append(command)
            line.sendall(b"200 result=0 endpos=8000\n" if command.startswith("STREAM") else b"200 result=0\n")
    return commands


def test_sigterm_drains_with_a_call_under_way(served: Callable[..., Served]) -> None:
    engine = served()
    with engine.dial() as line:
        assert line.recv(5, socket.MSG_PEEK)
        engine.tell(signal.SIGTERM)
        wait_for(lambda: not os.path.exists(engine.places.socket), "the drain to begin")
        with pytest.raises(ConnectionRefusedError):
            engine.dial()
        assert engine.process.poll() is None
        assert "IVR_OUTCOME" in answer(line)[-1]
    assert engine.ended() == 0
    assert not os.path.exists(engine.places.engine_state)
    assert engine.events("draining")[0]["sessions"] == 1
    assert engine.events("stopped")[0]["cut_off"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(served: Callable[..., Served], number: signal.Signals) -> None:
    engine = served()
    with engine.dial() as line:
        assert line.recv(5)
        engine.tell(number)
        wait_for(lambda: engine.events("draining"), "the drain to begin")
        engine.tell(number)
        assert engine.ended() == 0
    assert engine.events("stopped")[0]["cut_off"] == 1


def test_sigkill_then_a_new_start_finds_every_fact(served: Callable[..., Served]) -> None:
    engine = served()
    calls = [engine.dial("menu", f"1785000000.{number}") for number in range(5)]
    for line in calls:
        assert answer(line, 2)[0] == "ANSWER"
    wait_for(lambda: len(list(read(engine.places.facts, unsealed=True))) == 5, "the facts")
    engine.tell(signal.SIGKILL)
    assert engine.ended() == -signal.SIGKILL
    for line in calls:
        line.close()
    again = served()  # its socket and its state file were left behind, and are replaced
    facts = list(read(again.places.facts))
    assert sorted(fact.call for fact in facts) == [f"1785000000.{number}" for number in range(5)]
    assert {fact.kind for fact in facts} == {"answered"}
    with again.dial() as line:
        assert "IVR_OUTCOME" in answer(line)[-1]


def test_a_second_start_is_refused_and_names_the_first(
    served: Callable[..., Served], var: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = served()
    assert cli.main(["--var", str(var), "serve", "--port", "0"]) == 1
    message = capsys.readouterr().err
    assert f"an engine is running already, process {engine.process.pid}; stop it first" in message
    with engine.dial() as line:  # the first engine still works
        assert answer(line)


def test_sighup_takes_up_the_new_configuration(served: Callable[..., Served], compiled: Compiled) -> None:
    engine = served()
    with engine.dial() as line:
        for content, event in (("{", "reload_refused"), (json.dumps({**compiled, "revision": "new"}), "reloaded")):
            Path(engine.places.compiled).write_text(content)
            engine.tell(signal.SIGHUP)
            wait_for(lambda event=event: engine.events(event), event)
        assert "IVR_OUTCOME" in answer(line)[-1]
    assert json.loads(Path(engine.places.engine_state).read_text())["revision"] == "new"


def test_metrics_on_the_loopback_address(served: Callable[..., Served]) -> None:
    engine = served("--metrics-port", "0")
    with engine.dial() as line:
        answer(line)
    url = f"http://127.0.0.1:{engine.state['metrics_port']}/metrics"

    def ended() -> bool:
        with urllib.request.urlopen(url, timeout=PATIENCE) as page:
            text = page.read().decode()
        return 'ivr_sessions_total{ending="done",flow="survey"} 1.0' in text and "process_cpu_seconds_total" in text

    wait_for(ended, "the session to be counted")


def test_verbose_logs_the_end_of_each_session(served: Callable[..., Served]) -> None:
    engine = served("--verbose")
    with engine.dial(call="1785000000.77") as line:
        answer(line)
    [entry] = wait_for(lambda: engine.events("session_ended"), "the line")
    assert entry["call"] == "1785000000.77"
    assert "3331234567" not in engine.log


def test_all_flows_of_the_product_are_served(served: Callable[..., Served]) -> None:
    engine = served()
    for script in ("menu", "survey", "voicemail", "notice", "ended"):
        with engine.dial(script) as line:
            assert line.recv(4), script
    engine.tell(signal.SIGTERM)
    assert engine.ended() == 0
    assert engine.events("flow_failed") == []
    assert engine.events("alarm") == []


def test_what_the_switch_recorded_while_no_engine_answered_becomes_a_message(
    served: Callable[..., Served], var: Path
) -> None:
    native = Path(Places(var=str(var)).native_messages)
    native.mkdir(parents=True)
    recording = native / "1785000000-1785000000.42-3331234567-closed.wav"
    with wave.open(str(recording), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\x00\x10\x00\xf0" * 12000)
    recording.with_suffix(".done").touch()
    engine = served()
    [fact] = wait_for(lambda: list(read(engine.places.facts)), "the fact")
    assert (fact.kind, fact.call) == ("message", "1785000000.42")
    wait_for(lambda: not os.listdir(native), "the recording to be taken in")
    assert engine.events("alarm") == []


def test_without_a_configuration_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--var", str(tmp_path), "serve"]) == 1
    assert "compiled.json: not there yet; run `ivr compile`" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http", "²"])
def test_an_invalid_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["serve", f"--port={port}"])
    assert "is not a port; give 0 to 65535" in capsys.readouterr().err


# the systemd unit


@pytest.fixture
def unit() -> configparser.ConfigParser:
    class Parser(configparser.ConfigParser):
        def optionxform(self, name: str) -> str:
            return name

    parser = Parser(strict=False, interpolation=None)
    folder = os.path.join(ROOT, "config", "systemd")
    parser.read([os.path.join(folder, "nul-engine.service"), os.path.join(folder, "nul-.service.d", "hardening.conf")])
    return parser


def test_systemd_waits_longer_than_the_drain(unit: configparser.ConfigParser, shipped: Compiled) -> None:
    assert float(unit["Service"]["TimeoutStopSec"]) >= shipped["service"]["engine"]["drain_seconds"] + 10


def test_systemd_signals_as_the_engine_understands(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    assert service["KillSignal"] == "SIGTERM"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["Type"] == "notify"  # ivr.server.engine.notify_systemd
    assert service["ExecStart"].endswith("/ivr serve")
    assert 3 <= float(service["WatchdogSec"]) <= 15  # as long as a caller would bear silence
    assert service["WatchdogSignal"] == "SIGKILL"  # no last words from who stands still, and no core with callers in it
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"


def test_systemd_gives_enough_descriptors(unit: configparser.ConfigParser, shipped: Compiled) -> None:
    assert int(unit["Service"]["LimitNOFILE"]) > shipped["service"]["engine"]["most_sessions"] * 2
