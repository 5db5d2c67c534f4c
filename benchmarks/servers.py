"""The FastAGI servers that are compared, and how each is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks import flows, machine, plays
from common.places import ROOT, Places
from ivr.configuration.service import compile as compile_configuration
from ivr.facts import SEALED

HERE = Path(__file__).parent
START_SECONDS = 15.0

BARE_UVLOOP, PANORAMISK = "bare Protocol, uvloop", "panoramisk"
OURS_TWELVE, OURS_MENU = "ours: 12-command flow", "ours: the real menu"


class Failure(Exception):
    """A server that cannot be measured; the message goes into the table."""


class Kind(NamedTuple):
    """A server as a row of the tables. `command` gets a new folder, and may raise `Failure`."""

    name: str
    command: Callable[[Path], list[str]]
    play: plays.Play = plays.TWELVE
    ours: bool = False


class Server:
    """One running server."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        folder.mkdir(parents=True)
        command = kind.command(folder)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "flows"), ROOT])}
        with open(folder / "errors", "wb") as errors:
            self._process = subprocess.Popen(
                [*machine.on_core(1), *command],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=environment,
            )  # fmt: skip
        try:
            self.port = self._engine_port() if kind.ours else self._printed_port()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def facts(self) -> int:
        """The number of sealed facts in the spool; call it after `stop`."""
        spool = Path(Places(var=str(self._folder / "var")).facts)
        return sum(path.read_bytes().count(b"\n") for path in spool.rglob(f"*{SEALED}"))

    def last_error(self) -> str:
        lines = (self._folder / "errors").read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no error message"

    def _printed_port(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()  # empty if the process has ended
        if not line.strip().isdigit():
            raise Failure(f"did not start: {self.last_error()}")
        return int(line)

    def _engine_port(self) -> int:
        path = Path(Places(var=str(self._folder / "var")).engine_state)
        end = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            if path.exists():
                return int(json.loads(path.read_text())["port"])
            time.sleep(0.02)
        raise Failure(f"did not start: {self.last_error()}")


def kinds(work: Path) -> list[Kind]:
    """All rows: the limit first, our servers last. The peers' virtual environment is made if it is missing."""
    limit = machine.compiled(HERE / "fastagi_limit.c", work)

    def bare(*arguments: str) -> Callable[[Path], list[str]]:
        return lambda folder: [sys.executable, str(HERE / "peers" / "bare.py"), *arguments]

    def peer(file: str, *arguments: str) -> Callable[[Path], list[str]]:
        return lambda folder: [peers_python(), str(HERE / "peers" / file), *arguments]

    return [
        Kind("C epoll loop (limit)", lambda folder: [str(limit)]),
        Kind(BARE_UVLOOP, bare("uvloop")),
        Kind("bare Protocol, asyncio", bare()),
        Kind(PANORAMISK, peer("panoramisk_server.py")),
        Kind("panoramisk on uvloop", peer("panoramisk_server.py", "uvloop")),
        Kind("pystrix", peer("pystrix_server.py")),
        Kind("pyst2, transport repaired", peer("pyst2_server.py")),
        Kind(OURS_TWELVE, _engine, plays.TWELVE, ours=True),
        Kind(OURS_MENU, _engine, plays.MENU, ours=True),
    ]


def _engine(folder: Path) -> list[str]:
    """`ivr serve` with the shipped configuration and, beside its own flows, those of the benchmark."""
    flows.install(folder / "flows")
    places = Places(config=os.path.join(ROOT, "config"), var=str(folder / "var"))
    compile_configuration(places)
    program = [sys.executable, "-m", "ivr.cli", "--config", places.config, "--var", places.var]
    return [*program, "serve", "--port", "0", "--metrics-port", "0"]


def peers_python() -> str:
    """The interpreter with the peers' packages. Raises `Failure`."""
    python = _peers_environment()
    if isinstance(python, Failure):
        raise python
    return python


@cache
def _peers_environment() -> str | Failure:
    """The interpreter of the peers' virtual environment, made from `requirements.txt`; or the failure to make it."""
    folder = Path(Places().var, "bench", "venv")
    python, stamp, required = folder / "bin" / "python", folder / "requirements.txt", HERE / "requirements.txt"
    if stamp.exists() and stamp.read_bytes() == required.read_bytes():
        return str(python)
    print("   making the peers' virtual environment", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    outcome = subprocess.run([*install, "-r", str(required)], capture_output=True, text=True, check=False)
    if outcome.returncode:
        messages = outcome.stderr.strip().splitlines() or ["no message from pip"]
        return Failure(f"the peers could not be installed: {messages[-1][:200]}")
    stamp.write_bytes(required.read_bytes())
    return str(python)
