"""Recording only after the notice, only in the sample, never after a refusal."""

from __future__ import annotations

import pytest

from ivr.agi import WaitForDigit
from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import Press, Rehearsal, ScriptedCaller
from ivr.flows.menu import menu
from ivr.flows.notice import notice
from tests.conftest import OPEN, rome


@pytest.fixture
def campaign(compiled: Compiled) -> Compiled:
    compiled["service"]["recording"] = {"campaign": True, "name": "qualita", "sampling": 1.0, "refuse_key": "9"}
    return compiled


def run(compiled: Compiled, caller: ScriptedCaller, call_id: str = "1.1") -> Rehearsal:
    rehearsal = Rehearsal(compiled, caller, at=rome(OPEN), call_id=call_id)
    rehearsal.run("menu", menu)
    return rehearsal


def test_without_a_campaign_there_is_no_notice_and_no_recording(compiled: Compiled) -> None:
    caller = ScriptedCaller("0")
    assert "IVR_RECORD" not in run(compiled, caller).variables
    assert "recording-notice" not in caller.heard


def test_a_caller_who_heard_the_notice_may_be_recorded(campaign: Compiled) -> None:
    done = run(campaign, ScriptedCaller(["", "0"]))
    assert done.variables["IVR_RECORD"] == "1"
    (fact,) = [fact for fact in done.facts if fact.kind == "notice"]
    assert fact.data == {"prompts": {"recording-notice": 2}, "campaign": "qualita"}


def test_a_caller_has_two_seconds_to_refuse_after_the_notice(campaign: Compiled) -> None:
    ran = Rehearsal(campaign, ScriptedCaller(["", "0"]), at=rome(OPEN)).run("menu", menu)
    assert WaitForDigit(2000) in [command for _, command in ran.commands]


def test_a_caller_who_refuses_after_the_notice_is_not_recorded(campaign: Compiled) -> None:
    done = run(campaign, ScriptedCaller("90"))
    assert "IVR_RECORD" not in done.variables
    assert done.variables["IVR_OUTCOME"] == "queue"
    assert "refusal" in [fact.kind for fact in done.facts]


class KnowsTheMenu(ScriptedCaller):
    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        super().hear(prompt, seconds, keys)
        return Press("0", 1.0) if prompt == "welcome" else None


def test_a_topic_pressed_in_the_welcome_is_kept_through_the_notice(campaign: Compiled) -> None:
    caller = KnowsTheMenu([""])
    done = run(campaign, caller)
    assert caller.heard == ["welcome", "recording-notice", "queue-wait"]
    assert done.variables["IVR_RECORD"] == "1"


class RefusesAtOnce(ScriptedCaller):
    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        super().hear(prompt, seconds, keys)
        return Press("9", 1.0) if prompt == "recording-notice" else None


def test_a_caller_who_refuses_during_the_notice_is_not_recorded(campaign: Compiled) -> None:
    done = run(campaign, RefusesAtOnce("0"))
    assert "IVR_RECORD" not in done.variables
    assert [fact.kind for fact in done.facts][:2] == ["answered", "refusal"]


def test_a_notice_that_could_not_be_played_allows_nothing(campaign: Compiled) -> None:
    del campaign["prompts"]["recording-notice"]
    assert "IVR_RECORD" not in run(campaign, ScriptedCaller("0")).variables


NOT_RECORDED = ("refusal", {"of": "recording"})


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        (["", "9", "0"], ["topics", "recording-refused", "topics", "queue-wait"]),
        (["", "", "9", "0"], ["topics", "no-input", "topics-again", "recording-refused", "topics-again", "queue-wait"]),
        (["", "1", "9", "0"],
         ["topics", "info-adr", "after-information", "recording-refused", "after-information", "queue-wait"]),
    ],
)  # fmt: skip
def test_the_refusal_key_counts_in_every_question_after_the_notice(
    campaign: Compiled, keys: list[str], heard: list[str]
) -> None:
    caller = ScriptedCaller(keys)
    done = run(campaign, caller)
    assert caller.heard[2:] == heard
    assert "IVR_RECORD" not in done.variables
    assert [(fact.kind, fact.data) for fact in done.facts].count(NOT_RECORDED) == 1
    assert done.variables["IVR_OUTCOME"] == "queue"


class RefusesDuring(ScriptedCaller):
    def __init__(self, prompt: str, keys: list[str]) -> None:
        super().__init__(keys)
        self.prompt = prompt

    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        super().hear(prompt, seconds, keys)
        return Press("9", 1.0) if prompt == self.prompt else None


@pytest.mark.parametrize(
    "prompt", ["recording-notice", "topics", "info-adr", "after-information", "wrong-input", "queue-wait"]
)
def test_the_refusal_key_interrupts_whatever_is_played_after_the_notice(campaign: Compiled, prompt: str) -> None:
    caller = RefusesDuring(prompt, ["", "7", "1", "0"] if prompt == "wrong-input" else ["", "1", "0"])
    done = run(campaign, caller)
    assert prompt in caller.heard
    assert "IVR_RECORD" not in done.variables
    assert "recording-refused" in caller.heard


def test_a_key_that_refused_once_is_an_ordinary_wrong_key_afterwards(campaign: Compiled) -> None:
    caller = ScriptedCaller(["", "9", "9", "0"])
    done = run(campaign, caller)
    assert "wrong-input" in caller.heard
    assert [fact.kind for fact in done.facts].count("refusal") == 1


def test_another_key_after_the_notice_answers_the_menu(campaign: Compiled) -> None:
    caller = ScriptedCaller("0")
    done = run(campaign, caller)
    assert done.variables["IVR_RECORD"] == "1"
    assert "topics" not in caller.heard


def test_the_sample_is_a_share_of_the_calls_and_the_same_each_time(campaign: Compiled) -> None:
    campaign["service"]["recording"]["sampling"] = 0.1
    drawn = [
        "recording-notice" in caller.heard
        for number in range(1000)
        for caller in [ScriptedCaller(["", "0"])]
        if run(campaign, caller, f"1795000000.{number}")
    ]
    assert 70 < sum(drawn) < 130
    again = ScriptedCaller(["", "0"])
    run(campaign, again, "1795000000.0")
    assert ("recording-notice" in again.heard) == drawn[0]


def test_the_notice_alone_for_a_site_with_its_own_menu(campaign: Compiled) -> None:
    rehearsal = Rehearsal(campaign, ScriptedCaller([""]), at=rome(OPEN))
    rehearsal.run("notice", notice)
    assert rehearsal.variables == {"IVR_RECORD": "1", "IVR_OUTCOME": "done"}
