"""Inputs of the engines: defaults, read-only arrays, and checks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from queue_model.simulation import inputs
from queue_model.simulation.event_kinds import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START
from queue_model.simulation.inputs import InputsError, build, constant_staff, schedule, stored


def test_nothing_given_is_an_empty_period() -> None:
    empty = build()
    assert (empty.attempts, len(empty.call_at), empty.n_operators) == (1, 0, 0)


def test_inputs_that_are_not_given_are_switched_off() -> None:
    made = build(call_at=[1, 2], attempts=2, n_operators=3)
    assert made.patience.shape == (2, 2)
    assert np.isinf(made.patience).all()
    assert not made.leaves_message.any()
    assert (made.skills == np.uint64(2**64 - 1)).all()
    assert made.longest_queue == inputs.UNLIMITED
    assert stored(made.patience).size == 1  # a constant needs no memory


def test_scalars_rows_and_tables_are_accepted() -> None:
    made = build(call_at=[1, 2], attempts=2, talk=[10, 20], wrap=[[1, 2], [3, 4]], patience=7)
    assert made.talk.tolist() == [[10, 10], [20, 20]]
    assert made.wrap.tolist() == [[1, 2], [3, 4]]
    assert made.patience.tolist() == [[7, 7], [7, 7]]


def test_arrays_are_read_only() -> None:
    own = np.array([1.0, 2.0])
    made = build(call_at=own)
    with pytest.raises(ValueError, match="read-only"):
        made.call_at[0] = 5
    assert own.flags.writeable  # the given array is unchanged


def test_a_schedule_is_sorted_with_its_ties() -> None:
    rows = [(10, SHIFT_START, 1), (10, SHIFT_END, 0), (0, SHIFT_START, 0), (10, SHIFT_START, 0)]
    made = build(n_operators=2, **schedule(rows))
    assert made.event_kind.tolist() == [SHIFT_START, SHIFT_END, SHIFT_START, SHIFT_START]
    assert made.event_operator.tolist() == [0, 0, 0, 1]


def test_constant_staff_starts_at_the_first_instant() -> None:
    made = build(**constant_staff(2))
    assert (made.n_operators, made.event_at.tolist(), made.event_operator.tolist()) == (2, [0, 0], [0, 1])


ONE = {"n_operators": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"patients": 1}, "patients: not an input; use one of seats, "),
        ({"attempts": 0}, "attempts: 0; a caller calls at least once"),
        ({"call_at": [2, 1]}, "call_at: row 1 is earlier than the row before; sort by time"),
        ({"call_at": [np.nan]}, "call_at: a value is negative or not a number"),
        ({"call_at": [np.inf]}, "call_at: a time is infinite"),
        ({"call_at": [[1]]}, r"call_at: must have one dimension, but has shape \(1, 1\)"),
        ({"call_at": [1], "talk": -1}, "talk: a value is negative or not a number"),
        ({"call_at": [1], "talk": np.inf}, "talk: a duration is infinite; work must end"),
        ({"call_at": [1], "patience": np.nan}, "patience: a value is negative or not a number"),
        ({"call_at": [1, 2], "patience": [1, 2, 3]}, "patience: "),
        ({"call_at": [1], "talk": "long"}, "talk: could not convert"),
        ({"call_at": [1], "call_topic": 64}, "call_topic: topics are numbered 0 to 63"),
        ({"call_at": [1], "call_topic": -1}, "call_topic: topics are numbered 0 to 63"),
        ({"call_at": [1], "call_priority": 40000}, "call_priority: a value does not fit into int16"),
        ({"call_at": [1], "call_priority": 0.5}, "call_priority: a value does not fit into int16"),
        ({"mail_at": [1], "mail_work": np.inf}, "mail_work: a duration is infinite"),
        ({"seats": -1}, "seats: -1; must be 0 or more"),
        ({"longest_wait": np.nan}, "longest_wait: nan; must be 0 or more"),
        ({"open_from": [0, 5], "open_until": [6, 9]}, "open_from, open_until: intervals must be in order"),
        ({"open_from": [0], "open_until": []}, "open_from, open_until: intervals must be in order"),
        ({"office_from": [5], "office_until": [4]}, "office_from, office_until: intervals must be in order"),
        ({"open_from": [0, 5], "open_until": [np.inf, np.inf]}, "open_until: a time is infinite"),
        (ONE | schedule([(0, SHIFT_START, 1)]), "event_operator: operators are numbered 0 to 0"),
        (ONE | schedule([(0, 7, 0)]), "event_kind: use SHIFT_END"),
        (ONE | schedule([(5, SHIFT_END, 0)]), "operator 0 at 5.0 s: shift starts and ends must alternate"),
        (
            ONE | schedule([(0, SHIFT_START, 0), (5, SHIFT_START, 0)]),
            "operator 0 at 5.0 s: shift starts and ends must alternate",
        ),
        (
            ONE | schedule([(3, BREAK_START, 0), (4, BREAK_END, 0), (5, BREAK_END, 0)]),
            "operator 0 at 5.0 s: break starts and ends must alternate",
        ),
        (
            {"n_operators": 1, "event_at": [5, 5], "event_kind": [BREAK_END, BREAK_START], "event_operator": [0, 0]},
            "event_kind: at one instant sort shift ends, break starts",
        ),
    ],
)
def test_invalid_inputs_are_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputsError, match=message):
        build(**given)


def test_the_last_opening_interval_may_have_no_end() -> None:
    assert build(open_from=[0, 5], open_until=[4, np.inf]).open_until[1] == np.inf


def test_arrays_of_different_lengths_are_refused() -> None:
    made = build(call_at=[1.0, 2.0])
    with pytest.raises(InputsError, match=r"call_topic: int16 \(2,\) where \(1,\) is needed; use inputs\.build"):
        dataclasses.replace(made, call_at=made.call_at[:1])
    with pytest.raises(InputsError, match="talk: float32"):
        dataclasses.replace(made, talk=made.talk.astype(np.float32))
