"""The transition table: complete and free of contradictions; a refusal names the possible actions."""

from __future__ import annotations

from itertools import product

import pytest

from registry.db import schema
from registry.requests.transitions import ACTIONS, LEVELS, STATES, TABLE, WrongTransition, find, mermaid, possible

EVERYWHERE = list(product(STATES, LEVELS))


def test_states_are_those_of_the_database() -> None:
    assert STATES == schema.STATES


def test_every_action_has_a_row() -> None:
    assert {row.action for row in TABLE} == set(ACTIONS)


def test_an_action_has_at_most_one_row_for_each_state_and_level() -> None:
    for action, (state, level) in product(ACTIONS, EVERYWHERE):
        rows = [row for row in TABLE if row.action == action and state in row.states and level in row.levels]
        assert len(rows) <= 1, (action, state, level)


def test_every_action_is_possible_or_refused_in_every_state() -> None:
    for third_level, action, (state, level) in product((False, True), ACTIONS, EVERYWHERE):
        can = possible(state, level, third_level)
        try:
            row = find(action, state, level, third_level)
        except WrongTransition as problem:
            assert action not in can
            assert str(problem).startswith(f"{action} is not possible: ")
            assert str(problem).endswith("possible now: " + ", ".join(can))
        else:
            assert action in can and row.action == action


def test_every_state_leads_on() -> None:
    """In every state a request can be closed or reopened."""
    for state, level in EVERYWHERE:
        can = possible(state, level, third_level=False)
        assert ("reopen" in can) if state == "closed" else ("close" in can)


def test_a_request_moves_at_most_one_level() -> None:
    for row in TABLE:
        for level in row.levels:
            assert abs((row.level or level) - level) <= 1
            assert (row.level or level) in LEVELS


def test_requests_in_progress_have_an_owner() -> None:
    """Requests in progress or waiting have an owner; new and forwarded ones do not."""
    held = {"in_progress", "waiting_contact"}
    for row in TABLE:
        if row.state in held:
            assert row.owner in ("actor", "given") or set(row.states) <= held, row
        if row.state in ("new", "forwarded") and row.states:
            assert row.owner == "nobody", row


def test_the_third_level_can_be_switched_off() -> None:
    assert "escalate" not in possible("in_progress", 2, third_level=False)
    assert find("escalate", "in_progress", 2, third_level=True).level == 3
    with pytest.raises(WrongTransition, match=r"service\.yaml: registry\.third_level") as problem:
        find("escalate", "in_progress", 2, third_level=False)
    assert problem.value.level == 2
    for level in (1, 2):  # a request that got there before the level was switched off can return
        assert find("return", "forwarded", level + 1, third_level=False).level == level


def test_a_closed_request_can_only_be_reopened() -> None:
    for level in LEVELS:
        assert possible("closed", level, third_level=True) == ("reopen",)
    with pytest.raises(WrongTransition) as problem:
        find("answer", "closed", 1, third_level=False)
    assert str(problem.value) == "answer is not possible: the request is closed at level 1; possible now: reopen"


def test_the_diagram_has_every_transition() -> None:
    lines = list(mermaid())
    arrows = {}
    for line in lines[2:]:
        way, _, words = line.strip().partition(": ")
        arrows[tuple(way.split(" --> "))] = set(words.split(", "))
    assert len(arrows) == len(lines) - 2
    for row in TABLE:
        for state in row.states:
            assert row.action in arrows[state, row.state]
    assert sum(map(len, arrows.values())) == len(
        {(row.action, state, row.state) for row in TABLE for state in row.states}
    )
