"""A session: bytes in, bytes out, and what a hang-up means, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi import Answer, CommandError, GetVariable, Hangup, RemoteProtocolError, SetVariable, StreamFile
from ivr.configuration.compiled import Compiled
from ivr.drivers.session import LAST_WORDS, FlowStepper, NoSuchFlow, Session, flow_starter
from ivr.facts import Fact
from ivr.flows.call import Call, Flow
from tests.ivr.engine_lines import environment, short

Log = list[str]


def session(flow: Callable[[Call], Flow], compiled: Compiled, facts: list[Fact] | None = None) -> Session:
    report = [] if facts is None else facts

    def make_call(told: Any) -> Call:
        return Call(told, compiled, report.append, lambda *_, **__: None, lambda: 1785000000.0)

    return Session(flow_starter({"short": flow}, make_call))


def converse(it: Session, *received: bytes) -> list[str]:
    """What is sent after each of these."""
    return [it.receive_data(data).decode().rstrip("\n").replace('"', "") for data in received]


def test_a_conversation_to_its_end(shipped: Compiled) -> None:
    facts: list[Fact] = []
    it = session(short, shipped, facts)
    said = converse(it, environment(), b"200 result=0\n", b"200 result=53\n", b"200 result=1\n", b"200 result=1\n")
    assert said == ["ANSWER", "WAIT FOR DIGIT 5000", "SET VARIABLE IVR_TOPIC 5", "SET VARIABLE IVR_OUTCOME done", ""]
    assert it.finished
    assert it.ending == "done"
    assert [fact.kind for fact in facts] == ["answered"]
    assert it.call is not None
    assert it.call.id == "1785000000.1"


TURNS = [environment(), b"200 result=0\n", b"200 result=53\n", b"HANGUP\n200 result=1\n"]


@given(st.data())
def test_pieces_of_any_size_make_the_same_conversation(shipped: Compiled, data: st.DataObject) -> None:
    it, said = session(short, shipped), b""
    for turn in TURNS:
        cuts = data.draw(st.sets(st.integers(0, len(turn)), max_size=6))
        edges = [0, *sorted(cuts), len(turn)]
        pieces = [turn[start:end] for start, end in pairwise(edges) if start < end]
        said += b"".join(it.receive_data(piece) for piece in pieces)
    assert said.decode().replace('"', "").split("\n") == [
        "ANSWER",
        "WAIT FOR DIGIT 5000",
        "SET VARIABLE IVR_TOPIC 5",
        "",
    ]
    assert it.ending == "hangup"


def test_a_flow_that_there_is_not(shipped: Compiled) -> None:
    it = session(short, shipped)
    with pytest.raises(NoSuchFlow, match=r"agi://.../dance: no such flow; there are short"):
        it.receive_data(environment("dance"))


def test_the_switch_closes_before_the_environment_is_complete(shipped: Compiled) -> None:
    it = session(short, shipped)
    assert it.receive_data(environment()[:50]) == b""
    it.abandon()
    assert it.finished
    assert it.ending == ""
    assert it.call is None


# the hang-up


def telling(log: Log, commands: Sequence[Any], last: Sequence[Any] = ()) -> Callable[[Call], Flow]:
    """A flow that notes what it is told, and has last words."""

    def flow(call: Call) -> Flow:
        try:
            for command in commands:
                log.append(repr((yield command)))
        except Hangup:
            log.append("hangup")
            for command in last:
                try:
                    log.append(repr((yield command)))
                except Hangup:
                    log.append("again")
        else:
            log.append("end")

    return flow


def test_a_hang_up_is_raised_at_the_next_yield_after_the_reply(shipped: Compiled) -> None:
    log: Log = []
    it = session(telling(log, [Answer(), SetVariable("IVR_OUTCOME", "queue")]), shipped)
    assert converse(it, environment(), b"HANGUP\n", b"200 result=0\n") == ["ANSWER", "", ""]
    # Nobody is handed over who has gone: the flow never learns that its command could be sent.
    assert [line for line in log if line != "Result(code=0)"] == ["hangup"]
    assert len(log) == 2  # the reply under way was given to it first
    assert it.finished


def test_511_is_a_hang_up(shipped: Compiled) -> None:
    log: Log = []
    it = session(telling(log, [Answer()], [SetVariable("IVR_FATE", "abandoned")]), shipped)
    said = converse(it, environment(), b"511 Command Not Permitted on a dead channel or intercept routine\n")
    assert said == ["ANSWER", "SET VARIABLE IVR_FATE abandoned"]  # variables can still be set
    assert converse(it, b"200 result=1\n") == [""]
    assert log[0] == "hangup"
    assert it.finished


def test_last_words_that_a_dead_channel_refuses_are_not_sent(shipped: Compiled) -> None:
    log: Log = []
    last = [StreamFile("nul/goodbye"), SetVariable("IVR_FATE", "abandoned")]
    it = session(telling(log, [Answer()], last), shipped)
    assert converse(it, environment(), b"HANGUP\n511 Dead\n") == ["ANSWER", "SET VARIABLE IVR_FATE abandoned"]
    assert log[:2] == ["hangup", "again"]


def test_a_flow_that_does_not_stop_talking_is_cut_off(shipped: Compiled) -> None:
    it = session(telling([], [Answer()], [StreamFile("nul/goodbye")] * (2 * LAST_WORDS)), shipped)
    converse(it, environment(), b"511 Dead\n")
    assert it.finished
    assert it.ending == "error"


def test_a_flow_that_continues_setting_variables_for_ever_is_cut_off(shipped: Compiled) -> None:
    it = session(telling([], [Answer()], [SetVariable("A", "b")] * (2 * LAST_WORDS)), shipped)
    converse(it, environment(), b"511 Dead\n")
    for _ in range(LAST_WORDS):
        it.receive_data(b"200 result=1\n")
    assert it.finished
    assert it.ending == "error"


@pytest.mark.parametrize("by", ["EOF", "abandon"])
def test_when_the_switch_closes_the_flow_may_still_put_its_things_in_order(shipped: Compiled, by: str) -> None:
    log: Log = []
    it = session(telling(log, [Answer()], [SetVariable("A", "b")]), shipped)
    converse(it, environment())
    assert it.receive_data(b"") == b"" if by == "EOF" else it.abandon() is None
    assert log == ["hangup", "again"]
    assert it.finished
    assert it.ending == "done"  # it took the hang-up for its end
    it.abandon()  # told once
    assert log == ["hangup", "again"]


def test_abandoning_a_flow_that_has_ended_changes_nothing(shipped: Compiled) -> None:
    it = session(telling([], []), shipped)
    converse(it, environment())
    assert it.ending == "done"
    it.abandon()
    assert it.ending == "done"


def test_a_flow_that_begins_on_a_dead_channel_may_write_at_once(shipped: Compiled) -> None:
    policy = FlowStepper(telling([], [GetVariable("IVR_FATE")])(None))  # type: ignore[arg-type]
    assert policy.advance(None, hung_up=True) == GetVariable("IVR_FATE")


# mistakes


def test_a_refused_command_is_raised_in_the_flow(shipped: Compiled) -> None:
    log: Log = []

    def flow(call: Call) -> Flow:
        try:
            yield Answer()
        except CommandError as problem:
            log.append(f"{problem.code}")
        yield SetVariable("IVR_OUTCOME", "done")

    it = session(flow, shipped)
    said = converse(it, environment(), b"510 Invalid or unknown command\n")
    assert said == ["ANSWER", "SET VARIABLE IVR_OUTCOME done"]
    assert log == ["510"]


def test_a_flow_s_own_error_comes_out_of_the_session(shipped: Compiled) -> None:
    def flow(call: Call) -> Flow:
        yield Answer()
        raise ZeroDivisionError

    it = session(flow, shipped)
    converse(it, environment())
    with pytest.raises(ZeroDivisionError):
        it.receive_data(b"200 result=0\n")
    it.abandon()  # and what comes after is no second error
    assert it.finished


def test_two_replies_to_one_command_end_the_conversation(shipped: Compiled) -> None:
    it = session(short, shipped)
    converse(it, environment())
    with pytest.raises(RemoteProtocolError):
        it.receive_data(b"200 result=0\n200 result=0\n")
