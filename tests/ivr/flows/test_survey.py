"""The survey, rehearsed: complete, partial, refused, wrong."""

from __future__ import annotations

import pytest

from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import Rehearsal, ScriptedCaller
from ivr.flows.survey import survey
from tests.conftest import OPEN, rome


def answers(compiled: Compiled, caller: ScriptedCaller, *arguments: str) -> tuple[list[tuple[str, int]], Rehearsal]:
    rehearsal = Rehearsal(compiled, caller, at=rome(OPEN))
    rehearsal.run("survey", survey, *arguments)
    facts = [fact for fact in rehearsal.facts if fact.kind == "survey"]
    assert all(fact.data["version"] == compiled["survey"]["version"] for fact in facts)
    return [(fact.data["question"], fact.data["value"]) for fact in facts], rehearsal


def test_three_questions_three_answers(compiled: Compiled) -> None:
    caller = ScriptedCaller("543")
    given, rehearsal = answers(compiled, caller)
    assert given == [("solved", 5), ("courtesy", 4), ("overall", 3)]
    assert caller.heard[-1] == "survey-thanks"
    assert rehearsal.variables == {"IVR_ASKED": "3", "IVR_OUTCOME": "done"}


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_the_next_ring_asks_only_the_remaining_questions(compiled: Compiled, asked: int) -> None:
    """The previous ring failed in the middle; IVR_ASKED is the number of questions that it asked."""
    caller = ScriptedCaller("543"[asked:])
    given, _ = answers(compiled, caller, str(asked))
    assert given == [("solved", 5), ("courtesy", 4), ("overall", 3)][asked:]
    assert "survey-invitation" not in caller.heard
    assert caller.heard[-1] == "survey-thanks"


@pytest.mark.parametrize("asked", ["", "0", "-1", "many", "\u00b2"])
def test_without_an_earlier_ring_all_questions_are_asked(compiled: Compiled, asked: str) -> None:
    caller = ScriptedCaller("543")
    assert len(answers(compiled, caller, asked)[0]) == 3
    assert caller.heard[0] == "survey-invitation"


@pytest.mark.parametrize("said", [0, 1, 2])
def test_a_partial_answer_is_kept_when_the_caller_hangs_up(compiled: Compiled, said: int) -> None:
    given, rehearsal = answers(compiled, ScriptedCaller([*"543"[:said], "hangup"]))
    assert [value for _, value in given] == [5, 4, 3][:said]
    assert rehearsal.hung_up


def test_a_wrong_key_is_explained_and_asked_again(compiled: Compiled) -> None:
    caller = ScriptedCaller("8543")
    given, _ = answers(compiled, caller)
    assert [value for _, value in given] == [5, 4, 3]
    assert "survey-wrong-input" in caller.heard


def test_wrong_keys_only_go_on_to_the_next_question(compiled: Compiled) -> None:
    given, _ = answers(compiled, ScriptedCaller("8843"))
    assert given == [("courtesy", 4), ("overall", 3)]


def test_a_silent_caller_is_not_asked_further(compiled: Compiled) -> None:
    caller = ScriptedCaller(["5"])
    given, _ = answers(compiled, caller)
    assert given == [("solved", 5)]
    assert "survey-overall" not in caller.heard


def test_a_key_in_the_invitation_answers_the_first_question(compiled: Compiled) -> None:
    given, _ = answers(compiled, ScriptedCaller("543", hurried=True))
    assert given == [("solved", 5), ("courtesy", 4), ("overall", 3)]
