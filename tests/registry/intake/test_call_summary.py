"""What the facts of a call amount to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.facts import Fact
from registry.intake.call_summary import summarize
from tests.registry.calls import NOON, calls, fact, message


def ended(fate: str) -> Fact:
    return fact("ended", at=NOON + 60, fate=fate, stage="menu", queue_status="", seconds=60)


INFORMED = fact("informed", topic="DID", whole=True)
HANDED_OVER = fact("handed_over", at=NOON + 5, topic="ADR", priority=0)


@pytest.mark.parametrize(
    ("facts", "outcome", "topic"),
    [
        ([], None, "ALTRO"),
        ([INFORMED], None, "DID"),  # the call has not ended yet
        ([INFORMED, ended("informed")], "informed", "DID"),
        ([INFORMED, ended("left_menu")], "informed", "DID"),
        ([INFORMED, HANDED_OVER, ended("abandoned")], "informed", "ADR"),
        ([HANDED_OVER, ended("abandoned")], None, "ADR"),
        ([ended("left_menu")], None, "ALTRO"),
        ([HANDED_OVER, ended("answered")], "unclassified", "ADR"),
        ([INFORMED, HANDED_OVER, ended("answered")], "unclassified", "ADR"),
        ([ended("answered")], "unclassified", "ALTRO"),  # the switch's own fallback reports no topic
        ([INFORMED, message(), ended("message")], None, "DID"),
        ([ended("no_message")], None, "ALTRO"),
        ([ended("refused")], None, "ALTRO"),
    ],
)
def test_one_call_makes_at_most_one_request(facts: list[Fact], outcome: str | None, topic: str) -> None:
    found = summarize(facts)
    assert (found.outcome, found.topic) == (outcome, topic)


def test_the_last_topic_counts() -> None:
    later = fact("informed", at=NOON + 9, name="later", topic="PORTALE", whole=True)
    assert summarize([later, INFORMED]).topic == "PORTALE"


def test_a_message_without_an_id_is_ignored() -> None:
    nothing = fact("message", message_id=None, reason="closed", seconds=0.0, empty=True, ended_by="hangup")
    assert summarize([nothing, message()]).messages.keys() == {"m-1795604400-1"}


NOTICE = fact("notice", at=NOON + 1, prompts={"recording-notice": 3}, campaign="qualita")
REFUSAL = fact("refusal", at=NOON + 2, of="recording")


def test_a_recording_needs_notice_answer_and_no_refusal() -> None:
    answered = [HANDED_OVER, ended("answered")]
    found = summarize([NOTICE, *answered]).recorded
    assert found is not None
    assert (found.campaign, found.prompts, found.notice_ended_at) == ("qualita", {"recording-notice": 3}, NOON + 1)
    assert found.started_at == NOON + 5
    assert summarize([NOTICE, REFUSAL, *answered]).recorded is None
    assert summarize(answered).recorded is None
    assert summarize([NOTICE, HANDED_OVER, ended("abandoned")]).recorded is None


def test_a_recording_never_begins_before_its_notice_has_ended() -> None:
    early = HANDED_OVER._replace(at=NOON - 5)
    found = summarize([NOTICE, early, ended("answered")]).recorded
    assert found is not None
    assert found.started_at >= found.notice_ended_at


@given(calls(most=1), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(facts: list[Fact], chance: random.Random) -> None:
    shuffled = facts + chance.choices(facts, k=3)
    chance.shuffle(shuffled)
    assert summarize(shuffled) == summarize(facts)
