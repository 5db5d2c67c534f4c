from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from queue_model.errors import ModelError
from queue_model.theory.abandonment import erlang_a
from queue_model.theory.erlang import erlang_c
from queue_model.theory.numerics.poisson import log_probability
from queue_model.theory.offered_load import offered_load
from queue_model.theory.transient import gamma_nodes, transient

AHT, PATIENCE, SLOT = 100.0, 60.0, 600.0


def waits_by_dense_equations(calls: list[float], agents: list[int], patience: float | None, after: int) -> float:
    """The expected sum of all waits of the day: the integral of the queue, from one dense chain after another.

    States are pairs (busy, waiting); the drain is solved as a system of linear equations.
    """
    most, places = max(*agents, after), 24 if patience else 40
    states = [(b, q) for b in range(most + 1) for q in range(places + 1)]
    index = {state: i for i, state in enumerate(states)}
    chances = np.zeros(len(states) + 1)  # the last: the integral of the queue
    chances[0] = 1.0
    for rate, duty, seconds in [
        *((c / SLOT, n, SLOT) for c, n in zip(calls, agents, strict=True)),
        (0.0, after, math.inf),
    ]:
        moved = np.zeros_like(chances)
        moved[-1] = chances[-1]
        for (b, q), i in index.items():
            taken = min(q, max(0, duty - b))
            moved[index[b + taken, q - taken]] += chances[i]
        rates = np.zeros((len(chances), len(chances)))
        for (b, q), i in index.items():
            moves = []
            if b < duty:
                moves.append((rate, (b + 1, q)))
            elif q < places:
                moves.append((rate, (b, q + 1)))
            if q and patience:
                moves.append((q / patience, (b, q - 1)))
            if b:
                moves.append((b / AHT, (b, q - 1) if q and b <= duty else (b - 1, q)))
            for speed, to in moves:
                rates[i, index[to]] += speed
                rates[i, i] -= speed
            rates[i, -1] += q
        if seconds < math.inf:
            chances = moved @ expm(rates * seconds)
    stuck = np.flatnonzero(rates.diagonal() == 0)
    rates[stuck, stuck] = -1.0  # states that never come about
    rest = np.linalg.solve(rates[1:-1, 1:-1], -rates[1:-1, -1])  # nobody there is where the drain ends
    return float(moved[-1] + moved[1:-1] @ rest)


@pytest.mark.parametrize(
    ("agents", "after", "patience"),
    [
        ([2, 2], 2, PATIENCE),
        ([3, 1, 2], 1, PATIENCE),
        ([0, 3, 2], 3, PATIENCE),
        ([3, 2, 0], 1, PATIENCE),
        ([3, 1], 1, None),
        ([0, 2], 3, None),
    ],
)
def test_waits_against_dense_equations(agents: list[int], after: int, patience: float | None) -> None:
    calls = [5.0, 4.0, 3.0][: len(agents)]
    found = transient(calls, agents, AHT, patience, slot=SLOT, after=after).whole
    assert found.mean_wait * found.calls == pytest.approx(
        waits_by_dense_equations(calls, agents, patience, after), rel=1e-8
    )


def simulate(calls: list[float], agents: list[int], after: int, days: int, within: float) -> list[list[float]]:
    """Calls, answered in time, answered at once, gave up: by slot of arrival. Event by event."""
    source, slots = random.Random(20260711), len(calls)
    counted = [[0.0] * 4 for _ in calls]
    for _ in range(days):
        now, busy, duty, queue = 0.0, 0, agents[0], list[tuple[float, float, int]]()
        changes = [(i * SLOT, agents[i]) for i in range(1, slots)] + [(slots * SLOT, after)]
        rate = calls[0] / SLOT
        while changes or busy or queue:
            queue.sort(key=lambda caller: caller[0])
            total = rate + busy / AHT
            gap = source.expovariate(total) if total else math.inf
            change = changes[0][0] if changes else math.inf
            leave = min((caller[1] for caller in queue), default=math.inf)
            at = min(now + gap, change, leave)
            slot, now = min(int(at / SLOT), slots - 1), at
            if at == change:
                duty = changes.pop(0)[1]
                rate = calls[slot] / SLOT if changes else 0.0
            elif at == leave:
                gone = next(caller for caller in queue if caller[1] == leave)
                queue.remove(gone)
                counted[gone[2]][3] += 1
            elif source.random() * total < rate:
                counted[slot][0] += 1
                if busy < duty:
                    busy += 1
                    counted[slot][1] += 1
                    counted[slot][2] += 1
                else:
                    queue.append((at, at + source.expovariate(1 / PATIENCE), slot))
            else:
                busy -= 1
            while queue and busy < duty:
                came, _, slot = queue.pop(0)
                busy += 1
                counted[slot][1] += at - came <= within
    return counted


def test_each_slot_against_simulation() -> None:
    """Shares of some 10,000 calls in each slot; four standard deviations are left once in 16,000 times."""
    calls, agents, days = [10.0, 8.0, 6.0], [3, 1, 2], 1200
    found = transient(calls, agents, AHT, PATIENCE, slot=SLOT, within=40, after=1)
    for slot, (came, good, at_once, gone) in zip(found.slots, simulate(calls, agents, 1, days, 40), strict=True):
        assert came == pytest.approx(slot.calls * days, abs=4 * math.sqrt(slot.calls * days))
        # Calls of a day depend on each other: the spread is that of about three times fewer.
        spread = 4 * math.sqrt(3 * 0.25 / came)
        assert good / came == pytest.approx(slot.service_level, abs=spread)
        assert at_once / came == pytest.approx(slot.no_wait, abs=spread)
        assert gone / came == pytest.approx(slot.abandoned, abs=spread)


@given(
    st.lists(st.floats(0, 12, allow_subnormal=False), min_size=1, max_size=3),
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
)
@settings(max_examples=8)
def test_laws(calls: list[float], agents: list[int]) -> None:
    calls[0] += 1
    found = transient(calls, agents[: len(calls)], AHT, PATIENCE, slot=SLOT)
    assert found.whole.calls == pytest.approx(sum(calls))
    for slot, chances in zip(found.slots, found.in_system, strict=True):
        assert chances.sum() == pytest.approx(1, rel=1e-11) and chances.min() >= 0
        if slot.calls:
            assert 0 <= slot.no_wait <= slot.service_level * (1 + 1e-12)
            assert slot.service_level + slot.abandoned <= 1 + 1e-9
            assert slot.abandoned == pytest.approx(slot.mean_wait / PATIENCE)
        else:
            assert math.isnan(slot.mean_wait)


@pytest.mark.parametrize("agents", [2, 5, 9])
def test_equal_patience_and_handling_is_poisson_whatever_the_shifts(agents: int) -> None:
    calls = [12.0, 30.0, 3.0]
    load = offered_load(calls, SLOT, AHT)
    found = transient(calls, [agents, agents // 2, agents + 1], AHT, AHT, slot=SLOT)
    for i, chances in enumerate(found.in_system):
        mean = load.at((i + 1) * SLOT)
        poisson = np.array([math.exp(log_probability(n, mean)) for n in range(len(chances))])
        # Agents who went home but are still on a call are Poisson's, too: each caller leaves at the same pace.
        assert np.abs(chances - poisson).max() < 1e-12


def test_a_long_day_ends_in_the_steady_state() -> None:
    steady = erlang_a(6.4 / 360, 360, 7, 180)
    last = transient([32] * 12, 7, 360, 180).slots[-2]
    assert last.mean_wait == pytest.approx(steady.mean_wait, rel=1e-8)
    assert last.service_level == pytest.approx(steady.service_level(20), rel=1e-8)
    assert last.no_wait == pytest.approx(steady.no_wait, rel=1e-8)
    endless = erlang_c(2 / 360, 360, 4)
    last = transient([10] * 14, 4, 360, None).slots[-2]
    assert last.mean_wait == pytest.approx(endless.mean_wait, rel=1e-6)
    assert last.service_level == pytest.approx(endless.service_level(20), rel=1e-6)


@pytest.mark.parametrize("shape", [0.5, 1.0, 25.0, 500.0])
def test_gauss_for_the_gamma_law(shape: float) -> None:
    factors, weights = gamma_nodes(shape)
    assert (factors > 0).all() and weights.sum() == pytest.approx(1)
    moment = 1.0
    for k in range(1, 6):
        moment *= (shape + k - 1) / shape
        assert weights @ factors**k == pytest.approx(moment, rel=1e-11)


def test_very_even_busyness_is_the_same_as_no_busyness() -> None:
    plain, even = (
        transient([8, 8], 2, AHT, PATIENCE, slot=SLOT),
        transient([8, 8], 2, AHT, PATIENCE, slot=SLOT, busyness=1e9),
    )
    assert even.whole.mean_wait == pytest.approx(plain.whole.mean_wait, rel=1e-6)
    wild = transient([8, 8], 2, AHT, PATIENCE, slot=SLOT, busyness=4)
    assert wild.whole.mean_wait > plain.whole.mean_wait and wild.whole.service_level < plain.whole.service_level


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"calls": [0, 0]}, "calls: nobody calls"),
        ({"calls": [5, -1]}, r"calls\[1\]: -1 is negative"),
        ({"agents": [1, 2, 3]}, "agents: 3 numbers for 2 slots"),
        ({"agents": [1, -2]}, r"agents\[1\]: -2"),
        ({"agents": [1, 2.5]}, r"agents\[1\]: 2\.5 is not a whole number"),
        ({"aht": 0}, "aht: 0"),
        ({"patience": -3}, "patience: -3"),
        ({"within": 700}, "within: 700 s is longer than a slot of 600 s"),
        ({"patience": None, "after": 0}, "after: with 0 agents"),
        ({"busyness": 0}, "busyness: 0"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], named: str) -> None:
    asked: dict[str, object] = {"calls": [5, 5], "agents": 2, "aht": AHT, "patience": PATIENCE, "slot": SLOT, **change}
    with pytest.raises(ModelError, match=named):
        transient(**asked)  # type: ignore[arg-type]
