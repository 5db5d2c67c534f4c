"""What awaits a caller who has to wait: equations that run backward from the end of the day.

With so many ahead and so many agents busy, his wait depends on the agents to come and on nobody behind him. So the
expected wait y of each state obeys y' = (rates of `States.ahead`) y + 1, backward in time, and the sum h of the waits
of all who arrive in the rest of a slot obeys h' = (rates of the room) h + (rate of calls) y: both are solved as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy import sparse

from queue_model.theory.numerics.states import States
from queue_model.theory.uniformization import Uniform

Array = NDArray[np.float64]
NODES = 20


@dataclass(frozen=True)
class Day:
    """What is given: rates per second. `rooms` and `rates` (calls) by slot; `last` is the room after the last slot;
    `factors` multiply the calls of each of several days."""

    rooms: Sequence[States]
    last: States
    rates: Sequence[float]
    factors: Array
    service: float
    leaving: float
    slot: float  # s

    def next_room(self, i: int) -> States:
        return self.rooms[i + 1] if i + 1 < len(self.rooms) else self.last

    def generator(self, i: int) -> sparse.spmatrix:
        """The rates of the room in slot i, a block for each day."""
        fixed = self.rooms[i].departures(self.service, self.leaving)
        calls = sparse.diags(self.factors * self.rates[i])
        return sparse.kron(sparse.identity(len(self.factors)), fixed) + sparse.kron(calls, self.rooms[i].arrivals)


def waits(day: Day, starts: Sequence[Array]) -> list[Array]:
    """The expected sum of the waits of those who arrive in each slot, s, by day; `starts`: probabilities (day, state)
    at the start of each slot."""
    after, sums = expected_drain(day.last, day.service, day.leaving), []
    room = day.last
    for i in reversed(range(len(day.rooms))):
        after = day.rooms[i].looked_ahead(after, room, 0.0)
        room = day.rooms[i]
        rest, after = _slot_backward(day, i, after)
        sums.append((starts[i] * rest).sum(axis=1))
    return sums[::-1]


def _slot_backward(day: Day, i: int, after: Array) -> tuple[Array, Array]:
    """h and y at the start of slot i, from y at its end."""
    room, days = day.rooms[i], len(day.factors)
    size = days * room.size
    meets = sparse.eye(room.size, room.full, k=-room.agents)  # a caller who arrives sees the state as it is
    calls = sparse.kron((day.factors * day.rates[i]).reshape(-1, 1), meets)
    one = sparse.csr_matrix(np.ones((room.full, 1)))
    system = sparse.bmat(
        [
            [day.generator(i), calls, None],
            [None, room.ahead(day.service, day.leaving), one],
            [None, None, sparse.csr_matrix((1, 1))],
        ],
        format="csr",
    )
    start = np.concatenate([np.zeros(size), after, [1.0]])
    end = Uniform(system).after(start, day.slot)
    return end[:size].reshape(days, room.size), end[size:-1]


def expected_drain(room: States, service: float, leaving: float) -> Array:
    """The expected wait when nobody new comes and the agents stay, s, by state of `States.ahead`."""
    wait = np.zeros((room.most - room.agents + 1, room.row))
    for b in range(room.agents, room.most + 1):
        for ahead in range(room.row):
            gone = wait[b - room.agents, ahead - 1] if ahead else 0.0
            served = wait[b - 1 - room.agents, ahead] if b > room.agents else gone
            pace = b * service + (ahead + 1) * leaving
            wait[b - room.agents, ahead] = (1 + b * service * served + ahead * leaving * gone) / pace
    return wait.ravel()


def in_time(room: States, service: float, leaving: float, seconds: float, first: Array | None = None) -> Array:
    """The chance to be answered within so many seconds while the agents do not change, by state of `States.ahead`;
    `first`: the chances of those who still wait then."""
    answers = sparse.csr_matrix(room.answers(service).reshape(-1, 1))
    system = sparse.bmat([[room.ahead(service, leaving), answers], [None, sparse.csr_matrix((1, 1))]], format="csr")
    start = np.append(np.zeros(room.full) if first is None else first, 1.0)
    return Uniform(system).after(start, seconds)[:-1]


def answered_in_time(day: Day, i: int, within: float, time: Array, before: Array) -> Array:
    """The expected number of those who arrive in slot i, wait, and are answered within so many seconds, by day.

    `time`: expected seconds in each state (day, state) over the slot, but for its last `within` seconds when the agents
    change after it; `before`: probabilities at the beginning of these last seconds.
    """
    room, after = day.rooms[i], day.next_room(i)
    calls = day.factors * day.rates[i]
    good = calls * (time[:, room.agents :] @ in_time(room, day.service, day.leaving, within))
    if after.agents == room.agents:
        return good
    evolve = Uniform(day.generator(i).T.tocsr())
    nodes, weights = leggauss(NODES)
    moment, chances = 0.0, before.ravel()
    for node, weight in zip(nodes, weights, strict=True):
        at = 0.5 * within * (node + 1)
        chances, moment = evolve.after(chances, at - moment), at
        rest = in_time(after, day.service, day.leaving, at)  # what is left of his time after the change
        promise = room.looked_ahead(rest, after, 1.0)
        promise = in_time(room, day.service, day.leaving, within - at, promise)
        waiting = chances.reshape(len(calls), room.size)[:, room.agents :]
        good = good + 0.5 * within * weight * calls * (waiting @ promise)
    return good
