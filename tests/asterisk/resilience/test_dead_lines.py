"""A telephone dies in a call, as by a power cut: no BYE, no sound. The other side is not left in silence, and no figure
counts the call as completed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ivr.switch_logs.queue_log import parse
from ivr.switch_logs.visits import find_visits
from registry.intake.call_summary import summarize
from tests.asterisk.support.pjsua import Pjsua
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch

DEAD = 5  # s without sound, by the configuration
CHANGES: dict[str, Any] = {"limits": {"dead_line_seconds": DEAD}, "survey": {"offered": False}}


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with ExitStack() as stack:
        with Pjsua() as phone:  # operators log in at telephones that are reachable
            running = running_system(CHANGES, operators=1, prompt_bytes=BRIEF, seats_port=phone.port)
            built = stack.enter_context(running)
        yield built


@pytest.fixture
def seats(system: System) -> Iterator[Pjsua]:
    """The operators' telephones, as they were before the last test killed them."""
    system.wait_idle()
    with Pjsua(system.seats_port) as phone:
        system.stack.wait_reachable([1])
        yield phone


@contextmanager
def in_queue(system: System) -> Iterator[tuple[Line, str]]:
    """A caller in the queue, and the id of the call."""
    known = system.call_ids()
    line = system.call()
    line.wait_heard(system.sound("welcome"))
    line.press("5")
    wait_until(lambda: len(system.new_calls(known)) == 1, "the engine to report the call")
    call = system.new_calls(known)[0]
    wait_until(lambda: "ENTERQUEUE" in system.events(call), "the caller to be in the queue")
    try:
        yield line, call
    finally:
        line.hang_up()
        system.wait_idle()


def fates(system: System, call: str) -> list[str]:
    """How each visit of the call ended."""
    lines = ["|".join(line) for line in system.stack.queue_log() if line[1] == call]
    return [visit.fate for visit in find_visits([event for event in map(parse, lines) if event is not None])]


def ended(system: System, call: str) -> dict[str, Any]:
    return system.wait_fact("ended", call)[0].data


def test_a_caller_whose_operator_died_is_the_first_to_be_served_again(system: System, seats: Pjsua) -> None:
    with in_queue(system) as (line, call):
        operator = seats.answer_next(20)
        with in_queue(system) as (_, other):
            seats.kill()
            with Pjsua(seats.port) as second:
                operator = second.answer_next(4 * DEAD)
                wait_until(lambda: system.events(call).count("CONNECT") == 2, "the first caller to be connected")
                assert "CONNECT" not in system.events(other)
                operator.hang_up()
                line.wait_ended()
                operator = second.answer_next(20)
                wait_until(lambda: "CONNECT" in system.events(other), "the other caller to be connected")
                operator.hang_up()
                assert ended(system, call)["fate"] == "answered"
                assert ended(system, other)["fate"] == "answered"
    assert [fact.data for fact in system.wait_fact("line_lost", call)] == [{"seats": 1, "caller": False}]
    assert fates(system, call) == ["lost", "answered"]
    assert fates(system, other) == ["answered"]


def test_a_caller_whose_operator_died_may_hang_up_in_the_queue(system: System, seats: Pjsua) -> None:
    with in_queue(system) as (line, call):
        seats.answer_next(20)
        seats.kill()
        with Pjsua(seats.port):  # a seat that can be reached: an empty room would lead to the voicemail
            wait_until(
                lambda: system.events(call).count("ENTERQUEUE") == 2, "the caller to be in the queue again", 4 * DEAD
            )
            line.hang_up()
            assert ended(system, call)["fate"] == "abandoned"
    assert fates(system, call) == ["lost", "abandoned"]
    assert summarize(system.facts(call)).outcome is None


def test_a_caller_whose_telephone_died_was_not_served(system: System, seats: Pjsua) -> None:
    callers = Pjsua()
    known = system.call_ids()
    caller = callers.dial(system.stack.sip_port)
    caller.wait_answered()
    wait_until(lambda: len(system.new_calls(known)) == 1, "the engine to report the call")
    (call,) = system.new_calls(known)
    caller.press("5")
    operator = seats.answer_next(20)
    callers.kill()
    operator.wait_ended(4 * DEAD)
    assert ended(system, call)["fate"] == "lost"
    system.wait_idle()
    assert [fact.data for fact in system.wait_fact("line_lost", call)] == [{"seats": 0, "caller": True}]
    assert fates(system, call) == ["lost"]
    assert summarize(system.facts(call)).outcome is None


def test_an_operator_who_hangs_up_has_completed_the_call(system: System, seats: Pjsua) -> None:
    with in_queue(system) as (line, call):
        operator = seats.answer_next(20)
        operator.hang_up()
        line.wait_ended()
        assert ended(system, call)["fate"] == "answered"
    assert not [fact for fact in system.facts(call) if fact.kind == "line_lost"]
    assert fates(system, call) == ["answered"]


def test_a_held_line_that_sends_nothing_is_not_dead(system: System, seats: Pjsua) -> None:
    with in_queue(system) as (line, call):
        operator = seats.answer_next(20)
        operator.hold()
        assert not operator.ends_within(2 * DEAD)
        operator.resume()
        operator.hang_up()
        line.wait_ended()
        assert ended(system, call)["fate"] == "answered"
