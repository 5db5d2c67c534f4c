"""A day that changes from slot to slot: M(t)/M/s(t)+M by its forward equations (Kolmogorov), exactly.

The rate of calls and the number of agents change from slot to slot. Agents whose shift ends finish the call in hand;
after the last slot no more calls come, and waiting callers are answered or give up. The state is the number of busy
agents and of waiting callers. It is followed by uniformisation (`queue_model.theory.uniformization`).

Measures are of the callers who **arrive** in a slot, whenever their wait ends. Their waits are calculated backward
(`queue_model.theory.backward_equations`) and combined with the forward probabilities in each slot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from queue_model.errors import ModelError, not_negative, positive, whole
from queue_model.theory import backward_equations
from queue_model.theory.erlang import log_inverse_blocking
from queue_model.theory.numerics.poisson import at_least
from queue_model.theory.numerics.states import States
from queue_model.theory.uniformization import Uniformization

Array = NDArray[np.float64]
UNSEEN = 1e-18
GAMMA_NODES = 40


@dataclass(frozen=True)
class Arrivals:
    """Measures of the callers who arrive in a slot, or in the whole day (nan where nobody calls)."""

    start: float  # s after opening
    calls: float  # expected
    no_wait: float  # share answered at once
    mean_wait: float  # s, of all
    abandoned: float  # share
    gave_up: float  # callers who give up during the slot, whenever they called / calls of the slot
    service_level: float  # share of all that is answered within the time


@dataclass(frozen=True)
class Day:
    """A day, from an empty start until the last caller has left. Shares and means are ratios of expectations."""

    whole: Arrivals
    slots: tuple[Arrivals, ...]
    in_system: tuple[Array, ...]  # P(so many callers in conversation or waiting), at the end of each slot


def transient(
    calls: Sequence[float],
    agents: Sequence[int] | int,
    aht: float,
    patience: float | None,
    *,
    slot: float = 1800.0,
    within: float = 20.0,
    after: int | None = None,
    busyness: float | None = None,
) -> Day:
    """Calculate one day.

    `calls`: expected in each slot of `slot` seconds. `agents`: in each slot, or all day. `aht`, `patience`: means of
    exponential laws, s; patience None: nobody gives up. `within`: the time of the service level, s, at most a slot.
    `after`: agents who stay after the last slot until the queue is empty; None: as in the last slot. `busyness`:
    shape of a gamma factor of mean 1 that multiplies all calls of a day; None: no such factor. Raises ModelError.
    """
    rates = _rates(calls, positive("slot", slot))
    duty = _duty(agents, len(rates))
    last = duty[-1] if after is None else whole("after", after)
    service, leaving = 1 / positive("aht", aht), 0.0 if patience is None else 1 / positive("patience", patience)
    if not_negative("within", within) > slot:
        raise ModelError(f"within: {within:g} s is longer than a slot of {slot:g} s; use longer slots")
    if last == 0 and leaving == 0:
        raise ModelError(
            "after: with 0 agents and nobody giving up, the last callers would wait for ever; give 1 or more"
        )
    factors, weights = gamma_nodes(busyness) if busyness is not None else (np.ones(1), np.ones(1))
    places = _places(np.array(rates) * float(factors.max()), slot, duty, service, leaving)
    day, forward = _forward(rates, duty, last, places, factors, service, leaving, slot, within)
    sums = backward_equations.waits(day, [each.start for each in forward])
    slots = []
    for i, (each, states) in enumerate(zip(forward, day.states, strict=True)):
        expected = rates[i] * slot
        good = float(backward_equations.answered_in_time(day, i, within, each.early, each.late_start) @ weights)
        at_once = rates[i] * float((factors * each.time[:, : states.agents].sum(axis=1)) @ weights)
        left = leaving * float((each.time @ states.waiting) @ weights)
        slots.append(_arrivals(i * slot, expected, at_once, float(sums[i] @ weights), good, leaving, left))
    ends = tuple(states.in_system(weights @ each.end) for states, each in zip(day.states, forward, strict=True))
    return Day(_sum(slots), tuple(slots), ends)


def gamma_nodes(shape: float, nodes: int = GAMMA_NODES) -> tuple[Array, Array]:
    """Factors and weights of Gauss's rule for a gamma law of mean 1 (Golub and Welsch 1969), without tiny weights."""
    alpha, i = positive("busyness", shape) - 1, np.arange(nodes)
    beside = np.sqrt(i[1:] * (i[1:] + alpha))
    jacobi = np.diag(2 * i + alpha + 1.0) + np.diag(beside, 1) + np.diag(beside, -1)
    factors, vectors = np.linalg.eigh(jacobi)
    weights = vectors[0] ** 2
    count = weights > UNSEEN
    return factors[count] / shape, weights[count] / weights[count].sum()


# --- input ------------------------------------------------------------------------------------------------------------


def _rates(calls: Sequence[float], slot: float) -> list[float]:
    rates = [not_negative(f"calls[{i}]", each) / slot for i, each in enumerate(calls)]
    if not any(rates):
        raise ModelError("calls: nobody calls in any slot; give the expected number for each")
    return rates


def _duty(agents: Sequence[int] | int, slots: int) -> list[int]:
    if isinstance(agents, int):
        return [whole("agents", agents)] * slots
    if len(agents) != slots:
        raise ModelError(f"agents: {len(agents)} numbers for {slots} slots; give one for each, or one for all")
    return [whole(f"agents[{i}]", each) for i, each in enumerate(agents)]


def _places(rates: Array, slot: float, duty: Sequence[int], service: float, leaving: float) -> int:
    """How many waiting callers to consider, so that more are practically impossible. No queue is longer than all calls
    of the day, or than in a steady state with the calls of the busiest slot and the fewest agents: 0 if the number of
    agents falls, since those who finish a call then take no other."""
    places = _unseen(float(rates.sum()) * slot)
    if leaving == 0:
        return places
    busiest = float(rates.max())
    falls = any(later < earlier for earlier, later in pairwise(duty))
    fewest = 0 if falls else min(duty)
    if fewest == 0:
        return min(places, _unseen(busiest / leaving))
    log = highest = 0.0
    idle = log_inverse_blocking(fewest - 1, busiest / service) + np.log(fewest * service / busiest)
    j, ratio = 0, 1.0
    while log > max(highest, idle) + math.log(UNSEEN) or ratio > 0.5:
        j += 1
        ratio = busiest / (fewest * service + j * leaving)
        log += math.log(ratio)
        highest = max(highest, log)
        if j >= places:
            break
    return j


def _unseen(mean: float) -> int:
    """A number that a Poisson variate of this mean practically never exceeds."""
    step = int(math.sqrt(mean)) + 4
    most = int(mean) + 6 * step
    while at_least(most, mean) > UNSEEN:
        most += step
    return most


# --- forward ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Forward:
    """One slot, by (day, state): probabilities at its start and end, and expected seconds; `early`: without the last
    `within` seconds if the agents change after the slot; `late_start`: the probabilities then."""

    start: Array
    end: Array
    time: Array
    early: Array
    late_start: Array


def _forward(
    rates: list[float],
    duty: list[int],
    last: int,
    places: int,
    factors: Array,
    service: float,
    leaving: float,
    slot: float,
    within: float,
) -> tuple[backward_equations.DayRates, list[_Forward]]:
    states = States(duty[0], duty[0], places)
    start = np.zeros((len(factors), states.size))
    start[:, 0] = 1.0
    all_states, followed = [states], list[_Forward]()
    for i, agents in enumerate([*duty[1:], last]):
        day = backward_equations.DayRates(all_states, states, rates, factors, service, leaving, slot)
        evolve = Uniformization(day.generator(i).T.tocsr())
        late = within if agents != states.agents else 0.0
        before, early = evolve.after_and_time(start.ravel(), slot - late)
        end, rest = evolve.after_and_time(before, late) if late else (before, np.zeros_like(early))
        shape = start.shape
        followed.append(_Forward(start, *(x.reshape(shape) for x in (end, early + rest, early, before))))
        # Agents who may still be busy when their shift has ended, without negligible probabilities.
        possible = states.busy[followed[-1].end.max(axis=0) > UNSEEN]
        after = States(agents, max(agents, int(possible.max())), places)
        start = states.carried(followed[-1].end, after)
        all_states.append(after)
        states = after
    return backward_equations.DayRates(
        all_states[:-1], all_states[-1], rates, factors, service, leaving, slot
    ), followed


# --- measures ---------------------------------------------------------------------------------------------------------


def _arrivals(
    start: float, calls: float, at_once: float, waited: float, late: float, leaving: float, left: float
) -> Arrivals:
    """Measures from expected numbers. Waiting callers give up at a constant rate, so abandoned = rate x wait."""
    if calls == 0:
        return Arrivals(start, 0.0, *[math.nan] * 5)
    wait = waited / calls
    return Arrivals(start, calls, at_once / calls, wait, leaving * wait, left / calls, (at_once + late) / calls)


def _sum(slots: Sequence[Arrivals]) -> Arrivals:
    busy = [each for each in slots if each.calls]
    calls = math.fsum(each.calls for each in busy)

    def mean(name: str) -> float:
        return math.fsum(each.calls * float(getattr(each, name)) for each in busy) / calls

    shares = (mean(name) for name in ("no_wait", "mean_wait", "abandoned", "gave_up", "service_level"))
    return Arrivals(0.0, calls, *shares)
