"""Holds and transfers on a real Asterisk, with telephones that can do both (pjsua2).

The held side hears music, nobody can be sent where they should not be, and a call has one beginning and one end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.asterisk.support.pjsua import Pjsua, PjsuaCall
from tests.asterisk.support.system import BRIEF, NUMBER, System, running_system, wait_until

pytestmark = pytest.mark.switch

HOST = "127.0.0.1"


class Place(NamedTuple):
    system: System
    callers: Pjsua
    seats: Pjsua

    def uri(self, user: str) -> str:
        return f"sip:{user}@{HOST}:{self.system.stack.sip_port}"

    def members(self) -> list[str]:
        lines = self.system.stack.switch.cli("queue show nul").splitlines()
        return [line for line in lines if "(PJSIP/seat" in line]

    def logged_in(self) -> int:
        return sum("paused" not in line for line in self.members())

    def has_taken_a_call(self, seat: str) -> bool:
        """What a member loses, with its wrap-up, when it is added again."""
        return any(f"(PJSIP/{seat})" in line and "has taken 1 calls" in line for line in self.members())


class Talk(NamedTuple):
    caller: PjsuaCall
    operator: PjsuaCall
    call: str


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    changes = {"queue": {"wrap_up_seconds": 30}, "survey": {"offered": False}}
    with (
        Pjsua() as callers,
        Pjsua() as seats,
        running_system(changes, operators=12, prompt_bytes=BRIEF, seats_port=seats.port) as system,
    ):
        yield Place(system, callers, seats)


@contextmanager
def talking(place: Place) -> Iterator[Talk]:
    """Caller and operator, connected; they hang up at the end, and the call has one beginning and one end."""
    place.system.wait_idle()
    known = place.system.call_ids()
    caller = place.callers.dial(place.system.stack.sip_port)
    caller.wait_answered()
    wait_until(lambda: len(place.system.new_calls(known)) == 1, "the engine to report the call")
    (call,) = place.system.new_calls(known)
    caller.press("5")
    operator = place.seats.answer_next()
    wait_until(lambda: "CONNECT" in place.system.events(call), "caller and operator to be connected")
    try:
        yield Talk(caller, operator, call)
    finally:
        place.callers.hang_up_all()
        place.seats.hang_up_all()
    place.system.wait_idle()
    place.system.wait_fact("ended", call)
    assert place.system.kinds(call).count("answered") == place.system.kinds(call).count("ended") == 1
    assert place.system.events(call).count("ENDED") == 1
    assert place.system.new_calls(known) == [call]


def test_a_caller_hears_music_while_the_operator_holds_and_the_operator_while_the_caller_does(place: Place) -> None:
    with talking(place) as talk:
        assert talk.caller.hears_nothing(0.5)
        talk.operator.hold()
        talk.caller.wait_heard()
        talk.operator.resume()
        wait_until(lambda: talk.caller.hears_nothing(0.5), "the music to end")
        talk.caller.hold()
        talk.operator.wait_heard()


TARGETS = (NUMBER, "+39" + NUMBER, "*11102", "*12", "*12*01", "*131", "%2A12", "*12;x=y", "seat02", "s", "queue")


@pytest.mark.parametrize("who", ["caller", "operator"])
def test_neither_caller_nor_operator_can_send_the_other_elsewhere(place: Place, who: str) -> None:
    with talking(place) as talk:
        sender, other = (talk.caller, talk.operator) if who == "caller" else (talk.operator, talk.caller)
        for target in TARGETS:
            sender.transfer(place.uri(target))
            assert sender.wait_transfer() == 603, target
        sender.speak()
        other.wait_heard()  # they still talk
        assert place.logged_in() == 12


def test_an_operator_cannot_connect_a_caller_to_their_own_feature_code(place: Place) -> None:
    with talking(place) as talk:
        code = place.seats.dial(place.system.stack.sip_port, "*11", user=talk.operator.seat)
        code.wait_answered()
        talk.operator.transfer_to(code)
        assert talk.operator.wait_transfer() == 603
        talk.operator.speak()
        talk.caller.wait_heard()


def test_keys_in_a_talk_do_nothing(place: Place) -> None:
    keys = "*11102#*12##*1*2"
    with talking(place) as talk:
        talk.caller.press(keys)
        talk.operator.press(keys)
        wait_until(lambda: talk.operator.keys == keys and talk.caller.keys == keys, "the keys to be heard")
        talk.caller.speak()
        talk.operator.wait_heard()
        assert place.logged_in() == 12


def test_a_caller_reaches_nothing_but_the_service(place: Place) -> None:
    for number in ("*11102", "*12", "*12*01", "seat01", "s", "*14", "nul", "+390612345678"):
        line = place.callers.dial(place.system.stack.sip_port, number)
        line.wait_ended()
        assert line.code in (404, 484), number
    assert place.logged_in() == 12


def test_a_telephone_that_forwards_its_calls_gives_no_caller_away(place: Place) -> None:
    known = place.system.call_ids()
    with Pjsua() as caller_phone:
        caller = caller_phone.dial(place.system.stack.sip_port)
        caller.wait_answered()
        wait_until(lambda: len(place.system.new_calls(known)) == 1, "the engine to report the call")
        (call,) = place.system.new_calls(known)
        caller.press("5")
        ringing = place.seats.wait_ring()
        ringing.forward(place.uri("*12"))
        operator = place.seats.answer_next()
        wait_until(lambda: "CONNECT" in place.system.events(call), "another operator to be connected")
        assert place.logged_in() == 12
        operator.hang_up()


def test_logging_in_again_keeps_the_wrap_up(place: Place) -> None:
    with talking(place) as talk:
        seat = talk.operator.seat
        talk.operator.hang_up()
        talk.caller.wait_ended()
        wait_until(lambda: place.has_taken_a_call(seat), "the wrap-up")
        own = place.seats.dial(place.system.stack.sip_port, f"*111{seat[4:]}", user=seat)
        own.wait_answered()
        own.wait_ended()
        assert place.has_taken_a_call(seat)
