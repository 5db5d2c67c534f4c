"""Many simultaneous callers on one system; each has its own number, by which the test finds the call.

A test that waits for prompts spends its time waiting; twenty callers wait as long as one. Each plays its part in a
thread; the error of a part fails the test of that part.
"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ivr.facts import Fact
from tests.asterisk.support.call_steps import voice
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import NUMBER, System, wait_until

WITHHELD = ""  # what the CDR has instead of a number that is withheld
PATIENCE = 40.0  # s: for a prompt, when many are on the line and the machine is busy


class Person:
    """A caller among many. `desk` holds the operators; at the `meeting` all callers wait for each other."""

    def __init__(
        self, system: System, number: str | None, desk: Operators, meeting: threading.Barrier | None = None
    ) -> None:
        self.system = system
        self.number = number
        self.desk = desk
        self._meeting = meeting
        self.line: Line

    def dial(self) -> None:
        self.line = self.system.caller.dial(NUMBER, self.system.stack.sip_port, caller=self.number)
        self.line.wait_answered(PATIENCE)

    def hear(self, *prompts: str) -> None:
        """Wait until each of them has begun to be heard, in this order."""
        for prompt in prompts:
            position = self.line.wait_heard(self.system.sound(prompt), PATIENCE)
            del self.line.heard[: position + 1]  # the next one must come later

    def press(self, keys: str) -> None:
        self.line.press(keys)

    def do(self, *steps: str) -> None:
        """Do each step: "topics 0" hears the topics and presses 0; without a key, it only hears."""
        for step in steps:
            prompt, _, keys = step.partition(" ")
            self.hear(prompt)
            self.press(keys)

    def speak(self, seconds: float) -> None:
        """Say something that is recorded, and wait until it was spoken."""
        self.begin_to_speak(seconds)
        self.line.wait_quiet(PATIENCE)

    def begin_to_speak(self, seconds: float) -> None:
        """After the tone, which takes half a second; what is said into it is not recorded."""
        self.line.speak(b"\xd5" * 8000)
        self.line.speak(voice(seconds))

    def meet(self) -> None:
        """Wait until everybody is here."""
        assert self._meeting is not None
        self._meeting.wait(PATIENCE)

    def talk(self) -> Line:
        """Be answered by an operator; the operator's line."""
        return self.desk.talk_to(self)

    def wait_ended(self) -> None:
        self.line.wait_ended(PATIENCE)

    def hang_up(self) -> None:
        self.line.hang_up()


Part = Callable[[Person], None]


def play(
    desk: Operators, parts: Mapping[str, Part], numbers: Mapping[str, str | None], *meetings: Callable[[], None]
) -> dict[str, BaseException | None]:
    """Let all callers dial, play their parts and hang up; the error of each part, or None.

    When all have reached `Person.meet`, the next of the `meetings` is called.
    """
    agenda = iter(meetings)

    def hold() -> None:
        next(agenda)()

    meeting = threading.Barrier(len(parts), hold)

    def act(name: str) -> None:
        person = Person(desk.system, numbers[name], desk, meeting)
        try:
            parts[name](person)
        except BaseException:
            meeting.abort()  # the others must not wait for this one
            raise
        finally:
            person.hang_up()

    with ThreadPoolExecutor(len(parts)) as threads:
        acting = {name: threads.submit(act, name) for name in parts}
    return {name: done.exception() for name, done in acting.items()}


def hears(*prompts: str) -> Part:
    """Dials, and hears these prompts."""

    def part(person: Person) -> None:
        person.dial()
        person.hear(*prompts)

    return part


def presses(*steps: str) -> Part:
    """Dials, and does the steps: see `Person.do`."""

    def part(person: Person) -> None:
        person.dial()
        person.do(*steps)

    return part


def numbered(names: Mapping[str, object], first: int) -> dict[str, str | None]:
    """A telephone number for each name."""
    return {name: f"06{first + place:08d}" for place, name in enumerate(names)}


class Operators:
    """Operators who answer the calls of chosen callers, and let the others ring."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._answer: set[str] = set()
        self._lines: dict[str, Line] = {}
        self._changed = threading.Condition()
        system.seats.on_ring = self._ring

    def answer(self, number: str | None) -> None:
        """From now on, answer calls from this number, including one that rings now."""
        assert number is not None
        with self._changed:
            self._answer.add(number)
            ringing = self._lines.get(number)
        if ringing is not None and not ringing.answered:
            ringing.answer()

    def line(self, number: str | None) -> Line:
        """The operator's end of a call, as soon as a telephone rings for it."""
        assert number is not None
        with self._changed:
            assert self._changed.wait_for(lambda: number in self._lines, PATIENCE), f"no telephone rang for {number}"
            return self._lines[number]

    def talk_to(self, person: Person) -> Line:
        """Take a call; caller and operator hear each other."""
        self.answer(person.number)
        line = self.line(person.number)
        line.wait(lambda: line.confirmed, PATIENCE, "the switch to confirm")
        words = self.system.sound("info-incentivi")

        def heard() -> bool:
            if line.quiet:  # what was said before they were connected is lost: repeat it
                line.speak(words)
            return person.line.has_heard(words)

        wait_until(heard, "caller and operator to hear each other", PATIENCE)
        return line

    def _ring(self, line: Line) -> None:
        found = re.search(r"sip:(\d+)@", line.remote)
        number = found[1] if found else ""
        with self._changed:
            self._lines[number] = line
            wanted = number in self._answer
            self._changed.notify_all()
        if wanted:
            line.answer()


def calls_by_number(system: System) -> dict[str, str]:
    """The id of each caller's latest call, from Asterisk's own records: written when the call is over."""
    with Path(system.stack.switch.log, "cdr-csv", "Master.csv").open(encoding="utf-8", newline="") as file:
        return {row[1]: row[-2] for row in csv.reader(file) if row[3] != "nul-desk"}


def call_of(system: System, number: str | None) -> str:
    wanted = number or WITHHELD
    wait_until(lambda: wanted in calls_by_number(system), f"the record of the call from {wanted}")
    return calls_by_number(system)[wanted]


def wait_entered(system: System, person: Person) -> None:
    def entered() -> bool:
        return any(line[4:5] == ["ENTERQUEUE"] and person.number in line for line in system.stack.queue_log())

    wait_until(entered, f"{person.number} to be in the queue", PATIENCE)


def facts_by_call(system: System) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in system.facts():
        found.setdefault(fact.call, []).append(fact)
    return found


def litter(system: System) -> list[str]:
    """Files that only a current call may have: drafts, incomplete files, recordings not yet stored."""
    places, switch = system.places, system.stack.switch
    found = [path for path in Path(places.messages).glob("**/*") if _is_temporary(path)]
    found += [path for path in Path(places.native_messages).glob("*") if path.is_file()]
    for folder in ("tmp", "recording"):
        found += list(Path(switch.spool, folder).glob("*"))
    return sorted(str(path) for path in found)


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix == ".tmp" or path.name.startswith("take-")
