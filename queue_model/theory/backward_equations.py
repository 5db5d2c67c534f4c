"""The waits of callers who have to wait: equations that run backward from the end of the day.

Given the callers ahead and the busy agents, a wait depends on the agents to come and not on later callers. So the
expected wait y of each state obeys y' = (rates of `States.ahead`) y + 1, backward in time. The sum h of the waits of
all who arrive in the rest of a slot obeys h' = (rates of the states) h + (rate of calls) y. Both are solved together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy import sparse

from queue_model.theory.numerics.states import States
from queue_model.theory.uniformization import Uniformization

Array = NDArray[np.float64]
NODES = 20


@dataclass(frozen=True)
class DayRates:
    """A day as rates per second: `states` and `rates` (of calls) by slot; `last`: the states after the last slot;
    `factors`: multiply the calls of each of several days."""

    states: Sequence[States]
    last: States
    rates: Sequence[float]
    factors: Array
    service: float
    leaving: float
    slot: float  # s

    def next_states(self, i: int) -> States:
        return self.states[i + 1] if i + 1 < len(self.states) else self.last

    def generator(self, i: int) -> sparse.spmatrix:
        """The rates of the states in slot i, a block for each day."""
        fixed = self.states[i].departures(self.service, self.leaving)
        calls = sparse.diags(self.factors * self.rates[i])
        return sparse.kron(sparse.identity(len(self.factors)), fixed) + sparse.kron(calls, self.states[i].arrivals)


def waits(day: DayRates, starts: Sequence[Array]) -> list[Array]:
    """The expected sum of the waits of those who arrive in each slot, s, by day; `starts`: probabilities (day, state)
    at the start of each slot."""
    after, sums = expected_drain(day.last, day.service, day.leaving), []
    states = day.last
    for i in reversed(range(len(day.states))):
        after = day.states[i].looked_ahead(after, states, 0.0)
        states = day.states[i]
        rest, after = _slot_backward(day, i, after)
        sums.append((starts[i] * rest).sum(axis=1))
    return sums[::-1]


def _slot_backward(day: DayRates, i: int, after: Array) -> tuple[Array, Array]:
    """h and y at the start of slot i, from y at its end."""
    states, days = day.states[i], len(day.factors)
    size = days * states.size
    meets = sparse.eye(states.size, states.full, k=-states.agents)  # callers who arrive find the state as it is
    calls = sparse.kron((day.factors * day.rates[i]).reshape(-1, 1), meets)
    one = sparse.csr_matrix(np.ones((states.full, 1)))
    system = sparse.bmat(
        [
            [day.generator(i), calls, None],
            [None, states.ahead(day.service, day.leaving), one],
            [None, None, sparse.csr_matrix((1, 1))],
        ],
        format="csr",
    )
    start = np.concatenate([np.zeros(size), after, [1.0]])
    end = Uniformization(system).after(start, day.slot)
    return end[:size].reshape(days, states.size), end[size:-1]


def expected_drain(states: States, service: float, leaving: float) -> Array:
    """The expected wait if no more calls come and the agents stay, s, by state of `States.ahead`."""
    wait = np.zeros((states.most - states.agents + 1, states.row))
    for b in range(states.agents, states.most + 1):
        for ahead in range(states.row):
            gone = wait[b - states.agents, ahead - 1] if ahead else 0.0
            served = wait[b - 1 - states.agents, ahead] if b > states.agents else gone
            pace = b * service + (ahead + 1) * leaving
            wait[b - states.agents, ahead] = (1 + b * service * served + ahead * leaving * gone) / pace
    return wait.ravel()


def in_time(states: States, service: float, leaving: float, seconds: float, first: Array | None = None) -> Array:
    """The probability of an answer within so many seconds while the agents do not change, by state of `States.ahead`;
    `first`: the probability for callers who still wait then."""
    answers = sparse.csr_matrix(states.answers(service).reshape(-1, 1))
    system = sparse.bmat([[states.ahead(service, leaving), answers], [None, sparse.csr_matrix((1, 1))]], format="csr")
    start = np.append(np.zeros(states.full) if first is None else first, 1.0)
    return Uniformization(system).after(start, seconds)[:-1]


def answered_in_time(day: DayRates, i: int, within: float, time: Array, before: Array) -> Array:
    """The expected number of those who arrive in slot i, wait, and are answered within so many seconds, by day.

    `time`: expected seconds in each state (day, state) over the slot, without its last `within` seconds if the agents
    change after it; `before`: probabilities at the start of these last seconds.
    """
    states, after = day.states[i], day.next_states(i)
    calls = day.factors * day.rates[i]
    good = calls * (time[:, states.agents :] @ in_time(states, day.service, day.leaving, within))
    if after.agents == states.agents:
        return good
    evolve = Uniformization(day.generator(i).T.tocsr())
    nodes, weights = leggauss(NODES)
    moment, chances = 0.0, before.ravel()
    for node, weight in zip(nodes, weights, strict=True):
        at = 0.5 * within * (node + 1)
        chances, moment = evolve.after(chances, at - moment), at
        rest = in_time(after, day.service, day.leaving, at)  # answered in the time that is left after the change
        promise = states.looked_ahead(rest, after, 1.0)
        promise = in_time(states, day.service, day.leaving, within - at, promise)
        waiting = chances.reshape(len(calls), states.size)[:, states.agents :]
        good = good + 0.5 * within * weight * calls * (waiting @ promise)
    return good
