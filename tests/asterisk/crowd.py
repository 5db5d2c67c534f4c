"""Many callers at once on one house, each with a number of its own by which its call is found again.

A test that waits for prompts spends its time waiting; twenty callers wait as long as one. Each plays its part in a
thread; what went wrong in one part is told by the test of that part.
"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ivr.facts import Fact
from tests.asterisk.house import NUMBER, House, wait_until
from tests.asterisk.phone import Line
from tests.asterisk.steps import voice

WITHHELD = ""  # what the CDR has instead of a number that is withheld
PATIENCE = 40.0  # s: for a prompt, when many are on the line and the machine is busy


class Person:
    """A caller among many. `desk` are the operators, `meeting` is where all may wait for all."""

    def __init__(
        self, house: House, number: str | None, desk: Operators, meeting: threading.Barrier | None = None
    ) -> None:
        self.house = house
        self.number = number
        self.desk = desk
        self._meeting = meeting
        self.line: Line

    def dial(self) -> None:
        self.line = self.house.caller.dial(NUMBER, self.house.stack.sip_port, caller=self.number)
        self.line.wait_answered(PATIENCE)

    def hear(self, *prompts: str) -> None:
        """Wait until each of them has begun to be heard, in this order."""
        for prompt in prompts:
            position = self.line.wait_heard(self.house.sound(prompt), PATIENCE)
            del self.line.heard[: position + 1]  # the next one must come later

    def press(self, keys: str) -> None:
        self.line.press(keys)

    def do(self, *steps: str) -> None:
        """ "topics 5" is to hear the topics and press 5; without a key, only to hear."""
        for step in steps:
            prompt, _, keys = step.partition(" ")
            self.hear(prompt)
            self.press(keys)

    def speak(self, seconds: float) -> None:
        """Say something that is recorded, and wait until it is said."""
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
        """Be answered by an operator, whose line is returned."""
        return self.desk.talk_to(self)

    def wait_ended(self) -> None:
        self.line.wait_ended(PATIENCE)

    def hang_up(self) -> None:
        self.line.hang_up()


Part = Callable[[Person], None]


def play(
    desk: Operators, parts: Mapping[str, Part], numbers: Mapping[str, str | None], *meetings: Callable[[], None]
) -> dict[str, BaseException | None]:
    """Let everybody dial, play the part, hang up; what went wrong in each part.

    Each time that everybody has come to `Person.meet`, the next of the `meetings` is held.
    """
    agenda = iter(meetings)

    def hold() -> None:
        next(agenda)()

    meeting = threading.Barrier(len(parts), hold)

    def act(name: str) -> None:
        person = Person(desk.house, numbers[name], desk, meeting)
        try:
            parts[name](person)
        except BaseException:
            meeting.abort()  # nobody waits for who will not come
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
    """Dials, and does the steps: "topics 5" is to hear the topics and press 5; without a key, only to hear."""

    def part(person: Person) -> None:
        person.dial()
        person.do(*steps)

    return part


def numbered(names: Mapping[str, object], first: int) -> dict[str, str | None]:
    """A telephone number for each name."""
    return {name: f"06{first + place:08d}" for place, name in enumerate(names)}


class Operators:
    """Operators who take the calls of those callers who are to be answered, and let the others ring."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._answer: set[str] = set()
        self._lines: dict[str, Line] = {}
        self._changed = threading.Condition()
        house.seats.on_ring = self._ring

    def answer(self, number: str | None) -> None:
        """From now on, calls from this number are taken, the one that rings now too."""
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
            assert self._changed.wait_for(lambda: number in self._lines, PATIENCE), f"nobody's telephone rang: {number}"
            return self._lines[number]

    def talk_to(self, person: Person) -> Line:
        """Take a call; caller and operator hear each other."""
        self.answer(person.number)
        line = self.line(person.number)
        line.wait(lambda: line.confirmed, PATIENCE, "the switch to confirm")
        words = self.house.sound("info-incentivi")

        def heard() -> bool:
            if line.quiet:  # what was said before they were connected is lost: say it again
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


def calls_by_number(house: House) -> dict[str, str]:
    """The id of each caller's latest call, from Asterisk's own records: written when the call is over."""
    with Path(house.stack.switch.log, "cdr-csv", "Master.csv").open(encoding="utf-8", newline="") as file:
        return {row[1]: row[-2] for row in csv.reader(file) if row[3] != "nul-desk"}


def call_of(house: House, number: str | None) -> str:
    wanted = number or WITHHELD
    wait_until(lambda: wanted in calls_by_number(house), f"the record of the call from {wanted}")
    return calls_by_number(house)[wanted]


def wait_entered(house: House, person: Person) -> None:
    def entered() -> bool:
        return any(line[4:5] == ["ENTERQUEUE"] and person.number in line for line in house.stack.queue_log())

    wait_until(entered, f"{person.number} to be in the queue", PATIENCE)


def facts_by_call(house: House) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in house.facts():
        found.setdefault(fact.call, []).append(fact)
    return found


def litter(house: House) -> list[str]:
    """Files that only a call under way may have: drafts, half written files, recordings on their way."""
    places, switch = house.places, house.stack.switch
    found = [path for path in Path(places.messages).glob("**/*") if _is_temporary(path)]
    found += [path for path in Path(places.native_messages).glob("*") if path.is_file()]
    for folder in ("tmp", "recording"):
        found += list(Path(switch.spool, folder).glob("*"))
    return sorted(str(path) for path in found)


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix == ".tmp" or path.name.startswith("take-")
