"""Single passes over long arrays: the same whether compiled or not, and what NumPy's own words say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.simulation import kernel, passes, passes_plain
from queue_model.simulation.inputs import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START
from queue_model.simulation.menu_paths import Ways, ways
from queue_model.simulation.records import Outcome
from tests.queue_model.example_inputs import full_days
from tests.queue_model.example_scenarios import everything, study_of

SEEDS = st.integers(0, 2**32 - 1)


def agreed(name: str, *asked: Any) -> Any:
    mine, theirs = getattr(passes, name)(*asked), getattr(passes_plain, name)(*asked)
    for one, other in zip(*((each if isinstance(each, tuple) else (each,)) for each in (mine, theirs)), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
        assert np.asarray(one).dtype == np.asarray(other).dtype
    return mine


def test_they_are_compiled_here() -> None:
    assert passes.compiled, "not built: make setup"


@given(SEEDS, st.integers(1, 6), st.integers(0, 60))
def test_topics_by_their_shares(seed: int, topics: int, calls: int) -> None:
    chance = np.random.default_rng(seed)
    shares = np.cumsum(chance.dirichlet(np.ones(topics), 3), axis=1)
    row, step = chance.integers(3, size=9), chance.integers(9, size=calls)
    drawn = chance.random(calls)
    found = agreed("wanted", drawn, shares, row, step)
    for topic, number, which in zip(found, drawn, step, strict=True):
        mine = shares[row[which]]
        assert topic == min(np.searchsorted(mine, number, "right"), topics - 1)


@given(SEEDS, st.integers(0, 60))
def test_ways_of_the_menu(seed: int, calls: int) -> None:
    chance, laid = np.random.default_rng(seed), ways(study_of(everything()))
    topic, step = chance.integers(len(laid.first) // 2, size=calls).astype(np.int16), chance.integers(5, size=calls)
    opens = chance.random(5) < 0.5
    way = agreed("taken", topic, step, opens, chance.random(calls), laid.first, laid.keep, laid.other)
    group = 2 * topic.astype(np.intp) + opens[step]
    assert ((laid.first[group] <= way) & (way < laid.first[group + 1])).all()


def test_a_way_of_which_there_is_one_needs_no_chance() -> None:
    first, keep, other = np.arange(5), np.ones(4), np.arange(4)
    topic, step, opens = np.array([0, 1, 1], dtype=np.int16), np.array([0, 1, 0]), np.array([True, False])
    found = agreed("taken", topic, step, opens, np.empty(0), first, keep, other)
    assert found.tolist() == [1, 2, 3]


@pytest.mark.parametrize("grid", [0.001, 10.0])
@pytest.mark.parametrize("longest", [5.0, 100.0, 1e5])  # hardly any, some, so many out of order that NumPy sorts them
def test_who_comes_to_an_ending_when(grid: float, longest: float) -> None:
    chance = np.random.default_rng(3)
    at = np.cumsum(chance.exponential(20, 2000) // grid * grid)
    way, seconds = chance.integers(30, size=2000), chance.random(30) * longest // grid * grid
    ending = (np.arange(30) % 3).astype(np.uint8)
    found = [agreed("led", at, way, seconds, ending, where) for where in range(3)]
    assert sorted(np.concatenate([rows for _, rows in found])) == list(range(2000))
    for instants, rows in found:
        assert (np.lexsort((rows, instants)) == np.arange(len(rows))).all()
        assert (instants == at[rows] + seconds[way[rows]]).all()


def test_ways_that_take_no_time_keep_the_order() -> None:
    found = ways(study_of(everything(menu={"walk": False})))
    assert not found.take_time
    at, way = np.arange(20.0), np.tile(np.arange(len(found.seconds)), 20)[:20]
    for where in (Ways.QUEUE, Ways.MESSAGE, Ways.GONE):
        instants, rows = found.lead(at, way, where)
        asked = at, way, found.seconds, found.ending, where
        assert [each.tolist() for each in passes_plain.led(*asked)] == [instants.tolist(), rows.tolist()]


@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 1e300, float("inf"), -1.0, -0.0, float("nan")]), max_size=6))
def test_times_that_rise(times: list[float]) -> None:
    wanted = all(later >= before for before, later in zip([0.0, *times], times, strict=False))
    assert agreed("rises", np.array(times)) == wanted


@given(SEEDS, st.integers(0, 12), st.integers(1, 3))
def test_who_begins_twice_or_ends_what_he_did_not_begin(seed: int, events: int, people: int) -> None:
    chance = np.random.default_rng(seed)
    kind = chance.choice([SHIFT_END, BREAK_START, BREAK_END, SHIFT_START], events).astype(np.uint8)
    who = chance.integers(people, size=events).astype(np.int32)
    found = agreed("out_of_turn", kind, who, people, SHIFT_START, SHIFT_END)
    theirs = [kind[(who == each) & np.isin(kind, (SHIFT_START, SHIFT_END))].tolist() for each in range(people)]
    by_turns = all(each == ([SHIFT_START, SHIFT_END] * len(each))[: len(each)] for each in theirs)
    assert (found == -1) == by_turns


def test_calls_that_are_handed_over() -> None:
    asked = full_days(20, 4)
    calls = kernel.simulate(asked).calls[: -len(asked.closed_at) or None]
    done, entity, attempt = agreed("handed_over", calls, asked.second_level)
    marked = asked.second_level[calls["entity"], calls["attempt"]] & (calls["outcome"] == Outcome.ANSWERED)
    assert (entity.tolist(), attempt.tolist()) == (calls["entity"][marked].tolist(), calls["attempt"][marked].tolist())
    assert (done == (calls["left"] + calls["wrap"])[marked]).all()
    assert 0 < len(done) < len(calls)
    assert all(len(each) == 0 for each in agreed("handed_over", calls[:0], asked.second_level))
