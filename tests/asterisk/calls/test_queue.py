"""Waiting for an operator on a real Asterisk: all operators are busy, and every way out of the queue.

A long wait takes no real time: the test moves the switch's clock forward while the caller waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.asterisk.support.call_steps import all_talking, enter_queue, fate, speak_message, talking, wait_entered
from tests.asterisk.support.system import BRIEF, TUESDAY, System, running_system, wait_until

pytestmark = pytest.mark.switch

MESSAGE = {"empty_below_seconds": 1}  # shorter ones are empty
CHANGES: dict[str, Any] = {
    "voicemail": MESSAGE,
    "queue": {"longest_wait": 600, "announce_every": 60, "voicemail_offer_every": 45},
    "menu.yaml": {  # key 5 is for callers who come first
        "nodes": {
            "argomenti": {"keys": {"5": "urgente"}},
            "urgente": {"kind": "queue", "prompts": ["queue-wait"], "topic": None, "priority": 10},
        }
    },
}


@pytest.fixture(scope="module")
def whole_system() -> Iterator[System]:
    with running_system(CHANGES, operators=1, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def system(whole_system: System) -> Iterator[System]:
    """Ten o'clock, one operator at seat 1, nobody on the line."""
    whole_system.wait_idle()
    whole_system.move_clock(TUESDAY)
    yield whole_system
    whole_system.hang_up_all()


@pytest.fixture
def busy_system(system: System) -> Iterator[System]:
    """The only operator is talking."""
    with talking(system, 1):
        yield system


@pytest.fixture(scope="module")
def short_queue() -> Iterator[System]:
    changes = {"voicemail": MESSAGE, "queue": {"longest_wait": 10, "longest_queue": 1}}
    with running_system(changes, operators=1, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def small_system(short_queue: System) -> Iterator[System]:
    """A queue with one place and a longest wait of ten real seconds."""
    short_queue.wait_idle()
    yield short_queue
    short_queue.hang_up_all()


def test_given_all_are_busy_when_the_wait_is_over_then_the_caller_leaves_a_message(busy_system: System) -> None:
    visit = enter_queue(busy_system)
    wait_entered(busy_system, visit)
    busy_system.pass_time(601)
    visit.line.wait_heard(busy_system.sound("vm-all-busy"))
    message = speak_message(busy_system, visit)
    assert (message.reason, message.number, message.empty) == ("all_busy", "+390612345678", False)
    assert fate(busy_system, visit) == "message"
    assert busy_system.events(visit.id) == ["ENTERQUEUE", "EXITWITHTIMEOUT", "ENDED"]


def test_given_all_twelve_seats_are_busy_when_the_wait_is_over_then_the_voicemail_answers(system: System) -> None:
    system.stack.log_in(range(2, 13))
    try:
        with all_talking(system, 12):
            thirteenth = enter_queue(system)
            wait_entered(system, thirteenth)
            assert not system.seats.incoming
            system.pass_time(601)
            thirteenth.line.wait_heard(system.sound("vm-all-busy"))
            thirteenth.line.hang_up()
            assert fate(system, thirteenth) == "no_message"
            assert system.events(thirteenth.id) == ["ENTERQUEUE", "EXITWITHTIMEOUT", "ENDED"]
    finally:
        log_out(system, range(2, 13))


def test_given_a_full_queue_when_others_call_then_it_is_logged_and_they_may_leave_a_message(
    small_system: System,
) -> None:
    with talking(small_system, 1):
        waiting = enter_queue(small_system)
        wait_entered(small_system, waiting)
        visit, hasty = enter_queue(small_system), enter_queue(small_system)
        hasty.line.wait_heard(small_system.sound("vm-all-busy"))
        hasty.line.hang_up()
        message = speak_message(small_system, visit)
        # Meanwhile the first caller has waited for ten real seconds.
        waiting.line.wait_heard(small_system.sound("vm-all-busy"))
        waiting.line.hang_up()
    assert message.reason == "all_busy"
    assert fate(small_system, hasty) == "refused"
    for refused in (visit, hasty):
        assert small_system.events(refused.id) == ["FULL", "ENDED"]
        assert small_system.wait_fact("queue_refused", refused.id)[0].data == {"status": "FULL"}
    assert fate(small_system, waiting) == "no_message"
    (left,) = [
        line for line in small_system.stack.queue_log() if line[1] == waiting.id and line[4] == "EXITWITHTIMEOUT"
    ]
    assert 9 <= int(left[7]) <= 12  # seconds waited


def test_given_a_waiting_caller_when_the_offered_key_is_pressed_then_a_message_is_taken(busy_system: System) -> None:
    visit = enter_queue(busy_system)
    wait_entered(busy_system, visit)
    busy_system.pass_time(46)
    visit.line.wait_heard(busy_system.sound("queue-offer-voicemail"))
    visit.line.press("1")
    visit.line.wait_heard(busy_system.sound("vm-choice"))
    message = speak_message(busy_system, visit)
    assert message.reason == "caller_choice"
    assert fate(busy_system, visit) == "message"
    assert busy_system.events(visit.id) == ["ENTERQUEUE", "EXITWITHKEY", "ENDED"]


def test_given_a_waiting_caller_when_other_keys_are_pressed_first_then_the_offered_key_still_works(
    busy_system: System,
) -> None:
    visit = enter_queue(busy_system)
    wait_entered(busy_system, visit)
    visit.line.press("7#1")
    visit.line.wait_heard(busy_system.sound("vm-choice"))
    visit.line.hang_up()
    assert fate(busy_system, visit) == "no_message"
    assert busy_system.events(visit.id) == ["ENTERQUEUE", "EXITWITHKEY", "ENDED"]


@pytest.mark.parametrize("prompt", ["queue-thereare", "digits/2"])
def test_given_the_position_is_said_when_the_offered_key_is_pressed_then_the_offer_comes_again_and_leads_out(
    busy_system: System, prompt: str
) -> None:
    """Asterisk does not say which key was pressed (asterisk#543)."""
    if prompt.startswith("queue"):
        busy_system.lengthen(prompt, 1)
    first = enter_queue(busy_system)
    wait_entered(busy_system, first)
    second = enter_queue(busy_system)
    second.line.wait_heard(busy_system.sound(prompt))
    second.line.press("1")
    second.line.wait_heard(busy_system.sound("queue-offer-voicemail"))
    second.line.press("1")
    second.line.wait_heard(busy_system.sound("vm-choice"))
    second.line.hang_up()
    assert fate(busy_system, second) == "no_message"
    first.line.hang_up()
    assert fate(busy_system, first) == "abandoned"


def test_given_the_position_is_said_when_another_key_is_pressed_then_the_caller_keeps_their_place(
    busy_system: System,
) -> None:
    busy_system.lengthen("queue-thereare", 2)
    first = enter_queue(busy_system)
    wait_entered(busy_system, first)
    second = enter_queue(busy_system)
    second.line.wait_heard(busy_system.sound("queue-thereare"))
    third = enter_queue(busy_system)
    wait_entered(busy_system, third)
    second.line.press("7")
    second.line.wait_heard(busy_system.sound("queue-offer-voicemail"))
    wait_until(lambda: busy_system.events(second.id).count("ENTERQUEUE") == 2, "the caller to wait on")
    log = busy_system.stack.queue_log()
    assert [line[7] for line in log if line[1] == second.id and line[4] == "ENTERQUEUE"] == ["2", "2"]
    busy_system.pass_time(594)  # the longest wait counts from the first time
    second.line.wait_heard(busy_system.sound("vm-all-busy"))
    for visit in (first, second, third):
        visit.line.hang_up()
    assert fate(busy_system, second) == "no_message"


def test_given_two_callers_wait_when_time_passes_then_they_hear_their_position_in_the_voice_of_the_prompts(
    busy_system: System,
) -> None:
    first, second = enter_queue(busy_system), enter_queue(busy_system)
    wait_entered(busy_system, first)
    wait_entered(busy_system, second)
    first.line.wait_heard(busy_system.sound("queue-youarenext"))
    for prompt in ("queue-thereare", "digits/2", "queue-thankyou"):
        second.line.wait_heard(busy_system.sound(prompt))
    first.line.heard.clear()
    busy_system.pass_time(61)
    first.line.wait_heard(busy_system.sound("queue-youarenext"))  # again, every minute
    first.line.hang_up()
    second.line.hang_up()
    assert fate(busy_system, first) == "abandoned"
    assert fate(busy_system, second) == "abandoned"
    waited = {line[1]: int(line[7]) for line in busy_system.stack.queue_log() if line[4] == "ABANDON"}
    assert waited[first.id] >= 61


def test_given_callers_waited_for_minutes_when_others_wait_then_the_expected_wait_is_announced(system: System) -> None:
    with talking(system, 1) as pairs:
        patient = enter_queue(system)
        wait_entered(system, patient)
        system.pass_time(590)
        pairs[0][1].hang_up()
        operator = system.answer()
        first = enter_queue(system)
        wait_entered(system, first)
        second = enter_queue(system)
        average = int(re.findall(r"\((\d+)s holdtime", system.stack.switch.cli("queue show nul"))[0])
        assert average >= 120
        for prompt in ("queue-holdtime", f"digits/{(average + 30) // 60}", "queue-minutes"):
            second.line.wait_heard(system.sound(prompt))
        for line in (patient.line, operator, first.line, second.line):
            line.hang_up()


def test_given_two_wait_when_the_operator_is_free_then_the_higher_priority_is_served_first(system: System) -> None:
    with talking(system, 1) as pairs:
        early = enter_queue(system)
        wait_entered(system, early)
        urgent = enter_queue(system, key="5")
        wait_entered(system, urgent)
        pairs[0][1].hang_up()
        operator = system.answer()
        assert "CONNECT" in system.events(urgent.id)
        assert "CONNECT" not in system.events(early.id)
        operator.hang_up()
        operator = system.answer()
        assert "CONNECT" in system.events(early.id)
        for line in (urgent.line, early.line, operator):
            line.hang_up()
    facts = {fact.call: fact.data for fact in system.facts() if fact.kind == "handed_over"}
    assert (facts[early.id]["priority"], facts[urgent.id]["priority"]) == (0, 10)


def test_given_nobody_is_logged_in_when_somebody_calls_then_it_is_logged_and_a_message_taken(system: System) -> None:
    log_out(system, [1])
    try:
        visit = enter_queue(system)
        message = speak_message(system, visit)
    finally:
        system.stack.log_in([1])
    assert message.reason == "all_busy"
    assert system.events(visit.id) == ["JOINEMPTY", "ENDED"]
    assert system.wait_fact("queue_refused", visit.id)[0].data == {"status": "JOINEMPTY"}
    assert fate(system, visit) == "message"


def test_given_a_caller_waits_when_the_last_operator_logs_out_then_the_voicemail_answers(system: System) -> None:
    with talking(system, 1):
        visit = enter_queue(system)
        wait_entered(system, visit)
        log_out(system, [1])
        try:
            visit.line.wait_heard(system.sound("vm-all-busy"))
            visit.line.hang_up()
            assert fate(system, visit) == "refused"
            assert system.wait_fact("queue_refused", visit.id)[0].data == {"status": "LEAVEEMPTY"}
            assert system.events(visit.id) == ["ENTERQUEUE", "EXITEMPTY", "ENDED"]
        finally:
            system.stack.log_in([1])


def test_given_busy_means_voicemail_when_all_are_busy_then_no_caller_waits() -> None:
    changes = {"voicemail": MESSAGE, "queue": {"all_busy": {"then": "voicemail"}}}
    with running_system(changes, operators=1, prompt_bytes=BRIEF) as system, talking(system, 1):
        visit = enter_queue(system)
        message = speak_message(system, visit)
        assert message.reason == "all_busy"
        assert fate(system, visit) == "message"
        assert "ENTERQUEUE" not in system.events(visit.id)
        (refused,) = system.wait_fact("queue_refused", visit.id)
        assert refused.data["status"] in ("JOINEMPTY", "JOINUNAVAIL")
        assert system.events(visit.id) == [refused.data["status"], "ENDED"]


def test_given_the_operator_does_not_answer_when_time_passes_then_the_telephone_rings_again(system: System) -> None:
    visit = enter_queue(system)
    system.seats.wait_ring().reject()
    operator = system.answer()
    operator.hang_up()
    visit.line.wait_heard(system.sound("survey-invitation"))
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    assert "RINGNOANSWER" in system.events(visit.id)


def log_out(system: System, seats: Iterable[int]) -> None:
    leaving = list(seats)
    for seat in leaving:
        system.stack.desk(f"*12*{seat:02d}")

    def members() -> str:
        return system.stack.switch.cli("queue show nul")

    wait_until(lambda: not any(f"PJSIP/seat{seat:02d}" in members() for seat in leaving), "operators to log out")
