"""The walk through the menu, every branch, rehearsed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.agi import Answer, SetVariable, StreamFile, WaitForDigit
from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import HangsUp, Press, Rehearsal, ScriptedCaller, Speech
from ivr.flows.menu import menu
from tests.conftest import CLOSED, OPEN, rome


def rehearse(compiled: Compiled, caller: Any, when: str = OPEN, **more: Any) -> Rehearsal:
    rehearsal = Rehearsal(compiled, caller, at=rome(when), **more)
    rehearsal.run("menu", menu)
    return rehearsal


def kinds(rehearsal: Rehearsal) -> list[str]:
    return [fact.kind for fact in rehearsal.facts]


def test_a_topic_with_a_person_leads_to_the_queue(compiled: Compiled) -> None:
    caller = ScriptedCaller("0")
    done = rehearse(compiled, caller)
    assert done.variables == {
        "IVR_TOPIC": "ALTRO",
        "QUEUE_PRIO": "0",
        "IVR_OUTCOME": "queue",
    }
    assert list(done.variables)[-1] == "IVR_OUTCOME"  # the dialplan trusts the last one
    assert caller.heard == ["welcome", "topics", "queue-wait"]
    assert kinds(done) == ["answered", "choice", "handed_over"]


@pytest.mark.parametrize(("key", "topic"), [("1", "ADR"), ("2", "DID"), ("3", "INCENTIVI"), ("4", "PORTALE")])
def test_information_on_a_topic_then_a_person_who_knows_the_topic(compiled: Compiled, key: str, topic: str) -> None:
    done = rehearse(compiled, ScriptedCaller([key, "0"]))
    assert done.variables["IVR_TOPIC"] == topic
    assert done.variables["IVR_OUTCOME"] == "queue"
    assert kinds(done) == ["answered", "choice", "informed", "choice", "handed_over"]


def test_information_then_goodbye_is_a_call_that_was_informed(compiled: Compiled) -> None:
    caller = ScriptedCaller("13")
    done = rehearse(compiled, caller)
    assert done.variables == {"IVR_FATE": "informed", "IVR_OUTCOME": "done"}
    assert caller.heard[-1] == "goodbye"


@pytest.mark.parametrize("missing", [False, True])
def test_a_caller_who_did_not_hear_the_information_was_not_informed(compiled: Compiled, missing: bool) -> None:
    """Asterisk says -1 when there is no such sound, and when the caller hangs up in the middle of it."""
    if missing:
        del compiled["prompts"]["info-adr"]
    done = rehearse(compiled, ScriptedCaller("13"))
    (fact,) = [fact for fact in done.facts if fact.kind == "informed"]
    assert fact.data == {"topic": "ADR", "whole": not missing}
    assert ("IVR_FATE" in done.variables) == (not missing)


def test_information_then_another_topic(compiled: Compiled) -> None:
    caller = ScriptedCaller("1223")
    rehearse(compiled, caller)
    assert caller.heard.count("topics") == 2
    assert "info-adr" in caller.heard
    assert "info-did" in caller.heard


def test_the_operator_key_leads_to_the_queue(compiled: Compiled) -> None:
    assert rehearse(compiled, ScriptedCaller("0")).variables["IVR_OUTCOME"] == "queue"


def test_no_key_at_all_leads_to_a_person(compiled: Compiled) -> None:
    caller = ScriptedCaller("")
    done = rehearse(compiled, caller)
    assert caller.heard == ["welcome", "topics", "no-input", "topics-again", "queue-wait"]
    assert done.variables["IVR_OUTCOME"] == "queue"
    assert done.facts[1].data == {"node": "argomenti", "key": "", "why": "no_input"}


def test_wrong_keys_lead_to_a_person(compiled: Compiled) -> None:
    caller = ScriptedCaller("789")
    done = rehearse(compiled, caller)
    assert caller.heard == ["welcome", "topics", "wrong-input", "topics-again", "queue-wait"]
    assert done.variables["IVR_OUTCOME"] == "queue"


def test_the_repeat_key_is_not_an_attempt(compiled: Compiled) -> None:
    caller = ScriptedCaller("****1")
    rehearse(compiled, caller)
    assert caller.heard.count("topics") == 5
    assert "wrong-input" not in caller.heard


def test_repeats_are_limited(compiled: Compiled) -> None:
    caller = ScriptedCaller("*" * 1000)
    done = rehearse(compiled, caller)
    assert done.variables["IVR_OUTCOME"] == "queue"
    assert caller.heard.count("topics") < 20


def test_a_key_during_the_prompt_cuts_it_short(compiled: Compiled) -> None:
    patient = Rehearsal(compiled, ScriptedCaller("0"), at=rome(OPEN))
    hurried = Rehearsal(compiled, ScriptedCaller("0", hurried=True), at=rome(OPEN))
    assert hurried.run("menu", menu).seconds < patient.run("menu", menu).seconds / 2
    assert hurried.variables == patient.variables


def test_a_key_in_the_welcome_answers_the_first_question(compiled: Compiled) -> None:
    caller = ScriptedCaller("0", hurried=True)
    rehearse(compiled, caller)
    assert caller.heard == ["welcome", "queue-wait"]


def test_the_menu_has_a_time_limit(compiled: Compiled) -> None:
    compiled["service"]["limits"]["menu_seconds"] = 120
    caller = ScriptedCaller("12" * 100)
    done = rehearse(compiled, caller)
    assert done.variables["IVR_OUTCOME"] == "queue"
    assert caller.heard.count("info-adr") < 10


@pytest.mark.parametrize(
    "when",
    [
        "2026-11-24 08:59",
        "2026-11-24 18:00",
        "2026-11-28 10:00",  # Saturday
        "2026-12-08 10:00",  # a holiday on a Tuesday
        "2027-03-29 10:00",  # Easter Monday
        "2027-10-04 10:00",  # the holiday that is back since 2026
        "2026-10-25 10:00",  # the day of 25 hours, a Sunday
    ],
)
def test_when_it_is_closed_the_caller_may_leave_a_message(compiled: Compiled, when: str) -> None:
    caller = ScriptedCaller("")
    done = rehearse(compiled, caller, when)
    assert caller.heard[0] == "closed"
    assert done.variables == {"IVR_REASON": "closed", "IVR_OUTCOME": "voicemail"}


@pytest.mark.parametrize("when", ["2026-10-26 09:00", "2027-03-29 09:00"])
def test_the_days_after_the_clock_changed_keep_italian_time(compiled: Compiled, when: str) -> None:
    open_day = when == "2026-10-26 09:00"  # the other is Easter Monday
    assert (rehearse(compiled, ScriptedCaller("0"), when).variables["IVR_OUTCOME"] == "queue") is open_day


def test_an_extra_closure_is_a_closure(compiled: Compiled) -> None:
    compiled["service"]["holidays"]["extra_closures"] = [
        {"first": "2026-11-23", "last": "2026-11-24", "reason": "Trasloco"}
    ]
    assert rehearse(compiled, ScriptedCaller("")).variables["IVR_OUTCOME"] == "voicemail"


def test_a_closed_service_says_when_it_opens_and_offers_information(compiled: Compiled) -> None:
    caller = ScriptedCaller("")
    rehearse(compiled, caller, CLOSED)
    assert caller.heard == ["closed", "next-opening-intro", "tomorrow", "at-hour", "digits/9", "closed-choice"]


def test_information_by_key_while_the_service_is_closed(compiled: Compiled) -> None:
    caller = ScriptedCaller("210")
    done = rehearse(compiled, caller, CLOSED)
    assert caller.heard[-3:] == ["topics-closed", "info-adr", "after-information-closed"]
    assert done.variables["IVR_OUTCOME"] == "voicemail"
    ends = rehearse(compiled, ScriptedCaller("213"), CLOSED)
    assert ends.variables == {"IVR_FATE": "informed", "IVR_OUTCOME": "done"}


@pytest.mark.parametrize("keys", ["0", "2", "20", "21", "212", "213", "2190", "9"])
def test_nobody_reaches_the_queue_while_the_service_is_closed(compiled: Compiled, keys: str) -> None:
    assert rehearse(compiled, ScriptedCaller(keys), CLOSED).variables["IVR_OUTCOME"] in ("voicemail", "done")


def test_the_repeat_key_plays_the_whole_question_after_the_short_one(compiled: Compiled) -> None:
    caller = ScriptedCaller(["", "*", "0"])
    rehearse(compiled, caller)
    assert caller.heard == ["welcome", "topics", "no-input", "topics-again", "topics", "queue-wait"]


def test_speech_begins_after_a_pause_in_which_a_key_counts(compiled: Compiled) -> None:
    done = Rehearsal(compiled, ScriptedCaller("0"), at=rome(OPEN)).run("menu", menu)
    times = {command.words[0]: at for at, command in done.commands if isinstance(command, StreamFile)}
    assert times["nul/welcome"] - rome(OPEN) == pytest.approx(0.4)


def test_a_number_that_is_too_short_is_called_wrong(with_number: Compiled) -> None:
    caller = ScriptedCaller("1#123#1")
    rehearse(with_number, caller)
    assert caller.heard == [
        "vm-type-number", "number-wrong", "vm-type-number", "number-you-typed", "digits 123", "number-confirm",
    ]  # fmt: skip


class Leaver(ScriptedCaller):
    """Hangs up at the n-th moment at which anything can be done."""

    def __init__(self, keys: str, moment: int) -> None:
        super().__init__(keys, says=(3.0,))
        self.moment = moment

    def _tick(self) -> None:
        self.moment -= 1
        if self.moment < 0:
            raise HangsUp(0.5)

    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        self._tick()
        return super().hear(prompt, seconds, keys)

    def wait(self, seconds: float) -> Press | None:
        self._tick()
        return super().wait(seconds)

    def speak(self, longest: float) -> Speech:
        self._tick()
        return super().speak(longest)


@pytest.mark.parametrize("keys", ["1*0", "2", "13", "0", "779", ""])
def test_a_hang_up_at_every_moment_ends_the_flow_and_never_hands_over(compiled: Compiled, keys: str) -> None:
    moment, stayed = 0, False
    while not stayed:
        done = rehearse(compiled, Leaver(keys, moment))
        stayed = not done.hung_up
        if not stayed:
            assert "IVR_OUTCOME" not in done.variables
            assert done.variables.get("IVR_FATE", "informed") == "informed"
        moment += 1
    assert moment > 2


def test_a_missing_prompt_does_not_end_the_call(compiled: Compiled) -> None:
    del compiled["prompts"]["topics"]
    log: list[str] = []
    done = rehearse(compiled, ScriptedCaller("0"), log=lambda event, **fields: log.append(event))
    assert done.variables["IVR_OUTCOME"] == "queue"
    assert log == ["prompt_failed"]


def test_the_first_command_answers_and_the_last_sets_the_outcome(compiled: Compiled) -> None:
    commands = [
        command for _, command in Rehearsal(compiled, ScriptedCaller("0"), at=rome(OPEN)).run("menu", menu).commands
    ]
    assert commands[0] == Answer()
    assert commands[1:3] == [WaitForDigit(400), StreamFile("nul/welcome", "0123456789*#")]
    assert commands[-1] == SetVariable("IVR_OUTCOME", "queue")


@pytest.mark.parametrize(
    ("informed", "of_the_queue", "handed_over"),
    [("ADR", "DID", "DID"), ("ADR", None, "ADR"), (None, "DID", "DID"), (None, None, "ALTRO")],
)
def test_the_topic_of_the_queue_node_comes_before_that_of_the_information(
    compiled: Compiled, informed: str | None, of_the_queue: str | None, handed_over: str
) -> None:
    compiled["menu"] = {
        "start": "about" if informed else "person",
        "nodes": {
            "about": {"kind": "inform", "prompts": ["info-adr"], "topic": informed or "", "next": "person"},
            "person": {"kind": "queue", "prompts": [], "topic": of_the_queue, "priority": 5, "set": {}},
        },
    }
    done = rehearse(compiled, ScriptedCaller(""))
    assert done.variables["IVR_TOPIC"] == handed_over
    (fact,) = [fact for fact in done.facts if fact.kind == "handed_over"]
    assert fact.data["topic"] == handed_over


@pytest.fixture
def with_number(compiled: Compiled) -> Compiled:
    compiled["menu"] = {
        "start": "code",
        "nodes": {
            "code": {
                "kind": "number", "name": "practice", "prompts": ["vm-type-number"], "least_digits": 3,
                "most_digits": 6, "wait_seconds": 4.0, "attempts": 2, "next": "person", "failed": "bye",
            },
            "person": {"kind": "queue", "prompts": [], "topic": "DID", "priority": 5, "set": {}},
            "bye": {"kind": "hangup", "prompts": ["goodbye"]},
        },
    }  # fmt: skip
    return compiled


def test_a_number_is_read_back_and_confirmed(with_number: Compiled) -> None:
    caller = ScriptedCaller("1234#1")
    done = rehearse(with_number, caller)
    assert done.variables["IVR_PRACTICE"] == "1234"
    assert "digits 1234" in caller.heard
    assert [fact.data for fact in done.facts if fact.kind == "number"] == [{"node": "code", "digits": 4}]


def test_a_number_may_be_typed_again(with_number: Compiled) -> None:
    done = rehearse(with_number, ScriptedCaller("1234#2" + "567#1"))
    assert done.variables["IVR_PRACTICE"] == "567"


def test_the_star_starts_a_number_again(with_number: Compiled) -> None:
    assert rehearse(with_number, ScriptedCaller("99*123#1")).variables["IVR_PRACTICE"] == "123"


def test_the_longest_number_needs_no_end_key(with_number: Compiled) -> None:
    assert rehearse(with_number, ScriptedCaller("1234561")).variables["IVR_PRACTICE"] == "123456"


def test_a_number_too_short_twice_fails(with_number: Compiled) -> None:
    done = rehearse(with_number, ScriptedCaller("1#2#"))
    assert "IVR_PRACTICE" not in done.variables
    assert done.variables["IVR_OUTCOME"] == "done"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from(["", *"0123456789*#"]), max_size=40), hurried=st.booleans())
def test_whatever_is_pressed_the_walk_ends_with_an_outcome(shipped: Compiled, keys: list[str], hurried: bool) -> None:
    done = rehearse(shipped, ScriptedCaller(keys, hurried=hurried))
    assert done.variables["IVR_OUTCOME"] in {"queue", "done"}
    assert done.now - rome(OPEN) < shipped["service"]["limits"]["menu_seconds"] + 120
