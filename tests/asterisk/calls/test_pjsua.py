"""Calls on a real Asterisk between two telephones that nobody here wrote (pjsua2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ivr.switch_logs.queue_log import parse
from ivr.switch_logs.visits import Visit, find_visits, joins
from tests.asterisk.support.pjsua import Pjsua, PjsuaCall
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch


class Place(NamedTuple):
    """A system, the callers' telephone, and the one of all seats."""

    system: System
    callers: Pjsua
    seats: Pjsua


@pytest.fixture(scope="module")
def whole_place() -> Iterator[Place]:
    with (
        Pjsua() as callers,
        Pjsua() as seats,
        running_system(operators=1, prompt_bytes=BRIEF, seats_port=seats.port) as system,
    ):
        yield Place(system, callers, seats)


@pytest.fixture
def place(whole_place: Place) -> Iterator[Place]:
    """A place without calls, whose operator can be called."""
    whole_place.system.wait_idle()
    yield whole_place
    whole_place.callers.hang_up_all()
    whole_place.seats.hang_up_all()


def test_an_attended_transfer_into_the_queue_is_a_second_visit_of_the_caller(place: Place) -> None:
    """Asterisk logs its beginning under the operator's channel, and its end under the caller's."""
    switch = place.system.stack.switch
    custom = Path(switch.etc, "pjsip_nul_custom.conf")
    custom.write_text("[seat01](+)\nallow_transfer = yes\n", encoding="utf-8")  # as docs/ops.md says
    switch.cli("module reload res_pjsip.so")
    allowed = re.compile(r"allow_transfer +: true")
    wait_until(lambda: bool(allowed.search(switch.cli("pjsip show endpoint seat01"))), "transfers to be allowed")
    for step, application in enumerate(("Answer", "Queue,nul"), 1):
        switch.cli(f"dialplan add extension 700,{step},{application} into nul-seats")
    known = place.system.call_ids()
    caller = enter_queue(place)
    operator = place.seats.wait_ring(20)
    operator.answer()
    operator.hold()
    consulted = place.seats.dial(place.system.stack.sip_port, "700", user="seat01")
    consulted.wait_answered()
    operator.transfer_to(consulted)
    assert operator.wait_transfer() == 200
    place.seats.wait_ring(30).answer()
    caller.hang_up()
    (call_id,) = place.system.new_calls(known)
    place.system.wait_fact("ended", call_id)

    def visits() -> list[Visit]:
        lines = Path(switch.log, "queue_log").read_text(encoding="utf-8").splitlines()
        events = [event for event in map(parse, lines) if event is not None]
        calls = {event.call for event in events}
        return [visit for call in calls for visit in find_visits([event for event in events if event.call == call])]

    def of_caller() -> list[Visit]:
        return [visit for visit in visits() if visit.call == call_id and visit.fate == "answered"]

    wait_until(lambda: len(of_caller()) == 2, "both answers in the queue_log")  # the transfer's line may come last
    first, second = of_caller()
    assert (first.transferred, second.transferred) == (True, False)
    (begun,) = [visit for visit in visits() if joins(visit, second)]
    assert begun.call != call_id


def enter_queue(place: Place) -> PjsuaCall:
    known = place.system.call_ids()
    caller = place.callers.dial(place.system.stack.sip_port)
    caller.wait_answered()
    wait_until(lambda: bool(place.system.new_calls(known)), "the engine to report the call")
    caller.press("0")
    return caller


def test_caller_and_operator_hear_each_other_and_the_operator_hangs_up(place: Place) -> None:
    known = place.system.call_ids()
    caller = enter_queue(place)
    operator = place.seats.wait_ring(20)
    assert operator.seat == "seat01"
    operator.answer()
    caller.speak()
    operator.wait_heard()
    operator.speak()
    caller.wait_heard()
    operator.hang_up()
    operator.wait_ended()
    caller.hang_up()
    (call_id,) = place.system.new_calls(known)
    assert place.system.wait_fact("ended", call_id)[0].data["fate"] == "answered"
