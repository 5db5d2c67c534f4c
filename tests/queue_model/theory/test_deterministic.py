from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.errors import NoSteadyState
from queue_model.theory.deterministic import _by_roots, _by_spitzer, erlang_d
from queue_model.theory.erlang import erlang_c
from queue_model.theory.numerics.poisson import log_probability


def crommelin(load: float, agents: int) -> tuple[float, float]:
    """P(wait) and the mean queue by Crommelin's equations: the number in the system one service later, iterated."""
    size = 40 * agents
    calls = np.exp([log_probability(n, load) for n in range(size)])
    chances = np.zeros(size)
    chances[0] = 1.0
    while True:
        left = np.concatenate([[chances[: agents + 1].sum()], chances[agents + 1 :]])
        after = np.convolve(left, calls)[:size]
        if np.abs(after - chances).max() < 1e-16:
            break
        chances = after
    return float(after[agents:].sum()), float(after[agents:] @ np.arange(size - agents))


@pytest.mark.parametrize(("agents", "ratio"), [(1, 0.5), (2, 0.7), (5, 0.8), (12, 0.8), (30, 0.9)])
def test_both_ways_agree_with_crommelin(agents: int, ratio: float) -> None:
    exact = crommelin(agents * ratio, agents)
    for way in (_by_spitzer, _by_roots):
        assert way(agents * ratio, agents) == pytest.approx(exact, rel=1e-9)


@given(st.integers(1, 200), st.floats(0.3, 0.9))
@settings(max_examples=30)
def test_both_ways_agree(agents: int, ratio: float) -> None:
    load = agents * ratio
    # The roots lose digits where the wait is short; there the sums are taken.
    assert _by_roots(load, agents) == pytest.approx(_by_spitzer(load, agents), rel=1e-6, abs=1e-9)


@given(st.integers(1, 300), st.floats(0.01, 0.999))
@settings(max_examples=40)
def test_equal_calls_wait_less_than_exponential_ones(agents: int, ratio: float) -> None:
    equal, markov = erlang_d(agents * ratio / 360, 360, agents), erlang_c(agents * ratio / 360, 360, agents)
    least = 1e-300  # below it, floating point has no digits left to compare
    assert 0.5 * markov.mean_wait * (1 - 1e-9) <= equal.mean_wait + least
    assert equal.mean_wait <= markov.mean_wait + least
    assert 0 <= equal.wait_probability <= markov.wait_probability * (1 + 1e-9)


@pytest.mark.parametrize("ratio", [0.5, 0.9, 0.99, 0.9999, 1 - 1e-9])
def test_one_agent_in_closed_form(ratio: float) -> None:
    queue = erlang_d(ratio / 360, 360, 1)
    load = queue.rate * 360
    assert queue.mean_wait == pytest.approx(load * 360 / (2 * (1 - load)), rel=1e-9)
    assert queue.wait_probability == pytest.approx(load, rel=1e-12)


@pytest.mark.parametrize("ratio", [0.9, 0.99, 0.999, 0.9999, 1 - 1e-7])
def test_ten_thousand_agents(ratio: float) -> None:
    queue = erlang_d(10_000 * ratio / 360, 360, 10_000)
    markov = erlang_c(10_000 * ratio / 360, 360, 10_000)
    assert 0.5 * markov.mean_wait <= queue.mean_wait <= markov.mean_wait
    assert 0 <= queue.wait_probability <= 1


def test_overload() -> None:
    with pytest.raises(NoSteadyState):
        erlang_d(12 / 360, 360, 12)
