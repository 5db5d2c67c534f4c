"""Asterisk is restarted or dies during calls: the calls end, but messages and facts are kept."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.asterisk.support.call_steps import recordings
from tests.asterisk.support.concurrent_callers import (
    Operators,
    Person,
    call_of,
    litter,
    numbered,
    play,
    presses,
    wait_entered,
)
from tests.asterisk.support.faults import age, without_engine, without_scripts
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until
from voicemail.message import Message
from voicemail.store import Store

pytestmark = pytest.mark.switch

OPERATORS = 3
MESSAGE_SECONDS = 2.6  # enough for a message
REGISTERED = [f"PJSIP/seat{number:02d}" for number in range(1, OPERATORS + 1)]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(operators=OPERATORS, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture(autouse=True)
def in_order(system: System) -> Iterator[None]:
    yield
    system.hang_up_all()
    if not system.stack.engine.running:
        system.stack.engine.start()
    if system.stack.switch.pid is None:
        system.restart_switch()


def stopped(system: System) -> None:
    """An orderly stop, as by `systemctl restart asterisk`: calls are cut off."""
    system.stack.switch.stop()


def killed(system: System) -> None:
    """A kill, as by the kernel when memory runs out."""
    pid = system.stack.switch.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: system.stack.switch.pid is None, "the switch to be dead")


@pytest.mark.parametrize(("end", "first"), [(stopped, 1000), (killed, 2000)])
def test_given_calls_at_many_stages_when_the_switch_is_restarted_then_nothing_is_lost_and_the_next_call_works(
    system: System, end: Callable[[System], None], first: int
) -> None:
    desk = Operators(system)
    known, messages = system.call_ids(), {message.id for message in Store(system.places.messages).list()}

    def in_the_menu(person: Person) -> None:
        person.meet()
        presses("topics")(person)
        person.meet()

    def in_the_queue(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        wait_entered(system, person)
        person.meet()
        person.meet()

    def in_the_survey(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        operator = person.talk()
        person.meet()
        operator.hang_up()
        person.do("survey-invitation", "survey-solved 5", "survey-courtesy")
        person.meet()

    def speaking(person: Person) -> None:
        presses("topics 0", "queue-wait")(person)
        wait_entered(system, person)
        person.press("1")
        person.do("vm-choice", "vm-record #")
        person.meet()
        person.begin_to_speak(6.0)
        wait_until(lambda: recorded_seconds(system) > MESSAGE_SECONDS, "enough speech to be recorded")
        person.meet()

    parts = {"menu": in_the_menu, "queue": in_the_queue, "survey": in_the_survey, "speaking": speaking}
    numbers = numbered(parts, first)
    assert play(desk, parts, numbers, lambda: None, lambda: end(system)) == dict.fromkeys(parts)

    wait_until(lambda: system.open_sessions() == 0, "the engine to see that the calls are over")
    assert litter(system) == []
    (message,) = new_messages(system, messages)
    assert message.sound_seconds > 1.5
    assert message.number == "+39" + str(numbers["speaking"])
    (fact,) = [fact for fact in system.facts(message.call) if fact.kind == "message"]
    assert (fact.data["message_id"], fact.data["empty"]) == (message.id, False)
    facts = [fact for fact in system.facts() if fact.call not in known]
    assert len({fact.call for fact in facts}) == len(parts), [tuple(fact) for fact in facts] + system.stack.queue_log()
    # After an orderly stop every call has an `ended`; a killed switch cannot report any.
    fates = sorted(fact.data["fate"] for fact in facts if fact.kind == "ended")
    assert fates == (["abandoned", "answered", "left_menu", "message"] if end is stopped else [])
    assert [fact.data["value"] for fact in facts if fact.kind == "survey"] == [5]

    system.restart_switch()
    assert system.channels() == 0
    assert all(seat in system.stack.switch.cli("queue show nul") for seat in REGISTERED)
    caller = Person(system, f"06{first + 500:08d}", desk)
    presses("topics 0", "queue-wait")(caller)
    caller.talk().hang_up()
    caller.do("survey-invitation", "survey-solved 5", "survey-courtesy 4", "survey-overall 3", "survey-thanks")
    caller.wait_ended()
    system.wait_idle()
    (ended,) = system.wait_fact("ended", call_of(system, caller.number))
    assert ended.data["fate"] == "answered"


def recorded_seconds(system: System) -> float:
    return min((path.stat().st_size / 16000 for path in recordings(system)), default=0.0)


def new_messages(system: System, known: set[str]) -> list[Message]:
    return [message for message in Store(system.places.messages).list() if message.id not in known]


def test_given_the_switch_died_while_it_recorded_by_itself_then_the_message_is_still_taken_in(
    system: System,
) -> None:
    """No engine, no scripts, and then the switch dies: only its age shows that the recording is complete."""
    messages = {message.id for message in Store(system.places.messages).list()}
    caller = Person(system, "0600003000", Operators(system))
    system.move_clock("2026-11-24 20:00:00")
    with without_engine(system), without_scripts(system):
        presses("fallback-closed", "fallback-record")(caller)
        caller.begin_to_speak(6.0)
        wait_until(lambda: native_seconds(system) > MESSAGE_SECONDS, "enough speech to be recorded")
        killed(system)
        caller.hang_up()
        age(system)
    wait_until(lambda: native_seconds(system) == 0, "the engine to take the recording in")
    (message,) = new_messages(system, messages)
    assert message.number == "+39" + str(caller.number)
    assert message.sound_seconds > 1.5
    (fact,) = system.wait_fact("message", message.call)
    assert (fact.data["message_id"], fact.data["source"]) == (message.id, "native")


def native_seconds(system: System) -> float:
    return sum(path.stat().st_size / 16000 for path in Path(system.places.native_messages).glob("*.wav"))
