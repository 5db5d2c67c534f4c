"""Engine and switch together, on loopback and on free ports: for the demonstration, the tests and the benchmarks.

A `Stack` does what `systemd` and an installed Asterisk do on a site: it starts the real programs in the real order, and
stops what it started and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from common import unprivileged
from common.command_line import Refusal
from common.places import Places
from common.ports import HOST, free_ports
from common.safe_files import make_private_folder
from ivr import dialplan, facts
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from ivr.dialplan import Seat, make_seats
from ivr.engine_key import keep_engine_key, make_engine_key
from ivr.facts import Fact
from lab.switch.asterisk import Switch
from lab.switch.by_name import script_probe, shared_folders
from lab.switch.faketime import instant
from lab.switch.installation import Installation
from lab.switch.rendering import private_values
from lab.watchdog import Watchdog

Report = Callable[[str], None]


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return when the condition holds; `Refusal` when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Refusal(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


class Engine:
    """The FastAGI engine as a process of its own; it is killed and started again when it hangs."""

    WATCHDOG_SECONDS = 10.0  # as in config/systemd

    def __init__(
        self,
        places: Places,
        port: int,
        metrics_port: int,
        report: Report = lambda line: None,
        on_start: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self.places, self.port, self.metrics_port = places, port, metrics_port
        self.log = os.path.join(places.var, "engine.log")
        self._report = report
        self._on_start = on_start  # called with the process id
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The pid of the running engine, or None."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self, seconds: float = 15.0) -> None:
        """Run `ivr serve` and return when it accepts calls."""
        self._watchdog = Watchdog(self.WATCHDOG_SECONDS, self._replace)
        self._spawn()
        wait_until(lambda: self._is_ready() or not self.running, seconds, "the engine to start")
        if not self.running:
            self._end(signal.SIGKILL, 10.0)
            raise Refusal(f"the engine did not start; see {self.log}:\n{_tail(self.log)}")

    def _replace(self) -> None:
        """Replace the engine, which has stopped reporting. Runs in the watchdog's thread."""
        assert self._process is not None
        self._report(f"the engine hangs: it is killed and started again ({self.log})")
        self._process.kill()
        self._process.wait()
        self._spawn()

    def _spawn(self) -> None:
        assert self._watchdog is not None
        command = [sys.executable, "-m", "ivr.cli", "--config", self.places.config, "--var", self.places.var]
        command += ["serve", "--port", str(self.port), "--metrics-port", str(self.metrics_port)]
        with open(self.log, "ab") as log:
            # A session of its own, so that Ctrl-C in the terminal reaches only us, and we stop the engine in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | self._watchdog.environment, umask=0o027,
            )  # fmt: skip
        self._on_start(self._process.pid)

    def reload(self) -> None:
        self._signal(signal.SIGHUP)

    def stop(self, seconds: float = 70.0) -> int | None:
        """Stop it after its calls; the exit status, None when it was not running."""
        return self._end(signal.SIGTERM, seconds)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL, 10.0)

    def _is_ready(self) -> bool:
        try:
            with open(self.places.engine_state, encoding="utf-8") as file:
                state = json.load(file)
        except (OSError, ValueError):
            return False
        return self._process is not None and bool(state.get("pid") == self._process.pid)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals, seconds: float) -> int | None:
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        if self._process is None:
            return None
        self._signal(number)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(10)
        finally:
            self._process = None


class Stack:
    """Engine and switch of one `Places`: starts and stops them, and reads what they recorded."""

    def __init__(
        self,
        places: Places,
        installation: Installation,
        *,
        name: str = "main",
        system_name: str = "",
        seat_contact: Callable[[str], str] | None = None,
        trunk_contact: str | None = None,
        report: Report = lambda line: None,
        on_start: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self.places = places
        self.report = report
        self.system_name = system_name
        port, metrics_port = free_ports(2, "tcp")
        self.engine = Engine(places, port, metrics_port, report, on_start)
        self.switch = Switch(
            installation,
            places.switch(name),
            prompts=places.audio,
            shared=shared_folders(places),
            starts=[script_probe()],
            system_name=system_name,
            report=report,
        )
        self._seat_contact = seat_contact
        self._trunk_contact = trunk_contact
        self.compiled: Compiled

    def compile(self) -> Compiled:
        """Compile the configuration from `config/`."""
        os.makedirs(self.places.var, exist_ok=True)
        self.compiled = service.compile(self.places)
        return self.compiled

    def start(self, *, faketime: str | None = None) -> None:
        """Compile, start the engine, render the switch's files, start the switch."""
        self.compile()
        for folder in (self.places.facts, self.places.messages, self.places.native_messages):
            make_private_folder(folder)
        if who := unprivileged.account_for(self.places.var):
            # Before the engine makes its socket: the switch's scripts, under another account, must reach it.
            for folder in shared_folders(self.places):
                unprivileged.share_folder(folder, who)
        keep_engine_key(self.places, make_engine_key())
        self.engine.start()
        now = time.time() if faketime is None else instant(faketime)
        self.switch.prepare(lambda switch: self._render(switch, now))
        self.switch.start(faketime=faketime)

    def stop(self) -> None:
        """Stop the switch, which ends its calls, then the engine, which writes its last facts."""
        self.switch.stop()
        self.engine.stop()

    @property
    def sip_port(self) -> int:
        return self.switch.ports.sip

    def log_in(self, seats: Iterable[int], seconds: float = 20.0) -> None:
        """Log operators in: code 101 at seat 1, 102 at seat 2, ...; wait until their telephones are reachable."""
        seats = list(seats)
        for seat in seats:
            self.desk(f"*11{dialplan.FIRST_CODE + seat - 1}*{seat:02d}")
        self.wait_reachable(seats, seconds)

    def wait_reachable(self, seats: Iterable[int], seconds: float = 20.0) -> None:
        """Wait until operators are logged in at these seats and their telephones answer the switch's checks."""
        seats, queue = list(seats), self.compiled["service"]["queue"]["name"]
        wait_until(
            lambda: _are_reachable(self.switch.cli(f"queue show {queue}"), seats),
            seconds,
            f"{len(seats)} operators to log in, and their telephones to be reachable",
        )

    def desk(self, code: str) -> None:
        """Dial a feature code as the desk would (config/asterisk/extensions_nul.conf, nul-desk)."""
        self.switch.cli(f"channel originate Local/{code}@nul-desk application Wait 1")

    def facts(self) -> list[Fact]:
        """All facts of the spool, each once, in order of time."""
        once = {fact.id: fact for fact in facts.read(self.places.facts, unsealed=True)}
        return sorted(once.values(), key=lambda fact: fact.at)

    def queue_log(self) -> list[list[str]]:
        """The complete lines of queue_log, each a list of fields."""
        try:
            with open(os.path.join(self.switch.log, "queue_log"), encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n").split("|") for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def render(self, now: float) -> None:
        """Render the switch's files from the compiled configuration; the switch uses them after a reload."""
        self._render(self.switch, now)

    def _render(self, switch: Switch, now: float) -> None:
        rendered = private_values(self.compiled, self.places, switch, now)
        seats = make_seats(self.compiled["service"]["queue"]["seats"], self._seat)
        values = replace(
            rendered, seats=seats, engine_host=HOST, engine_port=self.engine.port, trunk_contact=self._trunk_contact
        )
        dialplan.write(dialplan.render(self.compiled, values), switch.etc)
        dialplan.install_scripts(self.places)

    def _seat(self, name: str) -> Seat:
        contact = self._seat_contact(name) if self._seat_contact else None
        return Seat(name, contact=contact, password=None if contact else self.switch.ami.secret)


def _are_reachable(listing: str, seats: Iterable[int]) -> bool:
    """Whether these seats are members in the output of `queue show`, with a telephone that answers."""
    members = {seat: re.search(rf"\(PJSIP/seat{seat:02d}\).*", listing) for seat in seats}
    return all(line and not re.search(r"\((Unavailable|Invalid|Unknown)\)", line[0]) for line in members.values())


def _tail(path: str, lines: int = 12) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-lines:])
