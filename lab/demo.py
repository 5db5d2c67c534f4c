"""The demonstration: a whole call on a real Asterisk, told step by step as it happens.

A simulated caller (SIPp) dials the service, presses a topic, waits, is answered by one of twelve simulated operators,
answers the survey. What is told comes from what the system itself recorded: the facts and Asterisk's queue_log. The
demonstration has passed when every step was seen.

Further acts are in `lab.acts`; the command plays them in order.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from charter.calendar import OpeningHours
from common.command_line import Refusal
from common.places import Places
from common.ports import HOST, free_ports
from ivr.configuration.compiled import Compiled
from ivr.facts import Fact
from ivr.prompts import catalogue, voices
from lab import sipp
from lab.debian.installation import Installation
from lab.faketime import ROME, instant
from lab.stack import Stack

OPERATOR_RINGS, OPERATOR_TALKS = 1.0, 4.0  # s
CALL_SECONDS = 90.0  # by then the demonstration call is over
CALLER = "0612345678"

Report = Callable[[str], None]
Tell = Callable[[float, str, bool], None]  # seconds since the act began, what happened, whether it did


class Step(NamedTuple):
    """Something that must happen in the demonstration, and how it is told."""

    told: str
    seen: Callable[[Seen], bool]


class Seen(NamedTuple):
    """What the system has recorded so far."""

    facts: list[Fact]
    queue_log: list[list[str]]

    def fact(self, kind: str) -> bool:
        return any(fact.kind == kind for fact in self.facts)

    def answers(self) -> int:
        return sum(fact.kind == "survey" for fact in self.facts)

    def event(self, verb: str) -> bool:
        return any(len(line) > 4 and line[4] == verb for line in self.queue_log)

    def fate(self) -> str:
        return next((str(fact.data["fate"]) for fact in self.facts if fact.kind == "ended"), "")


STEPS = (
    Step("the service answers and says welcome", lambda seen: seen.fact("answered")),
    Step("the caller presses 5 (another topic)", lambda seen: seen.fact("choice")),
    Step("the menu hands the caller over to the queue", lambda seen: seen.fact("handed_over")),
    Step("Asterisk lets the caller into the queue", lambda seen: seen.event("ENTERQUEUE")),
    Step("an operator answers", lambda seen: seen.event("CONNECT")),
    Step("the conversation is over, the operator hangs up", lambda seen: seen.event("COMPLETEAGENT")),
    Step("survey: is the problem solved? 5 of 5", lambda seen: seen.answers() >= 1),
    Step("survey: was the operator courteous? 4 of 5", lambda seen: seen.answers() >= 2),
    Step("survey: satisfied on the whole? 5 of 5", lambda seen: seen.answers() >= 3),
    Step("the call has ended, and its fate is written down: answered", lambda seen: seen.fate() == "answered"),
)


def caller_steps() -> list[sipp.Step]:
    """What the caller does. SIPp hears nothing, so its pauses are as long as what is said to it."""
    in_queue = OPERATOR_RINGS + OPERATOR_TALKS
    return [
        sipp.Pause(4.0),
        sipp.Key("5"),  # in the middle of the welcome: somebody who knows the menu
        sipp.Pause(7.0 + in_queue + 3.0),  # "please hold", the operator, and the beginning of the survey
        sipp.Key("5"),
        sipp.Pause(4.0),
        sipp.Key("4"),
        sipp.Pause(4.0),
        sipp.Key("5"),
        sipp.AwaitHangUp(30.0),
    ]


class Sipp:
    """SIPp processes that were started here, and are stopped here."""

    def __init__(self, installation: Installation, folder: str) -> None:
        self._installation = installation
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        os.makedirs(folder, exist_ok=True)

    def run(self, name: str, scenario: str, *arguments: str) -> subprocess.Popen[bytes]:
        path = os.path.join(self._folder, f"{name}.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(scenario)
        errors = ["-trace_err", "-error_file", os.path.join(self._folder, f"{name}.err")]
        command = [*self._installation.command("sipp"), "-sf", path, "-nostdin", "-i", HOST, "-mi", HOST, *errors]
        with open(os.path.join(self._folder, f"{name}.out"), "wb") as out:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, "TERM": "dumb"},
            )  # fmt: skip
        self._processes.append(process)
        return process

    def answering(self, name: str, port: int, talks: float) -> subprocess.Popen[bytes]:
        """Telephones that are answered, all at one address: those of the seats, say."""
        scenario = sipp.operators(OPERATOR_RINGS, talks)
        return self.run(name, scenario, "-p", str(port), "-mp", str(_media_port()))

    def caller(
        self, name: str, caller: str, steps: Sequence[sipp.Step], number: str, sip_port: int
    ) -> subprocess.Popen[bytes]:
        (port,) = free_ports(1)
        own = ["-p", str(port), "-mp", str(_media_port())]
        scenario = sipp.caller(name, caller, steps)
        return self.run(name.replace(" ", "-"), scenario, f"{HOST}:{sip_port}", "-s", number, "-m", "1", *own)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """One of ours, told to end: return when it is gone."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait(5)


def _media_port() -> int:
    return free_ports(2)[0] & ~1


class Telephone:
    """Engine, switch and operators at work."""

    def __init__(self, stack: Stack, sipp: Sipp, seats_port: int, trunk_port: int) -> None:
        self.stack = stack
        self.sipp = sipp
        self.began = time.time()  # by the switch's clock
        self._ahead = 0.0  # seconds by which that clock is ahead of ours
        self._seats_port, self._trunk_port = seats_port, trunk_port
        self._seats: subprocess.Popen[bytes] | None = None

    def now(self) -> float:
        """By the switch's clock."""
        return time.time() + self._ahead

    def move_clock(self, to: str) -> None:
        """Let it be that ISO instant for the switch, and so for all that it tells."""
        self.stack.switch.clock.move(to)
        self._ahead = instant(to) - time.time()

    def answer(self, talks: float = OPERATOR_TALKS) -> None:
        """Operators are at their telephones, and talk for so many seconds."""
        if self._seats is not None:
            end(self._seats)
        self._seats = self.sipp.answering("operators", self._seats_port, talks)

    @contextlib.contextmanager
    def at_the_desk(self, operator_talks: float, citizen_talks: float) -> Iterator[None]:
        """Operators do not hang up so soon, and the trunk leads to a citizen who answers."""
        self.answer(operator_talks)
        citizen = self.sipp.answering("citizen", self._trunk_port, citizen_talks)
        try:
            yield
        finally:
            end(citizen)
            self.answer()

    def call(self, name: str, caller: str, steps: Sequence[sipp.Step]) -> subprocess.Popen[bytes]:
        """Somebody dials the service."""
        return self.sipp.caller(name, caller, steps, self.number, self.stack.sip_port)

    @property
    def number(self) -> str:
        return self.stack.compiled["service"]["service"]["number"]

    @property
    def address(self) -> str:
        return f"sip:{self.number}@{HOST}:{self.stack.sip_port}"


@contextlib.contextmanager
def telephone(places: Places, installation: Installation, report: Report) -> Iterator[Telephone]:
    """Engine, switch and all operators at work; stopped at the end, whatever happens."""
    refuse_second(places)
    seats_port, trunk_port = free_ports(2)
    stack = Stack(
        places,
        installation,
        name="demo",
        seat_contact=lambda seat: f"sip:{seat}@{HOST}:{seats_port}",
        trunk_contact=f"sip:{HOST}:{trunk_port}",
        report=report,
    )
    extras = Sipp(installation, os.path.join(places.var, "demo"))
    try:
        working = Telephone(stack, extras, seats_port, trunk_port)
        opening = opening_moment(stack.compile(), time.time())
        if opening:
            report(f"it is closed now: the switch's clock is set to {opening}, Italian time")
        stack.start(faketime=opening or datetime.now(ROME).isoformat())
        working.move_clock(opening or datetime.now(ROME).isoformat())
        working.began = working.now()
        report(f"engine on port {stack.engine.port}, Asterisk on SIP port {stack.sip_port}")
        working.answer()
        seats = stack.compiled["service"]["queue"]["seats"]
        stack.log_in(range(1, seats + 1))
        report(f"{seats} operators have logged in")
        yield working
    finally:
        report("stopping what was started")
        extras.stop()
        stack.stop()


def opening_moment(compiled: Compiled, now: float) -> str | None:
    """An hour after the next opening, as an ISO instant of Italian time; None when it is open now."""
    hours = OpeningHours.of(compiled["service"])
    if hours.is_open(now) and hours.is_open(now + 600):
        return None
    zone = ZoneInfo(compiled["service"]["service"]["time_zone"])
    return datetime.fromtimestamp(hours.next_opening(now) + 3600, zone).replace(tzinfo=None).isoformat(" ")


def place_call(telephone: Telephone, tell: Tell) -> bool:
    """Place the call, tell each step as it is seen; whether every step was."""
    stack = telephone.stack
    facts_before, lines_before = len(stack.facts()), len(stack.queue_log())
    caller = telephone.call("the caller", CALLER, caller_steps())
    began = time.monotonic()
    waiting = list(STEPS)
    while waiting and time.monotonic() - began < CALL_SECONDS:
        seen = Seen(stack.facts()[facts_before:], stack.queue_log()[lines_before:])
        while waiting and waiting[0].seen(seen):
            tell(time.monotonic() - began, waiting.pop(0).told, True)
        if caller.poll() is not None and waiting and time.monotonic() - began > 5 and _settled(stack, seen):
            break
        time.sleep(0.1)
    for step in waiting:
        tell(time.monotonic() - began, step.told, False)
    with contextlib.suppress(subprocess.TimeoutExpired):
        caller.wait(10)
    return not waiting and caller.returncode == 0


def _settled(stack: Stack, seen: Seen) -> bool:
    """The caller is gone: has the system written its last word?"""
    return bool(seen.fate()) or not stack.engine.running


def prepare_prompts(places: Places, report: Report) -> None:
    """Make the audio of prompts that have none, with whatever voice there is."""
    missing = catalogue.missing(places)
    if not missing:
        return
    try:
        prompt_texts, voice = catalogue.load(places), voices.find("auto", places)
    except voices.VoiceError as problem:
        report(f"{len(missing)} prompts have no audio and stay silent: {problem}")
        return
    report(f"{len(missing)} prompts have no audio yet: made now with the voice {voice.name}")
    for id, alaw in zip(missing, voices.telephone(voice, [prompt_texts[id].text for id in missing]), strict=True):
        catalogue.keep(places, prompt_texts[id], alaw, voice.name)


def refuse_second(places: Places) -> None:
    """Two demonstrations in one `var/` would share their state."""
    try:
        with open(places.engine_state, encoding="utf-8") as file:
            state = file.read()
    except FileNotFoundError:
        return
    raise Refusal(f"{places.engine_state}: an engine runs here already ({state.strip()}); stop it, or use --var DIR")
