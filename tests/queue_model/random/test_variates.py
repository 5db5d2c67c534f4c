"""Random numbers by place: of the laws that they should be of, and the same whether compiled or not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from queue_model.random import variates, variates_plain
from queue_model.random.ziggurat import Floats, Indices, Words
from queue_model.simulation.builder import Builder
from tests.queue_model.example_scenarios import everything, study_of

MANY = 200_000
KEYS = st.integers(0, 2**64 - 1)
LAWS = {
    ("uniform", 0.0): stats.uniform(),
    ("exponential", 0.0): stats.expon(),
    ("normal", 0.0): stats.norm(),
    ("gamma", 0.4): stats.gamma(0.4),
    ("gamma", 2.5): stats.gamma(2.5),
    ("gamma", 180.0): stats.gamma(180),
}


def some_places(days: int, count: int) -> Words:
    return variates.places(np.repeat(np.arange(days), count), np.tile(np.arange(count), days))


def filled(key: int, kind: str, shape: float, where: Words) -> Floats:
    found = np.empty(len(where))
    variates.fill(key, kind, shape, where, found)
    return found


def test_they_are_compiled_here() -> None:
    assert variates.compiled, "not built: make setup"


@pytest.mark.parametrize(("kind", "shape"), LAWS)
def test_they_follow_their_law(kind: str, shape: float) -> None:
    found = filled(7, kind, shape, some_places(500, MANY // 500))
    # Wrong once in 10,000 seeds, and this one is fixed.
    assert stats.kstest(found, LAWS[kind, shape].cdf).pvalue > 1e-4


def test_their_tails_are_complete() -> None:
    """Beyond the last strip of a ziggurat, where one in some thousand lies."""
    where = some_places(1000, 2000)
    exponential, normal = filled(1, "exponential", 0.0, where), filled(2, "normal", 0.0, where)
    for found, beyond, share in ((exponential, 7.7, np.exp(-7.7)), (np.abs(normal), 3.66, 2 * special.ndtr(-3.66))):
        wanted = share * len(where)
        assert abs(np.count_nonzero(found > beyond) - wanted) < 4 * np.sqrt(wanted)
    assert exponential.max() > 12
    assert normal.min() < -4.5
    assert normal.max() > 4.5


def test_neighbours_and_purposes_are_unrelated() -> None:
    table = filled(1, "normal", 0.0, some_places(400, 500)).reshape(400, 500)
    other = filled(2, "normal", 0.0, some_places(400, 500)).reshape(400, 500)
    pairs = ((table[:, 1:], table[:, :-1]), (table[1:], table[:-1]), (table, other))
    for one, two in pairs:
        assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 4 / np.sqrt(one.size)


def test_places_are_distinct() -> None:
    where = some_places(3000, 300)
    assert len(np.unique(where)) == len(where)


@settings(max_examples=30)
@given(KEYS, st.sampled_from(sorted(LAWS)), st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_numpy_gives_the_same_to_the_last_bit(key: int, law: tuple[str, float], day: int, first: int) -> None:
    count = 400 if law[0] == "gamma" else 5_000
    days, numbers = np.full(count, day), first + np.arange(count)
    where = variates.places(days, numbers)
    assert np.array_equal(where, variates_plain.places(days, numbers))
    theirs = np.empty(count)
    variates_plain.fill(key, *law, where, theirs)
    assert np.array_equal(filled(key, *law, where), theirs)


def steps(expected: list[list[float]]) -> tuple[Indices, Floats, Floats]:
    """First step of each day, expected before each step, and edges of 100 s each."""
    first = np.cumsum([0, *map(len, expected)])
    passed = np.concatenate(([0.0], np.cumsum([each for day in expected for each in day])))
    return first, passed, 100.0 * np.arange(len(passed))


def arrived(maker: object, key: int, given_steps: tuple[Indices, Floats, Floats], room: int) -> list[np.ndarray]:  # type: ignore[type-arg]
    found = [np.empty(room), np.empty(room, np.uint64), np.empty(room, np.intp)]
    made = maker.arrivals(key, *given_steps, *found)  # type: ignore[attr-defined]
    return [column[:made] for column in found] if made >= 0 else []


@settings(max_examples=60)
@given(KEYS, st.lists(st.lists(st.sampled_from([0.0, 0.3, 2.0, 17.0]), min_size=1, max_size=5), min_size=1, max_size=6))
def test_arrivals_are_the_same_compiled_or_not(key: int, expected: list[list[float]]) -> None:
    asked = steps(expected)
    mine, theirs = (arrived(maker, key, asked, 1000) for maker in (variates, variates_plain))
    for one, other in zip(mine, theirs, strict=True):
        assert np.array_equal(one, other)
    at, where, step = mine
    assert (np.diff(at) >= 0).all()
    assert ((asked[2][step] <= at) & (at <= asked[2][step + 1])).all()
    assert (np.diff(asked[1])[step] > 0).all()  # nobody comes when nobody is expected
    day = np.searchsorted(asked[0], step, "right") - 1
    number = np.arange(len(at)) - np.searchsorted(day, day, "left")
    assert np.array_equal(where, variates.places(day, number))


def test_arrivals_say_when_there_is_no_room() -> None:
    asked = steps([[50.0]])
    for maker in (variates, variates_plain):
        assert arrived(maker, 3, asked, 5) == []


def test_arrivals_are_a_poisson_process() -> None:
    asked = steps([[3.0, 12.0]] * 20_000)
    _, _, step = arrived(variates, 9, asked, 400_000)
    counts = np.bincount(step, minlength=40_000).reshape(-1, 2)
    for column, mean in ((counts[:, 0], 3.0), (counts[:, 1], 12.0)):
        assert column.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 20_000))
        assert column.var() == pytest.approx(mean, rel=0.06)
    assert abs(np.corrcoef(counts.T)[0, 1]) < 4 / np.sqrt(20_000)


def test_a_whole_replication_is_the_same_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(study_of(everything(days=7)))
    compiled = builder.inputs(3)
    monkeypatch.setattr("queue_model.random.streams.maker", lambda: variates_plain)
    plain = builder.inputs(3)
    assert plain.called == compiled.called > 1000
    for field in dataclasses.fields(compiled.inputs):
        mine, theirs = getattr(compiled.inputs, field.name), getattr(plain.inputs, field.name)
        assert np.array_equal(mine, theirs), field.name
