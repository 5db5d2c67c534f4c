"""Classification: facts are not judgements, and a judgement can be corrected with a line in the history."""

from __future__ import annotations

from typing import Any

import pytest

from common.command_line import Refusal
from registry.requests import history
from registry.requests.actions import Conflict
from registry.requests.classification import Classification, classify
from registry.requests.queries import Filter, list_requests, read_stats
from registry.requests.request import Request
from tests.registry.request_steps import DAY, HOUR, MORNING, Desk


def answered_call(desk: Desk) -> Request:
    return desk.open(actor="intake", outcome="unclassified")


def set_to(desk: Desk, request: Request, at: float = MORNING + HOUR, **given: Any) -> Request:
    version = given.pop("version", None)
    with desk.begin() as connection:
        values = Classification(**given)
        return classify(connection, desk.rules, request.protocol, "op118", at, values, expected_version=version)


def test_an_answered_call_is_answered_and_not_classified(desk: Desk) -> None:
    request = answered_call(desk)
    assert (request.state, request.outcome, request.answered_at, request.classified) == (
        "closed", "unclassified", MORNING, False,
    )  # fmt: skip
    with desk.database.read() as connection:
        listing = list_requests(connection, Filter(unclassified=True))
        stats = read_stats(connection, MORNING - DAY, MORNING + DAY, MORNING + HOUR)
    assert [each.request for each in listing.rows] == [request]
    assert stats.unclassified == 1


def test_a_classification_is_a_line_of_the_history(desk: Desk) -> None:
    request = answered_call(desk)
    after = set_to(desk, request, topic="ADR", audience="worker", outcome="resolved", level=2)
    assert desk.get(request.protocol) == after
    assert (after.topic_code, after.audience, after.outcome, after.level) == ("ADR", "worker", "resolved", 2)
    assert (after.closed_at, after.answered_at, after.version) == (MORNING, MORNING, 3)
    assert desk.events(request)[-1].changes == {
        "audience": "worker", "level": 2, "outcome": "resolved", "topic": "ADR",
    }  # fmt: skip
    assert history.replay(desk.events(request)) == after.standing
    assert set_to(desk, request, topic="ADR") == after  # nothing changes: no line


def test_only_a_program_leaves_a_call_unclassified(desk: Desk) -> None:
    with pytest.raises(Refusal, match="use one of"):
        desk.open(outcome="unclassified")
    request = answered_call(desk)
    with pytest.raises(Refusal, match="use one of"):
        set_to(desk, request, outcome="unclassified")


def test_an_outcome_that_is_no_answer_corrects_the_figures(desk: Desk) -> None:
    request = desk.act(desk.open("email"), "close", MORNING + HOUR, outcome="resolved")
    after = set_to(desk, request, MORNING + 2 * HOUR, outcome="withdrawn")
    assert (after.answered_at, after.closed_at) == (None, MORNING + HOUR)
    assert desk.clocks(request)[0].stop_reason == "closed"
    after = set_to(desk, request, MORNING + 3 * HOUR, outcome="informed")
    assert after.answered_at == MORNING + HOUR
    assert desk.clocks(request)[0].stop_reason == "answered"
    assert history.replay(desk.events(request)) == after.standing


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "nothing to set"),
        ({"topic": "NEVER"}, "is not a topic"),
        ({"audience": "everybody"}, "audience"),
        ({"outcome": "duplicate"}, "a duplicate is merged"),
        ({"outcome": "resolved"}, "`registry close` ends it with an outcome"),
        ({"level": 2}, "`registry escalate` and `return` move it"),
        ({"level": 3}, "use one of 1, 2"),
    ],
)
def test_what_does_not_fit_an_open_request_is_refused(desk: Desk, given: dict[str, Any], reason: str) -> None:
    request = desk.open()
    with pytest.raises(Refusal, match=reason):
        set_to(desk, request, **given)
    assert len(desk.events(request)) == 1


def test_the_topic_of_an_open_request_can_be_corrected(desk: Desk) -> None:
    request = set_to(desk, desk.open("email"), topic="ADR", audience="youth")
    assert (request.topic_code, request.audience, request.state, request.version) == ("ADR", "youth", "new", 2)
    request = desk.act(request, "take", MORNING + 2 * HOUR)
    assert history.replay(desk.events(request)) == request.standing


def test_the_second_of_two_people_is_refused(desk: Desk) -> None:
    request = answered_call(desk)
    set_to(desk, request, outcome="resolved")
    with pytest.raises(Conflict, match="classify by op118"):
        set_to(desk, request, outcome="informed", version=2)
