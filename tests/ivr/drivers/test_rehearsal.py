"""A whole call without a switch: the flows one after the other, as the dialplan runs them."""

from __future__ import annotations

import pytest

from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import Rehearsal, ScriptedCaller, rehearse_call
from ivr.flows.plugins import installed_flows
from tests.conftest import CLOSED, OPEN, rome

NO_NUMBER = None


def call(
    compiled: Compiled, caller: ScriptedCaller, ending: str = "answered", when: str = OPEN
) -> tuple[str, Rehearsal]:
    rehearsal = Rehearsal(compiled, caller, at=rome(when))

    def queue(waiting: Rehearsal) -> str:
        waiting.now += 60
        return ending

    return rehearse_call(rehearsal, installed_flows(), queue), rehearsal


def kinds(rehearsal: Rehearsal) -> list[str]:
    return [fact.kind for fact in rehearsal.facts]


def test_answered_with_a_survey(compiled: Compiled) -> None:
    fate, done = call(compiled, ScriptedCaller("0543"))
    assert fate == "answered"
    assert kinds(done) == ["answered", "choice", "handed_over", "survey", "survey", "survey", "ended"]
    assert done.facts[-1].data["fate"] == "answered"


def test_a_site_may_go_without_the_survey(compiled: Compiled) -> None:
    compiled["service"]["survey"]["offered"] = False
    _, done = call(compiled, ScriptedCaller("0543"))
    assert "survey" not in kinds(done)


@pytest.mark.parametrize(("ending", "reason"), [("timeout", "all_busy"), ("key", "caller_choice")])
def test_no_operator_answers_and_a_message_is_left(compiled: Compiled, ending: str, reason: str) -> None:
    fate, done = call(compiled, ScriptedCaller(["0", "1", "1"], says=(6.0,)), ending)
    assert fate == "message"
    (message,) = [fact for fact in done.facts if fact.kind == "message"]
    assert message.data["reason"] == reason


def test_a_full_queue_without_a_message_is_a_refusal(compiled: Compiled) -> None:
    fate, done = call(compiled, ScriptedCaller(["0", "hangup"]), "refused")
    assert fate == "refused"
    assert "queue_refused" in kinds(done)


def test_a_full_queue_with_a_message_is_a_message(compiled: Compiled) -> None:
    fate, done = call(compiled, ScriptedCaller(["0", "1", "1"], says=(6.0,)), "refused")
    assert fate == "message"
    assert "queue_refused" in kinds(done)


def test_abandoned_in_the_queue(compiled: Compiled) -> None:
    fate, done = call(compiled, ScriptedCaller("0"), "abandoned")
    assert fate == "abandoned"
    assert kinds(done) == ["answered", "choice", "handed_over", "ended"]


def test_closed_and_a_message_left(compiled: Compiled) -> None:
    fate, done = call(compiled, ScriptedCaller(["1", "1"], says=(6.0,)), when=CLOSED)
    assert fate == "message"
    assert [fact.data["reason"] for fact in done.facts if fact.kind == "message"] == ["closed"]


def test_closed_and_nothing_said(compiled: Compiled) -> None:
    fate, _ = call(compiled, ScriptedCaller(["", "hangup"]), when=CLOSED)
    assert fate == "no_message"


def test_left_in_the_menu(compiled: Compiled) -> None:
    fate, done = call(compiled, ScriptedCaller(["hangup"]))
    assert fate == "left_menu"
    assert kinds(done) == ["answered", "ended"]


def test_every_call_has_one_fate_and_every_fact_an_id_of_its_own(compiled: Compiled) -> None:
    for ending in ("answered", "abandoned", "timeout", "key", "refused"):
        _, done = call(compiled, ScriptedCaller(["0", "1", "1"], says=(6.0,)), ending)
        assert kinds(done).count("ended") == 1
        assert len({fact.id for fact in done.facts}) == len(done.facts)
        assert {fact.call for fact in done.facts} == {"rehearsal.1"}
