"""Calls on a real Asterisk between two telephones that nobody here wrote (pjsua2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

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
