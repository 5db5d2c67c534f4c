from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.errors import ModelError, NoSteadyState
from queue_model.theory.erlang import erlang_c
from queue_model.theory.general import single_agent_wait
from queue_model.theory.priorities import several_agents, single_agent

SHARES = st.lists(st.floats(0.01, 1), min_size=1, max_size=5)


@given(SHARES, st.integers(1, 40), st.floats(0.05, 0.98))
def test_priorities_keep_the_mean_wait_of_all(shares: list[float], agents: int, ratio: float) -> None:
    total = agents * ratio / 300
    rates = [total * each / sum(shares) for each in shares]
    found = several_agents(rates, 300, agents)
    alike = erlang_c(sum(rates), 300, agents)
    assert found.wait_probability == pytest.approx(alike.wait_probability, rel=1e-12)
    assert list(found.waits) == sorted(found.waits)
    mean = math.fsum(rate * wait for rate, wait in zip(rates, found.waits, strict=True)) / sum(rates)
    assert mean == pytest.approx(alike.mean_wait, rel=1e-9)


@given(SHARES, st.floats(0.05, 0.98), st.floats(0, 3))
def test_one_agent(shares: list[float], ratio: float, scv: float) -> None:
    rates = [ratio / 300 * each / sum(shares) for each in shares]
    found = single_agent(rates, [300.0] * len(rates), [scv] * len(rates))
    mean = math.fsum(rate * wait for rate, wait in zip(rates, found.waits, strict=True)) / sum(rates)
    assert mean == pytest.approx(single_agent_wait(sum(rates), 300, scv), rel=1e-9)
    if scv == 1:
        assert found.waits == pytest.approx(several_agents(rates, 300, 1).waits, rel=1e-9)


def test_cobham_by_hand() -> None:
    # Two classes of 0.2 and 0.5 erlangs, exponential calls of 100 s: R = 0.7 * 100.
    waits = several_agents([0.002, 0.005], 100, 1).waits
    assert waits == pytest.approx((70 / 0.8, 70 / 0.8 / 0.3))
    # Short equal calls first: R = 0.2 * 10 / 2 + 0.5 * 100.
    waits = single_agent([0.02, 0.005], [10, 100], [0, 1]).waits
    assert waits == pytest.approx((51 / 0.8, 51 / 0.8 / 0.3))


def test_bad_input() -> None:
    with pytest.raises(NoSteadyState):
        several_agents([0.02, 0.02], 300, 12)
    with pytest.raises(ModelError, match="1 rates, 2 handling times and 1 scvs"):
        single_agent([0.1], [1, 2], [1])
    with pytest.raises(ModelError, match="rates: give one for each class"):
        several_agents([], 300, 12)
    with pytest.raises(ModelError, match="rates: -1"):
        several_agents([-1], 300, 12)
