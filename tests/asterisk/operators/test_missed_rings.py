"""Operators who let it ring, and telephones without power, on a real Asterisk."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.asterisk.support.call_steps import Visit, enter_queue, fate, wait_entered
from tests.asterisk.support.softphone import Line
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch

RING_SECONDS = 5
DEAD_WITHIN = 15.0  # s: 5 between two checks, 2 for the answer, and a busy machine


@pytest.fixture(scope="module")
def two_seats() -> Iterator[System]:
    with running_system(operators=2, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def system(two_seats: System) -> Iterator[System]:
    """Two operators who take calls, nobody on the line."""
    two_seats.wait_idle()
    yield two_seats
    two_seats.hang_up_all()
    two_seats.seats.off.clear()
    two_seats.wait_idle()
    for seat in ("01", "02"):
        two_seats.stack.desk(f"*14*{seat}")
    wait_until(lambda: states(two_seats) == {"seat01": "", "seat02": ""}, "both operators to take calls again")


def states(system: System) -> dict[str, str]:
    """Seat -> "", "unavailable" or the reason of its pause."""
    found = {}
    for seat, rest in re.findall(r"\(PJSIP/(seat\d+)\)(.*)", system.stack.switch.cli("queue show nul")):
        paused = re.search(r"\(paused:?(\w*)", rest)
        found[seat] = "unavailable" if "(Unavailable)" in rest else (paused[1] or "paused") if paused else ""
    return found


def seat_of(ringing: Line) -> str:
    match = re.search(r"sip:(seat\d+)@", ringing.local)
    assert match, ringing.local
    return match[1]


def let_ring(system: System) -> tuple[Visit, str]:
    """A caller whose first operator does not answer: the call, and that operator's seat."""
    visit = enter_queue(system)
    ringing = system.seats.wait_ring()
    ringing.wait_ended(RING_SECONDS + 10)
    return visit, seat_of(ringing)


def set_missed_rings(system: System, rings: int) -> None:
    system.reconfigure({"queue": {"missed_rings": rings}})
    system.stack.render(system.now())
    system.stack.switch.cli("dialplan reload")


def dial(system: System, seat: str, code: str) -> Line:
    return system.seats.dial(code, system.stack.sip_port, caller=seat)


def test_given_an_operator_who_is_away_when_it_has_rung_once_then_they_are_paused_and_told_why_when_they_come_back(
    system: System,
) -> None:
    first, away = let_ring(system)
    operator = system.answer()
    assert seat_of(operator) != away
    wait_until(lambda: states(system)[away] == "missed_rings", "the operator to be paused")
    operator.hang_up()
    first.line.hang_up()
    assert fate(system, first) == "answered"
    second = enter_queue(system)  # is not offered to the empty seat
    operator = system.answer()
    assert seat_of(operator) != away
    operator.hang_up()
    second.line.hang_up()
    verbs = [line[4:6] for line in system.stack.queue_log() if line[4] == "PAUSE"]
    assert verbs[-1] == ["PAUSE", "missed_rings"]
    back = dial(system, away, "*14")
    back.wait_heard(system.sound("op-resumed-missed"))
    assert states(system)[away] == ""
    back.wait_ended()
    again = dial(system, away, "*14")  # told once
    again.wait_heard(system.sound("op-resumed"))


def test_given_a_caller_who_gives_up_when_a_telephone_has_rung_less_then_nobody_is_paused(system: System) -> None:
    visit = enter_queue(system)
    ringing = system.seats.wait_ring()
    visit.line.hang_up()
    ringing.wait_ended()
    assert fate(system, visit) == "abandoned"
    assert states(system) == {"seat01": "", "seat02": ""}


def test_given_two_rings_are_allowed_when_an_operator_answers_in_between_then_they_count_from_the_beginning(
    system: System,
) -> None:
    system.stack.desk("*12*02")
    wait_until(lambda: states(system) == {"seat01": ""}, "the second operator to leave")
    set_missed_rings(system, 2)
    try:
        visit, _ = let_ring(system)
        system.answer().hang_up()  # the second ring
        visit.line.hang_up()
        assert fate(system, visit) == "answered"
        visit, _ = let_ring(system)
        assert states(system) == {"seat01": ""}  # one ring since the last answer
        system.seats.wait_ring().wait_ended(RING_SECONDS + 10)
        wait_until(lambda: states(system) == {"seat01": "missed_rings"}, "the operator to be paused")
        visit.line.hang_up()
    finally:
        set_missed_rings(system, 1)
        system.stack.log_in([2])


def test_given_no_limit_when_it_rings_and_rings_then_the_operator_stays(system: System) -> None:
    set_missed_rings(system, 0)
    try:
        visit, _ = let_ring(system)
        system.answer().hang_up()
        assert states(system) == {"seat01": "", "seat02": ""}
        visit.line.hang_up()
    finally:
        set_missed_rings(system, 1)


def test_given_the_telephones_lose_power_when_somebody_waits_or_calls_then_the_voicemail_answers(
    system: System,
) -> None:
    for seat in ("01", "02"):
        system.stack.desk(f"*131*{seat}")
    waiting = enter_queue(system)
    wait_entered(system, waiting)
    system.seats.off = {"seat01", "seat02"}
    waiting.line.wait_heard(system.sound("vm-all-busy"), DEAD_WITHIN)
    assert set(states(system).values()) == {"unavailable"}
    waiting.line.hang_up()
    assert fate(system, waiting) == "refused"
    late = enter_queue(system)
    late.line.wait_heard(system.sound("vm-all-busy"))
    late.line.hang_up()
    assert fate(system, late) == "refused"
    assert system.events(late.id) == ["JOINEMPTY", "ENDED"]


def test_given_one_telephone_without_power_when_somebody_calls_then_the_other_one_rings_at_once(
    system: System,
) -> None:
    system.seats.off = {"seat01"}
    wait_until(lambda: states(system)["seat01"] == "unavailable", "the dead telephone to be noticed", DEAD_WITHIN)
    for _ in range(2):
        visit = enter_queue(system)
        ringing = system.seats.wait_ring(3)
        assert seat_of(ringing) == "seat02"
        system.answer(ringing).hang_up()
        visit.line.hang_up()
        system.wait_idle()
    system.seats.off.clear()
    wait_until(lambda: states(system)["seat01"] == "", "the telephone to be reachable again", DEAD_WITHIN)
