"""Calls on a real Asterisk, with real sound: from the first ring to the survey."""

from __future__ import annotations

import pytest

from tests.asterisk.support.system import System, wait_until

pytestmark = pytest.mark.switch


@pytest.fixture(autouse=True)
def quiet_line(open_system: System) -> None:
    open_system.wait_idle()


def test_a_whole_call_with_a_survey(open_system: System) -> None:
    known = open_system.call_ids()
    caller = open_system.call()
    caller.wait_heard(open_system.sound("welcome"))
    caller.wait_heard(open_system.sound("topics"))
    caller.press("0")
    caller.wait_heard(open_system.sound("queue-wait"))
    operator = open_system.answer()
    voice = open_system.sound("info-did")
    caller.speak(voice)
    operator.wait_heard(voice)  # they hear each other
    operator.speak(open_system.sound("info-adr"))
    caller.wait_heard(open_system.sound("info-adr"))
    operator.hang_up()
    caller.wait_heard(open_system.sound("survey-invitation"))
    for prompt, key in (("survey-solved", "5"), ("survey-courtesy", "4"), ("survey-overall", "3")):
        caller.wait_heard(open_system.sound(prompt))
        caller.press(key)
    caller.wait_heard(open_system.sound("survey-thanks"))
    caller.wait_ended()
    (call_id,) = open_system.new_calls(known)
    open_system.wait_fact("ended", call_id)
    assert open_system.kinds(call_id) == [
        "answered", "choice", "handed_over", "survey", "survey", "survey", "ended",
    ]  # fmt: skip
    facts = {fact.kind: fact.data for fact in open_system.facts(call_id)}
    assert facts["choice"] == {"node": "argomenti", "key": "0", "why": ""}
    assert facts["ended"]["fate"] == "answered"
    assert [fact.data["value"] for fact in open_system.facts(call_id) if fact.kind == "survey"] == [5, 4, 3]
    assert open_system.events(call_id) == ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENDED"]


def test_after_three_wrong_keys_an_operator_answers(open_system: System) -> None:
    caller = open_system.call()
    caller.wait_heard(open_system.sound("topics"))
    caller.press("8")
    caller.wait_heard(open_system.sound("wrong-input"))
    caller.wait_heard(open_system.sound("topics-again"))
    caller.press("8")
    open_system.answer().hang_up()
    caller.wait_heard(open_system.sound("survey-invitation"))
    caller.hang_up()


def test_two_keys_in_quick_succession_both_count(open_system: System) -> None:
    known = open_system.call_ids()
    caller = open_system.call()
    caller.wait_heard(open_system.sound("topics"))
    caller.press("13")  # the topic, then goodbye after the information
    caller.wait_heard(open_system.sound("goodbye"))
    caller.wait_ended()
    (call_id,) = open_system.new_calls(known)
    (ended,) = open_system.wait_fact("ended", call_id)
    assert ended.data["fate"] == "informed"
    assert [fact.data["key"] for fact in open_system.facts(call_id) if fact.kind == "choice"] == ["1", "3"]


def test_the_operator_key_and_the_repeat_key(open_system: System) -> None:
    known = open_system.call_ids()
    caller = open_system.call()
    caller.wait_heard(open_system.sound("topics"))
    caller.heard.clear()
    caller.press("*")
    caller.wait_heard(open_system.sound("topics"))
    caller.press("0")
    operator = open_system.answer()
    operator.hang_up()
    caller.wait_heard(open_system.sound("survey-invitation"))
    caller.hang_up()
    (call_id,) = open_system.new_calls(known)
    (ended,) = open_system.wait_fact("ended", call_id)
    assert ended.data["fate"] == "answered"
    wait_until(lambda: open_system.channels() == 0, "no channel")
