"""Operators on a real Asterisk: they log in, pause and change seats from their telephones, by feature codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.asterisk.support.call_steps import enter_queue, fate, wait_entered
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, TUESDAY, System, running_system, wait_until

pytestmark = pytest.mark.switch


@pytest.fixture(scope="module")
def empty_system() -> Iterator[System]:
    with running_system(prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def system(empty_system: System) -> Iterator[System]:
    """No operator is logged in; there is no call."""
    empty_system.wait_idle()
    yield empty_system
    empty_system.hang_up_all()
    for seat in set(members(empty_system).values()):
        empty_system.stack.desk(f"*12*{seat[4:6]}")
    wait_until(lambda: members(empty_system) == {}, "everybody to go home")


def dial(system: System, seat: int, code: str) -> Line:
    """Dial from the telephone of a seat."""
    return system.seats.dial(code, system.stack.sip_port, caller=f"seat{seat:02d}")


def assert_hears(system: System, line: Line, prompt: str) -> None:
    line.wait_heard(system.sound(prompt))
    line.wait_ended()


def log_in(system: System, seat: int, code: int) -> None:
    assert_hears(system, dial(system, seat, f"*11{code}"), "op-welcome")


def members(system: System) -> dict[str, str]:
    """Seats by operator, with " paused" for those who pause."""
    lines = re.findall(r"(op\d+) \(PJSIP/(seat\d+)\)(.*)", system.stack.switch.cli("queue show nul"))
    return {name: seat + (" paused" if "paused:" in rest else "") for name, seat, rest in lines}


def rings_at(line: Line) -> str:
    """The seat whose telephone rings."""
    match = re.search(r"sip:(seat\d+)@", line.local)
    assert match, line.local
    return match[1]


def test_given_an_empty_seat_when_an_operator_logs_in_by_telephone_then_calls_ring_there(system: System) -> None:
    log_in(system, 7, 109)
    assert members(system) == {"op109": "seat07"}
    visit = enter_queue(system)
    ringing = system.seats.wait_ring()
    assert rings_at(ringing) == "seat07"
    system.answer(ringing).hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    (connect,) = [line for line in system.stack.queue_log() if line[1] == visit.id and line[4] == "CONNECT"]
    assert connect[3] == "op109"  # the log has the operator's code


def test_given_the_only_operator_when_they_log_out_then_callers_are_refused(system: System) -> None:
    log_in(system, 7, 109)
    assert_hears(system, dial(system, 7, "*12"), "op-goodbye")
    assert members(system) == {}
    assert_hears(system, dial(system, 7, "*12"), "op-not-logged-in")
    visit = enter_queue(system)
    visit.line.wait_heard(system.sound("vm-all-busy"))
    visit.line.hang_up()
    assert fate(system, visit) == "refused"


def test_given_a_seat_when_the_code_is_asked_for_then_it_can_be_typed(system: System) -> None:
    line = dial(system, 3, "*11")
    line.wait_heard(system.sound("op-code"))
    line.press("117")
    assert_hears(system, line, "op-welcome")
    assert members(system) == {"op117": "seat03"}


def test_given_codes_of_no_operator_when_they_are_dialled_then_they_are_refused(system: System) -> None:
    codes = ("*11100", "*11125", "*11999", "*1111", "*111011")
    lines = [dial(system, seat, code) for seat, code in enumerate(codes, 3)]
    for line in lines:
        assert_hears(system, line, "op-wrong-code")
    assert members(system) == {}


def test_given_the_code_is_asked_for_when_a_wrong_one_is_typed_then_it_is_refused(system: System) -> None:
    line = dial(system, 3, "*11")
    line.wait_heard(system.sound("op-code"))
    line.press("999")
    assert_hears(system, line, "op-wrong-code")
    assert members(system) == {}


def test_given_an_operator_when_they_log_in_at_another_seat_then_they_are_logged_out_at_the_first(
    system: System,
) -> None:
    log_in(system, 1, 101)
    log_in(system, 2, 101)
    assert members(system) == {"op101": "seat02"}


def test_given_a_taken_seat_when_another_operator_logs_in_there_then_the_first_is_logged_out(system: System) -> None:
    log_in(system, 1, 101)
    log_in(system, 1, 113)
    assert members(system) == {"op113": "seat01"}


def test_given_a_paused_operator_when_somebody_calls_then_the_other_telephone_rings(system: System) -> None:
    log_in(system, 1, 101)
    log_in(system, 2, 102)
    assert_hears(system, dial(system, 1, "*131"), "op-paused")
    assert members(system) == {"op101": "seat01 paused", "op102": "seat02"}
    for _ in range(2):  # in turn, one of the two would be for the first seat
        visit = enter_queue(system)
        ringing = system.seats.wait_ring()
        assert rings_at(ringing) == "seat02"
        system.answer(ringing).hang_up()
        visit.line.hang_up()
        system.wait_idle()


def test_given_all_operators_are_paused_when_one_resumes_then_the_waiting_caller_rings_there(system: System) -> None:
    log_in(system, 1, 101)
    for code in ("*131", "*132", "*133"):
        assert_hears(system, dial(system, 1, code), "op-paused")
    visit = enter_queue(system)
    wait_entered(system, visit)
    assert not system.seats.incoming
    assert_hears(system, dial(system, 1, "*14"), "op-resumed")
    ringing = system.seats.wait_ring()
    assert rings_at(ringing) == "seat01"
    system.answer(ringing).hang_up()
    visit.line.hang_up()
    assert fate(system, visit) == "answered"
    verbs = [tuple(line[4:6]) for line in system.stack.queue_log() if line[3] == "op101" and "PAUSE" in line[4]]
    assert verbs[-4:] == [("PAUSE", "break"), ("PAUSE", "after_call_work"), ("PAUSE", "email"), ("UNPAUSE", "")]


def test_given_an_empty_seat_when_a_pause_is_dialled_then_it_is_refused(system: System) -> None:
    for code in ("*131", "*14"):
        assert_hears(system, dial(system, 5, code), "op-not-logged-in")
    assert members(system) == {}


def test_given_twelve_seats_when_the_shift_changes_then_twelve_others_are_logged_in(system: System) -> None:
    log = len(system.stack.queue_log())
    for first in (101, 113):
        lines = [dial(system, seat, f"*11{first + seat - 1}") for seat in range(1, 13)]  # all at the same time
        for line in lines:
            assert_hears(system, line, "op-welcome")
        assert members(system) == {f"op{first + seat - 1}": f"seat{seat:02d}" for seat in range(1, 13)}
    verbs = [(line[3], line[4]) for line in system.stack.queue_log()[log:]]
    assert sorted(verbs) == sorted(
        [(f"op{code}", "ADDMEMBER") for code in range(101, 125)]
        + [(f"op{code}", "REMOVEMEMBER") for code in range(101, 113)]
    )


def test_given_operators_when_asterisk_is_restarted_then_they_stay_logged_in(system: System) -> None:
    log_in(system, 11, 123)
    log_in(system, 12, 124)
    assert_hears(system, dial(system, 12, "*131"), "op-paused")
    before = members(system)
    assert before == {"op123": "seat11", "op124": "seat12 paused"}
    switch = system.stack.switch
    switch.stop()
    switch.prepare()
    switch.start(faketime=TUESDAY)
    assert members(system) == before
    system.stack.wait_reachable([11, 12])
    visit = enter_queue(system)
    ringing = system.seats.wait_ring()
    assert rings_at(ringing) == "seat11"
    system.answer(ringing).hang_up()
    visit.line.hang_up()
    assert_hears(system, dial(system, 11, "*12"), "op-goodbye")
    assert members(system) == {"op124": "seat12 paused"}
