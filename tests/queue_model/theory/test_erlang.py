from __future__ import annotations

import math

import mpmath
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queue_model.errors import ModelError, NoSteadyState
from queue_model.theory.erlang import (
    agents_for_delay,
    agents_needed,
    erlang_b,
    erlang_c,
    load_for_blocking,
    log_inverse_blocking,
    servers_for_blocking,
)
from tests.queue_model.theory.oracles import empty_share

AGENTS = st.integers(1, 300)
LOADS = st.floats(1e-3, 500)
RATIOS = st.floats(1e-3, 0.999)


def exact_b(agents: int, load: float) -> mpmath.mpf:
    """By the definition, a^c / c! over the sum of a^n / n!, with 60 digits."""
    with mpmath.workdps(60):
        term = total = mpmath.mpf(1)
        for n in range(1, agents + 1):
            term *= mpmath.mpf(load) / n
            total += term
        return term / total


@given(AGENTS, LOADS)
@settings(max_examples=60)
def test_blocking_is_exact(agents: int, load: float) -> None:
    exact = exact_b(agents, load)
    assert log_inverse_blocking(agents, load) == pytest.approx(float(-mpmath.log(exact)), rel=1e-12, abs=1e-12)
    assert erlang_b(agents, load) == pytest.approx(float(exact), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(("agents", "load"), [(10_000, 10_000.0), (10_000, 9_000.0), (10_000, 12_000.0), (10_000, 1.0)])
def test_ten_thousand_agents(agents: int, load: float) -> None:
    exact = exact_b(agents, load)
    assert erlang_b(agents, load) == pytest.approx(float(exact), rel=1e-11)
    assert log_inverse_blocking(agents, load) == pytest.approx(float(-mpmath.log(exact)), rel=1e-13)


def test_without_agents_or_load() -> None:
    assert erlang_b(0, 3.0) == 1 and erlang_b(0, 0.0) == 1 and erlang_b(3, 0.0) == 0
    assert log_inverse_blocking(0, 0.0) == 0 and log_inverse_blocking(2, 0.0) == math.inf
    assert erlang_c(0.0, 360, 3).asa == 0 and empty_share(erlang_c(0.0, 360, 3)) == 1


@given(AGENTS, LOADS)
def test_more_agents_lose_less_and_more_load_loses_more(agents: int, load: float) -> None:
    assert log_inverse_blocking(agents + 1, load) > log_inverse_blocking(agents, load)
    assert log_inverse_blocking(agents, load * 1.01) < log_inverse_blocking(agents, load)


@given(st.integers(1, 2000), st.floats(1e-6, 0.9))
@settings(max_examples=40)
def test_load_for_blocking_is_the_inverse(agents: int, blocking: float) -> None:
    assert erlang_b(agents, load_for_blocking(agents, blocking)) == pytest.approx(blocking, rel=1e-11)


@given(st.floats(0, 2000), st.floats(1e-6, 0.9))
@example(0.0, 0.5)
@settings(max_examples=40)
def test_servers_for_blocking_are_the_fewest(load: float, blocking: float) -> None:
    found = servers_for_blocking(load, blocking)
    assert erlang_b(found, load) <= blocking * (1 + 1e-12)
    assert found == 1 or erlang_b(found - 1, load) > blocking * (1 - 1e-12)


@given(AGENTS, RATIOS)
@settings(max_examples=60)
def test_erlang_c_is_exact(agents: int, ratio: float) -> None:
    queue = erlang_c(agents * ratio / 100, 100, agents)
    with mpmath.workdps(60):
        idle = 1 - mpmath.mpf(queue.load) / agents
        blocking = exact_b(agents, queue.load)
        waits = blocking / (idle + (1 - idle) * blocking)
        wait = waits * 100 / (agents - mpmath.mpf(queue.load))
    assert queue.wait_probability == pytest.approx(float(waits), rel=1e-11, abs=1e-300)
    assert queue.no_wait == pytest.approx(float(1 - waits), rel=1e-11)
    assert queue.asa == pytest.approx(float(wait), rel=1e-11, abs=1e-300)


@given(AGENTS, RATIOS)
def test_erlang_c_obeys_its_laws(agents: int, ratio: float) -> None:
    queue, more = (erlang_c(agents * ratio / 100, 100, n) for n in (agents, agents + 1))
    assert erlang_b(agents, queue.load) <= queue.wait_probability  # who waits now is not lost, and keeps agents busy
    assert more.wait_probability <= queue.wait_probability and more.asa <= queue.asa
    assert queue.no_wait + queue.wait_probability == pytest.approx(1, rel=1e-14)
    assert queue.occupancy == pytest.approx(ratio, rel=1e-14)
    assert queue.mean_queue == pytest.approx(queue.wait_probability * ratio / (1 - ratio), rel=1e-9, abs=1e-300)
    assert 0 <= queue.service_level(10) <= queue.service_level(20) <= 1
    assert queue.service_level(20) + queue.waiting_longer(20) == pytest.approx(1, rel=1e-14)


@given(AGENTS, RATIOS, st.floats(0.01, 0.999))
def test_percentile_is_where_the_tail_is(agents: int, ratio: float, of: float) -> None:
    queue = erlang_c(agents * ratio / 100, 100, agents)
    t = queue.wait_percentile(of)
    assert queue.answer_percentile(of) == t
    if t > 0:
        assert queue.waiting_longer(t) == pytest.approx(1 - of, rel=1e-9)
    else:
        assert queue.no_wait >= of * (1 - 1e-12)


def test_one_agent_is_the_textbook_queue() -> None:
    queue = erlang_c(0.8 / 60, 60, 1)
    assert queue.wait_probability == pytest.approx(0.8) and queue.asa == pytest.approx(0.8 * 60 / 0.2)
    assert empty_share(queue) == pytest.approx(0.2)


@given(st.floats(0.1, 3000), st.floats(0.05, 0.99), st.sampled_from([0.0, 10.0, 60.0]))
@settings(max_examples=25)
def test_agents_needed_are_the_fewest(load: float, target: float, within: float) -> None:
    found = agents_needed(load / 300, 300, target, within)
    assert erlang_c(load / 300, 300, found).service_level(within) >= target
    if found - 1 > load:
        assert erlang_c(load / 300, 300, found - 1).service_level(within) < target
    delayed = agents_for_delay(load, 1 - target)
    assert erlang_c(load, 1, delayed).wait_probability <= 1 - target


def test_an_overloaded_queue_is_reported() -> None:
    with pytest.raises(NoSteadyState, match=r"6\.4 erlangs are too much for 6 agents.*use 7 agents or more") as told:
        erlang_c(6.4 / 360, 360, 6)
    assert told.value.fewest == 7
    with pytest.raises(NoSteadyState) as told:
        erlang_c(7 / 360, 360, 7)
    assert told.value.fewest == 8


@pytest.mark.parametrize(
    ("rate", "aht", "agents", "named"),
    [
        (-1.0, 360.0, 12, "rate: -1.0 is negative"),
        (math.nan, 360.0, 12, "rate: nan is not a finite number"),
        (0.01, 0.0, 12, "aht: 0.0 is not above 0"),
        (0.01, math.inf, 12, "aht: inf is not a finite number"),
        (0.01, 360.0, 0, "agents: 0 is less than 1"),
        (0.01, 360.0, 2.5, r"agents: 2\.5 is not a whole number"),
        (True, 360.0, 2, "rate: True is not a finite number"),
    ],
)
def test_bad_input_is_named(rate: float, aht: float, agents: int, named: str) -> None:
    with pytest.raises(ModelError, match=named):
        erlang_c(rate, aht, agents)


def test_shares_are_not_per_cents() -> None:
    with pytest.raises(ModelError, match=r"target: 80 is not between 0 and 1 \(80 % is 0\.8\)"):
        agents_needed(0.01, 300, 80, 20)
    with pytest.raises(ModelError, match="blocking"):
        load_for_blocking(10, 1.0)
    with pytest.raises(ModelError, match="within: -1"):
        erlang_c(0.01, 300, 6).service_level(-1)
