"""The compiled loops give the same as their NumPy versions, and the correct results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.simulation import array_loops, array_loops_plain, kernel
from queue_model.simulation.event_kinds import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START
from queue_model.simulation.menu_paths import MenuPaths, menu_paths
from queue_model.simulation.records import Outcome
from tests.queue_model.example_inputs import full_days
from tests.queue_model.example_scenarios import everything, study_of

SEEDS = st.integers(0, 2**32 - 1)


def run_both(name: str, *arguments: Any) -> Any:
    mine, theirs = getattr(array_loops, name)(*arguments), getattr(array_loops_plain, name)(*arguments)
    for one, other in zip(*((each if isinstance(each, tuple) else (each,)) for each in (mine, theirs)), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
        assert np.asarray(one).dtype == np.asarray(other).dtype
    return mine


def test_the_module_is_compiled() -> None:
    assert array_loops.compiled, "not built: make setup"


@given(SEEDS, st.integers(1, 6), st.integers(0, 60))
def test_topics_by_their_shares(seed: int, topics: int, calls: int) -> None:
    chance = np.random.default_rng(seed)
    shares = np.cumsum(chance.dirichlet(np.ones(topics), 3), axis=1)
    row, step = chance.integers(3, size=9), chance.integers(9, size=calls)
    drawn = chance.random(calls)
    found = run_both("choose_topics", drawn, shares, row, step)
    for topic, number, which in zip(found, drawn, step, strict=True):
        mine = shares[row[which]]
        assert topic == min(np.searchsorted(mine, number, "right"), topics - 1)


@given(SEEDS, st.integers(0, 60))
def test_paths_through_the_menu(seed: int, calls: int) -> None:
    chance, laid = np.random.default_rng(seed), menu_paths(study_of(everything()))
    topic, step = chance.integers(len(laid.first) // 2, size=calls).astype(np.int16), chance.integers(5, size=calls)
    opens = chance.random(5) < 0.5
    way = run_both("choose_paths", topic, step, opens, chance.random(calls), laid.first, laid.keep, laid.other)
    group = 2 * topic.astype(np.intp) + opens[step]
    assert ((laid.first[group] <= way) & (way < laid.first[group + 1])).all()


def test_a_group_of_one_path_needs_no_random_number() -> None:
    first, keep, other = np.arange(5), np.ones(4), np.arange(4)
    topic, step, opens = np.array([0, 1, 1], dtype=np.int16), np.array([0, 1, 0]), np.array([True, False])
    found = run_both("choose_paths", topic, step, opens, np.empty(0), first, keep, other)
    assert found.tolist() == [1, 2, 3]


@pytest.mark.parametrize("grid", [0.001, 10.0])
@pytest.mark.parametrize("longest", [5.0, 100.0, 1e5])  # few, some, and so many out of order that NumPy sorts them
def test_calls_reach_an_ending_in_order(grid: float, longest: float) -> None:
    chance = np.random.default_rng(3)
    at = np.cumsum(chance.exponential(20, 2000) // grid * grid)
    way, seconds = chance.integers(30, size=2000), chance.random(30) * longest // grid * grid
    ending = (np.arange(30) % 3).astype(np.uint8)
    found = [run_both("reach_ending", at, way, seconds, ending, where) for where in range(3)]
    assert sorted(np.concatenate([rows for _, rows in found])) == list(range(2000))
    for instants, rows in found:
        assert (np.lexsort((rows, instants)) == np.arange(len(rows))).all()
        assert (instants == at[rows] + seconds[way[rows]]).all()


def test_paths_without_duration_keep_the_order() -> None:
    found = menu_paths(study_of(everything(menu={"walk": False})))
    assert not found.take_time
    at, way = np.arange(20.0), np.tile(np.arange(len(found.seconds)), 20)[:20]
    for where in (MenuPaths.QUEUE, MenuPaths.MESSAGE, MenuPaths.GONE):
        instants, rows = found.reach(at, way, where)
        asked = at, way, found.seconds, found.ending, where
        assert [each.tolist() for each in array_loops_plain.reach_ending(*asked)] == [instants.tolist(), rows.tolist()]


@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 1e300, float("inf"), -1.0, -0.0, float("nan")]), max_size=6))
def test_ascending_times(times: list[float]) -> None:
    wanted = all(later >= before for before, later in zip([0.0, *times], times, strict=False))
    assert run_both("is_ascending", np.array(times)) == wanted


@given(SEEDS, st.integers(0, 12), st.integers(1, 3))
def test_starts_and_ends_that_do_not_alternate(seed: int, events: int, people: int) -> None:
    chance = np.random.default_rng(seed)
    kind = chance.choice([SHIFT_END, BREAK_START, BREAK_END, SHIFT_START], events).astype(np.uint8)
    who = chance.integers(people, size=events).astype(np.int32)
    found = run_both("first_out_of_turn", kind, who, people, SHIFT_START, SHIFT_END)
    theirs = [kind[(who == each) & np.isin(kind, (SHIFT_START, SHIFT_END))].tolist() for each in range(people)]
    by_turns = all(each == ([SHIFT_START, SHIFT_END] * len(each))[: len(each)] for each in theirs)
    assert (found == -1) == by_turns


def test_hand_overs_to_the_second_level() -> None:
    asked = full_days(20, 4)
    calls = kernel.simulate(asked).calls[: -len(asked.closed_at) or None]
    done, entity, attempt = run_both("handed_over", calls, asked.second_level)
    marked = asked.second_level[calls["entity"], calls["attempt"]] & (calls["outcome"] == Outcome.ANSWERED)
    assert (entity.tolist(), attempt.tolist()) == (calls["entity"][marked].tolist(), calls["attempt"][marked].tolist())
    assert (done == (calls["left"] + calls["wrap"])[marked]).all()
    assert 0 < len(done) < len(calls)
    assert all(len(each) == 0 for each in run_both("handed_over", calls[:0], asked.second_level))
