"""The effect of failures on callers: of the engine, the scripts, the disk.

No caller is cut off or left in silence: the next ring of the dialplan takes over. What was said and what was
reported before the failure is still there after it, once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.support.call_steps import recordings
from tests.asterisk.support.concurrent_callers import (
    PATIENCE,
    Operators,
    Person,
    call_of,
    litter,
    numbered,
    play,
    presses,
    wait_entered,
)
from tests.asterisk.support.faults import age, full_disk, longest_file, without_engine, without_scripts
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, TUESDAY, System, running_system, wait_until
from voicemail.message import Message
from voicemail.store import Store

pytestmark = pytest.mark.switch

EVENING = "2026-11-24 20:00:00"
MESSAGE_SECONDS = 2.6  # enough for a message
OPERATORS = 6


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(operators=OPERATORS, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture(scope="module")
def desk(system: System) -> Operators:
    return Operators(system)


@pytest.fixture(autouse=True)
def in_order(system: System) -> Iterator[None]:
    """Tuesday, ten o'clock, the engine runs; at the end all calls are over."""
    system.move_clock(TUESDAY)
    yield
    system.hang_up_all()
    if not system.stack.engine.running:
        system.stack.engine.start()
    system.wait_idle()


def person(desk: Operators, number: int) -> Person:
    return Person(desk.system, f"06{number:08d}", desk)


def fate(system: System, somebody: Person) -> str:
    return str(system.wait_fact("ended", call_of(system, somebody.number))[0].data["fate"])


def messages(system: System, number: str | None) -> list[Message]:
    call_id = call_of(system, number)
    return [message for message in Store(system.places.messages).list() if message.call == call_id]


def hear_something(line: Line) -> None:
    """Hear a second of any sound, but not silence."""
    line.heard.clear()
    line.wait(lambda: len(line.heard) > 8000 and len(set(line.heard[-4000:])) > 8, PATIENCE, "something to be heard")


# --- the engine is killed --------------------------------------------------------------------------------------------


class Kill:
    """Kills the engine during the calls, and remembers the facts so far."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.facts_before: set[str] = set()

    def kill(self) -> None:
        self.system.stack.engine.kill()
        self.facts_before = {fact.id for fact in self.system.facts()}


def killed_in_the_menu(person: Person) -> None:
    person.meet()
    presses("topics")(person)
    person.meet()
    person.do("welcome", "topics 0", "queue-wait")
    person.talk().hang_up()
    person.hear("survey-invitation")


def killed_in_the_information(person: Person) -> None:
    person.meet()
    presses("topics 2", "info-did")(person)
    person.meet()
    person.do("welcome", "topics 2", "after-information 3", "goodbye")
    person.wait_ended()


def killed_in_the_queue(person: Person) -> None:
    presses("topics 0", "queue-wait")(person)
    wait_entered(person.system, person)
    person.meet()
    person.meet()
    hear_something(person.line)
    person.talk().hang_up()
    person.hear("survey-invitation")


def killed_while_talking(person: Person) -> None:
    presses("topics 0", "queue-wait")(person)
    operator = person.talk()
    person.meet()
    person.meet()
    words = person.system.sound("info-portale")
    operator.speak(words)
    person.line.wait_heard(words, PATIENCE)
    operator.hang_up()
    person.do("survey-invitation", "survey-solved 5", "survey-courtesy 4", "survey-overall 3", "survey-thanks")
    person.wait_ended()


def killed_in_the_survey(person: Person) -> None:
    presses("topics 0", "queue-wait")(person)
    operator = person.talk()
    person.meet()
    operator.hang_up()
    person.do("survey-invitation", "survey-solved 5", "survey-courtesy")
    person.meet()
    person.do("survey-courtesy 4", "survey-overall 3", "survey-thanks")
    person.wait_ended()


def to_the_voicemail(person: Person, *steps: str) -> None:
    presses("topics 0", "queue-wait")(person)
    wait_entered(person.system, person)
    person.press("1")
    person.do("vm-choice", *steps)


def leave_again(person: Person) -> None:
    person.do("vm-choice", "vm-record #")
    person.speak(MESSAGE_SECONDS)
    person.press("#")
    person.do("vm-review 1", "vm-confirm-number 1", "vm-saved")
    person.wait_ended()


def killed_while_speaking(person: Person) -> None:
    to_the_voicemail(person, "vm-record #")
    person.meet()
    person.begin_to_speak(7.0)
    wait_until(lambda: recorded_seconds(person.system) > MESSAGE_SECONDS, "enough speech to be recorded")
    person.meet()
    person.line.wait_quiet(PATIENCE)
    person.press("#")
    leave_again(person)


def killed_and_gone_while_speaking(person: Person) -> None:
    """The caller hangs up before the recording is asked for again."""
    to_the_voicemail(person, "vm-record #")
    person.meet()
    person.begin_to_speak(7.0)
    wait_until(lambda: recorded_seconds(person.system) > MESSAGE_SECONDS, "enough speech to be recorded")
    person.meet()


def killed_before_the_message(person: Person) -> None:
    to_the_voicemail(person, "vm-privacy")
    person.meet()
    person.meet()
    leave_again(person)


def recorded_seconds(system: System) -> float:
    """The length of the shortest current recording."""
    return min((path.stat().st_size / 16000 for path in recordings(system)), default=0.0)


KILLED = {
    "menu": (killed_in_the_menu, "answered", 0),
    "information": (killed_in_the_information, "informed", 0),
    "queue": (killed_in_the_queue, "answered", 0),
    "talking": (killed_while_talking, "answered", 0),
    "survey": (killed_in_the_survey, "answered", 0),
    "speaking": (killed_while_speaking, "message", 2),
    "speaking, and gone": (killed_and_gone_while_speaking, "no_message", 1),
    "number": (killed_before_the_message, "message", 1),
}


def test_given_calls_at_every_stage_when_the_engine_is_killed_then_all_continue(
    system: System, desk: Operators
) -> None:
    numbers = numbered(KILLED, 1000)
    killing = Kill(system)
    parts = {name: part for name, (part, _, _) in KILLED.items()}
    failures = play(desk, parts, numbers, lambda: None, killing.kill)
    assert failures == dict.fromkeys(KILLED)
    wait_until(lambda: system.channels() == 0, "the calls to be over")
    calls = {name: call_of(system, number) for name, number in numbers.items()}
    age(system)
    system.stack.engine.start()
    wait_until(lambda: recordings(system) == [], "the engine to take the recordings in")
    system.wait_idle()

    facts = system.facts()
    assert killing.facts_before <= {fact.id for fact in facts}
    assert len({fact.id for fact in facts}) == len(facts)
    for name, (_, expected, count) in KILLED.items():
        (ended,) = [fact for fact in facts if fact.call == calls[name] and fact.kind == "ended"]
        assert (name, ended.data["fate"]) == (name, expected)
        # A recording that had just begun when the engine was killed may leave an empty message as well.
        assert (name, len([each for each in messages(system, numbers[name]) if not each.empty])) == (name, count)
    answers = [fact.data for fact in facts if fact.call == calls["survey"] and fact.kind == "survey"]
    assert [(each["question"], each["value"]) for each in answers] == [("solved", 5), ("courtesy", 4), ("overall", 3)]
    (recovered,) = messages(system, numbers["speaking, and gone"])
    assert recovered.ended_by == "crash"
    assert recovered.number == "+39" + str(numbers["speaking, and gone"])
    reported = [fact.data["message_id"] for fact in facts if fact.kind == "message" and fact.call in calls.values()]
    stored = [message.id for number in numbers.values() for message in messages(system, number)]
    assert sorted(filter(None, reported)) == sorted(stored)
    assert litter(system) == []


# --- there is no engine ----------------------------------------------------------------------------------------------


def test_given_no_engine_when_somebody_calls_then_the_scripts_lead_to_an_operator(
    system: System, desk: Operators
) -> None:
    caller = person(desk, 2000)
    with without_engine(system):
        presses("topics 2", "after-information 1", "queue-wait")(caller)
        caller.talk().hang_up()
        caller.do("survey-solved 5", "survey-courtesy 4", "survey-overall 3", "survey-thanks")
        caller.wait_ended()
        assert fate(system, caller) == "answered"
    kinds = ["answered", "choice", "choice", "ended", "handed_over", "informed", "survey", "survey", "survey"]
    assert sorted(system.kinds(call_of(system, caller.number))) == kinds


def test_given_no_engine_when_somebody_calls_at_night_then_the_scripts_take_a_message(
    system: System, desk: Operators
) -> None:
    caller = person(desk, 2001)
    system.move_clock(EVENING)
    with without_engine(system):
        presses("closed #", "vm-record #")(caller)
        caller.speak(MESSAGE_SECONDS)
        caller.press("#")
        caller.do("vm-review 1", "vm-confirm-number 1", "vm-saved")
        caller.wait_ended()
        assert fate(system, caller) == "message"
    (message,) = messages(system, caller.number)
    assert (message.number, message.reason, message.ended_by) == ("+39" + str(caller.number), "closed", "dtmf")


def test_given_no_engine_and_no_scripts_when_somebody_calls_then_the_dialplan_leads_to_an_operator(
    system: System, desk: Operators
) -> None:
    caller = person(desk, 2002)
    with without_engine(system), without_scripts(system):
        presses("welcome")(caller)
        wait_entered(system, caller)
        hear_something(caller.line)
        caller.talk().hang_up()
        caller.hear("goodbye")
        caller.wait_ended()
        wait_until(lambda: "ENDED" in system.events(call_of(system, caller.number)), "the fate in the queue_log")
    (line,) = [
        line for line in system.stack.queue_log() if line[1] == call_of(system, caller.number) and "ENDED" in line
    ]
    assert line[5:7] == ["answered", "survey"]


def test_given_no_engine_and_no_scripts_when_people_call_at_night_then_their_messages_are_taken_in_later(
    system: System, desk: Operators
) -> None:
    """One ends the recording by key, one hangs up while speaking, one withholds the number."""
    system.move_clock(EVENING)
    callers = {"patient": "0600002101", "hasty": "0600002102", "withheld": None}

    def static(part: Callable[[Person], None]) -> Callable[[Person], None]:
        def whole(person: Person) -> None:
            presses("fallback-closed", "fallback-record")(person)
            wait_until(lambda: len(list(native.glob("*.wav"))) == len(callers), "all recordings to begin")
            person.speak(MESSAGE_SECONDS)
            part(person)

        return whole

    def patient(person: Person) -> None:
        person.press("#")
        person.hear("vm-saved")
        person.wait_ended()

    native = Path(system.places.native_messages)
    parts = {"patient": static(patient), "hasty": static(lambda person: None), "withheld": static(patient)}
    with without_engine(system), without_scripts(system):
        assert play(desk, parts, callers) == dict.fromkeys(callers)
        wait_until(lambda: len(list(native.glob("*.done"))) == len(callers), "the recordings to be complete")
        assert all(messages(system, number) == [] for number in callers.values())
    wait_until(lambda: not list(native.iterdir()), "the engine to take the recordings in")
    for number in callers.values():
        (message,) = messages(system, number)
        assert (message.reason, message.empty, message.ended_by) == ("closed", False, "native")
        assert message.number == (number and "+39" + number)
        assert MESSAGE_SECONDS - 0.8 < message.sound_seconds < MESSAGE_SECONDS + 0.3
        (fact,) = system.wait_fact("message", message.call)
        assert (fact.data["message_id"], fact.data["source"]) == (message.id, "native")
        assert message.id in listed(system)
    system.stack.engine.stop()
    system.stack.engine.start()  # it checks again, and takes nothing in twice
    assert [len(messages(system, number)) for number in callers.values()] == [1, 1, 1]


def listed(system: System) -> str:
    """The output of `voicemail list`."""
    command = [sys.executable, "-m", "voicemail.cli", "--config", system.places.config, "--var", system.places.var]
    done = subprocess.run([*command, "list"], capture_output=True, text=True, check=True)
    return done.stdout


# --- the engine hangs -----------------------------------------------------------------------------------------


@pytest.fixture
def watched(system: System) -> Iterator[None]:
    """A watchdog as on a site, with a shorter time limit."""
    patience = system.stack.engine.WATCHDOG_SECONDS
    system.stack.engine.stop()
    system.stack.engine.WATCHDOG_SECONDS = 2.0
    system.stack.engine.start()
    yield
    system.stack.engine.stop()
    system.stack.engine.WATCHDOG_SECONDS = patience


@pytest.mark.usefixtures("watched")
def test_given_current_calls_when_the_engine_hangs_then_it_is_replaced_and_they_continue(
    system: System, desk: Operators
) -> None:
    pid = system.stack.engine.pid
    assert pid is not None

    def in_the_menu(person: Person) -> None:
        presses("topics")(person)
        person.meet()
        person.do("welcome", "topics 0", "queue-wait")
        person.talk().hang_up()
        person.hear("survey-invitation")

    def in_the_queue(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        wait_entered(system, person)
        person.meet()
        hear_something(person.line)
        person.talk()

    def comes_later(person: Person) -> None:
        person.meet()
        presses("welcome", "topics 0", "queue-wait")(person)  # nothing is heard before
        person.talk()

    parts = {"menu": in_the_menu, "queue": in_the_queue, "later": comes_later}
    numbers = numbered(parts, 3000)
    assert play(desk, parts, numbers, lambda: os.kill(pid, signal.SIGSTOP)) == dict.fromkeys(parts)
    wait_until(lambda: system.stack.engine.pid not in (None, pid), "another engine")
    wait_until(lambda: answers(system), "it to answer")
    wait_until(lambda: system.channels() == 0, "the calls to be over")
    for number in numbers.values():
        (ended,) = system.wait_fact("ended", call_of(system, number))
        assert ended.data["fate"] == "answered"
    afterwards = person(desk, 3100)
    presses("topics")(afterwards)
    assert system.metric("ivr_sessions_open", flow="menu") == 1
    afterwards.hang_up()


def answers(system: System) -> bool:
    try:
        return system.metric("ivr_connections") >= 0
    except OSError:
        return False


# --- the disk --------------------------------------------------------------------------------------------------------


def alarms(system: System, what: str) -> list[dict[str, Any]]:
    """The alarms in the engine's log."""
    lines = [json.loads(line) for line in Path(system.stack.engine.log).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] == "alarm" and line["what"] == what]


def test_given_a_full_disk_when_a_caller_tries_to_leave_a_message_then_there_is_an_apology_and_an_alarm(
    system: System, desk: Operators
) -> None:
    system.move_clock(EVENING)
    counted, logged = system.metric("ivr_alarms_total", what="messages"), len(alarms(system, "messages"))
    caller = person(desk, 4000)
    with full_disk(system.places.messages):
        presses("closed #", "vm-store-failed")(caller)
        caller.wait_ended()
        assert fate(system, caller) == "no_message"
    assert system.metric("ivr_alarms_total", what="messages") == counted + 1
    assert len(alarms(system, "messages")) == logged + 1
    assert "free disk space" in alarms(system, "messages")[-1]["error"]
    presses("closed #", "vm-record")(caller := person(desk, 4001))  # the disk has space again
    caller.hang_up()


def test_given_a_recording_cannot_grow_any_further_then_its_beginning_is_kept(system: System, desk: Operators) -> None:
    """The size of the switch's files is limited; its log files are smaller than the limit."""
    system.move_clock(EVENING)
    caller = person(desk, 4100)
    presses("closed #", "vm-privacy")(caller)
    with longest_file(system, round((MESSAGE_SECONDS + 0.5) * 16000)):
        caller.do("vm-record #")
        caller.speak(1.6 * MESSAGE_SECONDS)
        caller.press("#")
        caller.do("vm-review 1", "vm-confirm-number 1", "vm-saved")
        caller.wait_ended()
    assert fate(system, caller) == "message"
    (message,) = messages(system, caller.number)
    assert MESSAGE_SECONDS - 0.8 < message.seconds < MESSAGE_SECONDS + 0.6


def test_given_facts_cannot_be_written_when_somebody_calls_then_the_call_goes_on_and_the_log_has_them(
    system: System, desk: Operators
) -> None:
    failed, logged = system.metric("ivr_facts_total", result="failed"), len(alarms(system, "facts"))
    caller = person(desk, 4200)
    wait_until(lambda: not list(Path(system.places.facts).glob("*.open")), "the last facts to be sealed")
    with full_disk(system.places.facts):
        presses("topics 0", "queue-wait")(caller)
        caller.talk().hang_up()
        caller.do("survey-solved 5", "survey-courtesy 4", "survey-overall 3", "survey-thanks")
        caller.wait_ended()
        call_id = call_of(system, caller.number)
        wait_until(lambda: "ended" in logged_kinds(system, call_id), "the last fact to be in the log")
    kinds = ["answered", "choice", "handed_over", "survey", "survey", "survey", "ended"]
    assert logged_kinds(system, call_id) == kinds
    assert system.metric("ivr_facts_total", result="failed") == failed + len(kinds)
    assert len(alarms(system, "facts")) == logged + len(kinds)
    afterwards = person(desk, 4201)
    presses("topics")(afterwards)
    afterwards.hang_up()
    assert fate(system, afterwards) == "left_menu"


def logged_kinds(system: System, call_id: str) -> list[str]:
    return [alarm["fact"]["kind"] for alarm in alarms(system, "facts") if alarm["call"] == call_id]
