"""The telephone of the demonstration: engine, switch, and simulated operators at all seats."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from charter.calendar import OpeningHours
from common.places import Places
from common.ports import HOST, free_ports
from ivr.configuration.compiled import Compiled
from lab.demo import leftovers
from lab.demo.record import Record
from lab.sipp.processes import Sipp, end
from lab.sipp.scenarios import Step
from lab.stack import Stack
from lab.switch.faketime import ROME, instant
from lab.switch.installation import Installation

OPERATOR_TALKS = 4.0  # s

Report = Callable[[str], None]


class Telephone:
    """A telephone at work, as the acts use it."""

    def __init__(self, stack: Stack, sipp: Sipp, seats_port: int, trunk_port: int) -> None:
        self.stack = stack
        self.record = Record(stack)
        self.began = time.time()  # by the switch's clock
        self._sipp = sipp
        self._ahead = 0.0  # seconds by which that clock is ahead of the machine's
        self._seats_port, self._trunk_port = seats_port, trunk_port
        self._operators: subprocess.Popen[bytes] | None = None

    def now(self) -> float:
        """The time by the switch's clock."""
        return time.time() + self._ahead

    def move_clock(self, to: str) -> None:
        """Set the switch's clock to an ISO instant."""
        self.stack.switch.clock.move(to)
        self._ahead = instant(to) - time.time()

    def start(self, opening: str | None) -> None:
        """Start everything, with the switch's clock at `opening`; None: at the machine's time."""
        at = opening or datetime.now(ROME).isoformat()
        self.stack.start(faketime=at)
        self.move_clock(at)
        self.began = self.now()
        self.answer()

    def answer(self, talk_seconds: float = OPERATOR_TALKS) -> None:
        """Let the operators answer from now on, and talk for so many seconds."""
        if self._operators is not None:
            end(self._operators)
        self._operators = self._sipp.answering("operators", self._seats_port, talk_seconds)

    @contextlib.contextmanager
    def citizen(self, operator_talks: float, citizen_talks: float) -> Iterator[None]:
        """Let the trunk lead to a citizen who answers, and operators talk for longer than usual."""
        self.answer(operator_talks)
        citizen = self._sipp.answering("citizen", self._trunk_port, citizen_talks)
        try:
            yield
        finally:
            end(citizen)
            self.answer()

    def call(self, name: str, caller: str, steps: Sequence[Step]) -> subprocess.Popen[bytes]:
        """Let a simulated caller dial the service."""
        return self._sipp.caller(name, caller, steps, self.number, self.stack.sip_port)

    @property
    def number(self) -> str:
        return self.stack.compiled["service"]["service"]["number"]

    @property
    def address(self) -> str:
        return f"sip:{self.number}@{HOST}:{self.stack.sip_port}"


@contextlib.contextmanager
def telephone(places: Places, installation: Installation, report: Report) -> Iterator[Telephone]:
    """A telephone with all operators logged in; everything is stopped at the end, also after an error."""
    folder = os.path.join(places.var, "demo")
    with leftovers.alone(places, folder):
        children = leftovers.Children(os.path.join(folder, "processes.jsonl"))
        seats_port, trunk_port = free_ports(2)
        stack = Stack(
            places,
            installation,
            name="demo",
            system_name=f"demo{int(time.time()):x}",  # no other run has begun in this second: see `leftovers.alone`
            seat_contact=lambda seat: f"sip:{seat}@{HOST}:{seats_port}",
            trunk_contact=f"sip:{HOST}:{trunk_port}",
            report=report,
            on_start=children.note,
        )
        if stack.switch.stop():
            report("an earlier demonstration was killed: what it has left running is stopped")
        children.end()
        leftovers.refuse_second_engine(places)
        sipp = Sipp(installation, folder, children.note)
        try:
            working = Telephone(stack, sipp, seats_port, trunk_port)
            _open(working, report)
            yield working
        finally:
            report("stopping what was started")
            sipp.stop()
            stack.stop()
            children.end()


def _open(telephone: Telephone, report: Report) -> None:
    stack = telephone.stack
    opening = opening_moment(stack.compile(), time.time())
    if opening:
        report(f"it is closed now: the switch's clock is set to {opening}, Italian time")
    telephone.start(opening)
    report(f"engine on port {stack.engine.port}, Asterisk on SIP port {stack.sip_port}")
    seats = stack.compiled["service"]["queue"]["seats"]
    stack.log_in(range(1, seats + 1))
    report(f"{seats} operators have logged in")


def opening_moment(compiled: Compiled, now: float) -> str | None:
    """An hour after the next opening, as an ISO instant of Italian time; None when it is open now."""
    hours = OpeningHours.of(compiled["service"])
    if hours.is_open(now) and hours.is_open(now + 600):
        return None
    zone = ZoneInfo(compiled["service"]["service"]["time_zone"])
    return datetime.fromtimestamp(hours.next_opening(now) + 3600, zone).replace(tzinfo=None).isoformat(" ")
