from __future__ import annotations

import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.errors import ModelError, NoSteadyState
from queue_model.theory.abandonment import WithAbandonment, erlang_a, general_patience
from queue_model.theory.erlang import erlang_b, erlang_c
from queue_model.theory.numerics.poisson import at_least
from queue_model.theory.patience import (
    Balking,
    Deterministic,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Patience,
    Uniform,
    Weibull,
)
from queue_model.theory.steady import fewest_agents
from tests.queue_model.theory.oracles import FromSurvival

AHT = 360.0
AGENTS = st.integers(1, 60)
RATIOS = st.floats(0.05, 3)  # load per agent
PATIENCE = st.floats(5, 5000)


def exact(load: float, agents: int, leaving: float, places: int | None) -> dict[str, mpmath.mpf]:
    """The chain, state by state, with 50 digits. `leaving`: aht / patience."""
    with mpmath.workdps(50):
        chances = [mpmath.mpf(1)]
        while places is None or len(chances) <= places:
            n = len(chances)
            chances.append(chances[-1] * load / (min(n, agents) + max(0, n - agents) * mpmath.mpf(leaving)))
            if places is None and n > agents + load and chances[-1] < 1e-25 * chances[agents]:
                break
        total = sum(chances)
        chances = [chance / total for chance in chances]
        last = len(chances) if places is None else places
        blocked = mpmath.mpf(0) if places is None else chances[places]
        queue = sum((n - agents) * chance for n, chance in enumerate(chances) if n > agents)
        busy = sum(min(n, agents) * chance for n, chance in enumerate(chances))
        return {
            "no_wait": sum(chances[:agents]),
            "wait_probability": sum(chances[agents:last]),
            "blocked": blocked,
            "abandoned": leaving * queue / load,
            "answered": busy / load,
            "mean_wait": queue * AHT / (load * (1 - blocked)),
        }


@given(st.integers(1, 30), RATIOS, st.floats(5, 1000), st.one_of(st.none(), st.integers(0, 60)))
@settings(max_examples=25)
def test_erlang_a_is_exact(agents: int, ratio: float, patience: float, more: int | None) -> None:
    load, places = agents * ratio, None if more is None else agents + more
    queue = erlang_a(load / AHT, AHT, agents, patience, places)
    for name, value in exact(queue.load, agents, AHT / patience, places).items():
        assert getattr(queue, name) == pytest.approx(float(value), rel=1e-11, abs=1e-30), name


@given(st.integers(1, 30), RATIOS, st.integers(0, 60))
@settings(max_examples=20)
def test_endless_patience_with_a_limit_is_exact(agents: int, ratio: float, more: int) -> None:
    queue = erlang_a(agents * ratio / AHT, AHT, agents, None, agents + more)
    for name, value in exact(queue.load, agents, 0.0, agents + more).items():
        assert getattr(queue, name) == pytest.approx(float(value), rel=1e-11, abs=1e-30), name


def level_by_positions(queue: WithAbandonment, within: float) -> float:
    """The service level from the places in the queue: a caller who finds j ahead is answered within the time if j + 1
    stages of rates (agents + i leaving) / aht end in time, apart from their own patience. Summed by uniformisation."""
    assert queue.places is not None
    leaving = queue.patience.gone(1e-9) / 1e-9 if isinstance(queue.patience, Exponential) else 0.0
    waiting = queue.places - queue.agents
    service = queue.agents / queue.aht
    # y[j](t): chance that j + 1 stages end within t, by the recursion of a pure death chain; own leaving: a loss.
    fast = service + (waiting + 1) * leaving
    values, answer = [0.0] * waiting, [0.0] * waiting
    weight, k = math.exp(-fast * within), 0
    while k < fast * within + 12 * math.sqrt(fast * within) + 40:
        answer = [a + weight * v for a, v in zip(answer, values, strict=True)]
        values = [
            ((service + j * leaving if j else service) * (values[j - 1] if j else 1.0)
             + (fast - service - (j + 1) * leaving) * values[j]) / fast
            for j in range(waiting)
        ]  # fmt: skip
        k += 1
        weight *= fast * within / k
    # The chances of the states with all agents busy, from the share that is refused.
    chances = [queue.blocked]
    for j in range(waiting, 0, -1):
        chances.append(chances[-1] * (service + j * leaving) / queue.rate)
    return queue.no_wait + math.fsum(c * a for c, a in zip(reversed(chances[1:]), answer, strict=True))


@given(st.integers(1, 20), st.floats(0.5, 2), st.one_of(st.none(), st.floats(20, 2000)), st.integers(1, 30))
@settings(max_examples=30)
def test_service_level_with_a_limit(agents: int, ratio: float, patience: float | None, more: int) -> None:
    queue = erlang_a(agents * ratio / AHT, AHT, agents, patience, agents + more)
    assert queue.service_level(20) == pytest.approx(level_by_positions(queue, 20), rel=1e-6)


@given(AGENTS, RATIOS, PATIENCE)
@settings(max_examples=30)
def test_two_ways_to_erlang_a(agents: int, ratio: float, patience: float) -> None:
    rate = agents * ratio / AHT
    chain, integrals = erlang_a(rate, AHT, agents, patience), general_patience(rate, AHT, agents, Exponential(patience))
    for name in ("no_wait", "wait_probability", "abandoned", "answered", "mean_wait", "asa"):
        assert getattr(integrals, name) == pytest.approx(getattr(chain, name), rel=1e-10, abs=1e-30), name


@given(AGENTS, RATIOS, PATIENCE, st.one_of(st.none(), st.integers(0, 50)))
@settings(max_examples=40)
def test_laws(agents: int, ratio: float, patience: float, more: int | None) -> None:
    rate, places = agents * ratio / AHT, None if more is None else agents + more
    queue = erlang_a(rate, AHT, agents, patience, places)
    assert queue.answered + queue.abandoned + queue.blocked == pytest.approx(1, rel=1e-12)
    assert queue.no_wait + queue.wait_probability + queue.blocked == pytest.approx(1, rel=1e-12)
    assert 0 <= queue.occupancy <= 1 + 1e-12
    # Who waits gives up at a constant rate.
    assert queue.abandoned == pytest.approx((1 - queue.blocked) * queue.mean_wait / patience, rel=1e-11, abs=1e-300)
    assert queue.service_level(0) == pytest.approx(queue.no_wait, rel=1e-12)
    assert queue.service_level(10) <= queue.service_level(20) <= queue.answered * (1 + 1e-12)
    assert queue.service_level(1e7) == pytest.approx(queue.answered, rel=1e-10)
    # Giving up lies between being refused at once and waiting for ever.
    assert queue.abandoned + queue.blocked <= erlang_b(agents, queue.load) * (1 + 1e-12)
    if ratio < 1:
        endless = erlang_c(rate, AHT, agents)
        assert queue.wait_probability <= endless.wait_probability * (1 + 1e-12)
        assert queue.mean_wait <= endless.mean_wait * (1 + 1e-12)
    if places is None:
        assert queue.wait_probability >= erlang_b(agents, queue.load) * (1 - 1e-12)
        more_agents, more_calls = erlang_a(rate, AHT, agents + 1, patience), erlang_a(rate * 1.1, AHT, agents, patience)
        assert more_agents.mean_wait <= queue.mean_wait <= more_calls.mean_wait
        assert more_agents.service_level(20) >= queue.service_level(20) >= more_calls.service_level(20) - 1e-12


@given(st.integers(1, 200), st.floats(0.05, 3))
@settings(max_examples=40)
def test_equal_patience_and_handling_is_poisson(agents: int, ratio: float) -> None:
    queue = erlang_a(agents * ratio / AHT, AHT, agents, AHT)
    assert queue.wait_probability == pytest.approx(at_least(agents, queue.load), rel=1e-11, abs=1e-300)


@given(AGENTS, st.floats(0.1, 0.95))
@settings(max_examples=30)
def test_almost_no_and_almost_endless_patience(agents: int, ratio: float) -> None:
    rate = agents * ratio / AHT
    endless, saint = erlang_c(rate, AHT, agents), erlang_a(rate, AHT, agents, 1e13)
    assert saint.mean_wait == pytest.approx(endless.mean_wait, rel=1e-6, abs=1e-30)
    assert saint.service_level(20) == pytest.approx(endless.service_level(20), rel=1e-6)
    hasty = erlang_a(rate, AHT, agents, 1e-6)
    assert hasty.abandoned == pytest.approx(erlang_b(agents, hasty.load), rel=1e-5, abs=1e-30)
    lost, kept = erlang_a(rate, AHT, agents, None, agents), erlang_a(rate, AHT, agents, None, agents + 20_000)
    assert lost.blocked == pytest.approx(erlang_b(agents, lost.load), rel=1e-12, abs=1e-30)
    assert kept.asa == pytest.approx(endless.asa, rel=1e-10, abs=1e-30)


@pytest.mark.parametrize("patience", [1.0, 180.0, 1e6, None])
@pytest.mark.parametrize("ratio", [0.01, 0.9, 0.9999, 1.0, 1.2, 3.0])
def test_ten_thousand_agents(ratio: float, patience: float | None) -> None:
    places = 11_000 if patience is None else None
    queue = erlang_a(10_000 * ratio / AHT, AHT, 10_000, patience, places)
    assert queue.answered + queue.abandoned + queue.blocked == pytest.approx(1, rel=1e-10)
    assert queue.answered <= 1 and queue.occupancy <= 1 + 1e-12
    assert 0 <= queue.service_level(20) <= 1 + 1e-12 and math.isfinite(queue.asa)
    if ratio >= 1.2:  # the fluid that spills over
        assert queue.answered == pytest.approx(1 / ratio, rel=1e-3)
        assert queue.occupancy == pytest.approx(1, abs=1e-3)


LAWS: list[Patience] = [
    Exponential(180),
    Deterministic(180),
    Lognormal(180, 1),
    Lognormal(180, 0.05),
    Weibull(180, 0.4),
    Weibull(180, 3),
    Gamma(180, 0.4),
    Gamma(180, 2),
    Uniform(0, 360),
    Uniform(100, 200),
    Balking(0.2, Lognormal(100, 0.7)),
    Empirical([10, 20, 60, 300], [0.9, 0.6, 0.5, 0.1]),
    FromSurvival(lambda t: 1 / (1 + t / 100) ** 2),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
@pytest.mark.parametrize(("agents", "load"), [(12, 12.0), (5, 9.0), (12, 3.0), (1000, 1100.0)])
def test_laws_of_any_patience(law: Patience, agents: int, load: float) -> None:
    queue = general_patience(load / AHT, AHT, agents, law)
    assert queue.answered + queue.abandoned == pytest.approx(1, rel=1e-10)
    assert queue.no_wait + queue.wait_probability == pytest.approx(1, rel=1e-13)
    assert queue.occupancy <= 1 + 1e-10
    assert erlang_b(agents, queue.load) * (1 - 1e-12) <= queue.wait_probability
    assert queue.mean_wait <= queue.mean_offered_wait * (1 + 1e-12)
    # Agents who are busy all the time answer at their pace: P(ab) by work conservation.
    idle = 1 - queue.occupancy
    assert queue.abandoned == pytest.approx(1 - agents * (1 - idle) / load, rel=1e-7, abs=1e-12)
    t = queue.wait_percentile(0.99)
    assert queue.waiting_longer(t * 1.0001 + 1e-9) <= 0.01 <= queue.waiting_longer(t * 0.9999) + 1e-12 or t == 0
    t = queue.answer_percentile(0.5)
    assert queue.service_level(t) >= 0.5 * queue.answered * (1 - 1e-9)


def test_a_law_from_its_survival_function() -> None:
    own, known = FromSurvival(lambda t: math.exp(-t / 180)), Exponential(180)
    left, right = (general_patience(12 / AHT, AHT, 12, law) for law in (own, known))
    for name in ("wait_probability", "abandoned", "mean_wait", "asa"):
        assert getattr(left, name) == pytest.approx(getattr(right, name), rel=1e-11)


def test_the_fewest_agents_for_a_goal() -> None:
    found = fewest_agents(lambda n: erlang_a(6.4 / AHT, AHT, n, 180), 0.8, 20)
    levels = [erlang_a(6.4 / AHT, AHT, n, 180).service_level(20) for n in (found - 1, found)]
    assert levels[0] < 0.8 <= levels[1]
    with pytest.raises(ModelError, match=r"target: 0\.8 .* cannot be reached: with 6 agents .* no more than 6 calls"):
        fewest_agents(lambda n: erlang_a(6.4 / AHT, AHT, n, None, 6), 0.8, 20, 1, 6)


def test_bad_input() -> None:
    with pytest.raises(NoSteadyState, match="use 13 agents or more"):
        erlang_a(12 / AHT, AHT, 12, None)
    with pytest.raises(ModelError, match="places: 11 calls at once cannot occupy 12 agents"):
        erlang_a(12 / AHT, AHT, 12, 180, 11)
    with pytest.raises(ModelError, match="patience: 0 is not above 0"):
        erlang_a(12 / AHT, AHT, 12, 0)
    with pytest.raises(NoSteadyState) as told:  # half never give up
        general_patience(30 / AHT, AHT, 12, Empirical([10], [0.5]))
    assert told.value.fewest == 16
