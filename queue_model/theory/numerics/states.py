"""The states of the queue in one slot of the day: how many agents are busy, how many callers wait.

With `agents` on duty, callers wait only if at least so many are busy. More are busy if the shift of some ended during a
call; then the end of a call sends an agent home, and no caller leaves the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class States:
    """First the states with an idle agent, by busy agents; then those without, by busy agents and waiting callers."""

    agents: int
    most: int  # busy, `agents` or more
    places: int  # for waiting callers: so many that the last is practically never taken

    @property
    def row(self) -> int:
        return self.places + 1

    @cached_property
    def full(self) -> int:
        """How many states have no idle agent."""
        return (self.most - self.agents + 1) * self.row

    @property
    def size(self) -> int:
        return self.agents + self.full

    @cached_property
    def busy(self) -> Index:
        return np.concatenate([np.arange(self.agents), np.repeat(np.arange(self.agents, self.most + 1), self.row)])

    @cached_property
    def waiting(self) -> Index:
        return np.concatenate(
            [np.zeros(self.agents, dtype=np.intp), np.tile(np.arange(self.row), self.most - self.agents + 1)]
        )

    def index(self, busy: Index, waiting: Index) -> Index:
        """The place of states in the order above."""
        return np.where(busy < self.agents, busy, self.agents + (busy - self.agents) * self.row + waiting)

    # --- transitions, as matrices with a row for each state that is left ----------------------------------------------

    @cached_property
    def arrivals(self) -> sparse.spmatrix:
        """One call per second. A call with all places taken is ignored; that practically never happens."""
        here = np.arange(self.size)
        return _rates(self.size, [(here, here + 1, np.where(self.waiting < self.places, 1.0, 0.0))])

    def departures(self, service: float, leaving: float) -> sparse.spmatrix:
        """Calls end at `service` per second for each busy agent, callers give up at `leaving` per second each."""
        here, calls_end = np.arange(self.size), self.busy * service
        return _rates(
            self.size,
            [
                (here, self._after_service(here), calls_end),
                (here, np.where(self.waiting > 0, here - 1, here), self.waiting * leaving),
            ],
        )

    def ahead(self, service: float, leaving: float) -> sparse.spmatrix:
        """The states without an idle agent as one waiting caller sees them; `waiting` are the callers ahead. Giving up
        and an answer, at the rate `answers(service)`, lead out of these states."""
        here = np.arange(self.agents, self.size)
        busy, ahead = self.busy[here], self.waiting[here]
        next_state = self._after_service(here)
        stays = next_state >= self.agents
        stays &= ~((busy == self.agents) & (ahead == 0))
        inside = _rates(
            self.full,
            [
                (here[stays] - self.agents, next_state[stays] - self.agents, busy[stays] * service),
                (here - self.agents, np.where(ahead > 0, here - 1, here) - self.agents, ahead * leaving),
            ],
        )
        return inside - sparse.diags(leaving + self.answers(service))

    def answers(self, service: float) -> Array:
        """The rate at which a waiting caller is answered, by state of `ahead`."""
        busy, ahead = self.busy[self.agents :], self.waiting[self.agents :]
        return np.where((busy == self.agents) & (ahead == 0), self.agents * service, 0.0)

    def _after_service(self, here: Index) -> Index:
        busy, waiting = self.busy[here], self.waiting[here]
        someone_waits = np.where(waiting > 0, here - 1, self.agents - 1)
        none_idle = np.where(busy > self.agents, here - self.row, someone_waits)
        return np.maximum(np.where(busy < self.agents, here - 1, none_idle), 0)

    # --- change of shifts ---------------------------------------------------------------------------------------------

    def carried(self, chances: Array, new: States) -> Array:
        """Probabilities of these states as probabilities of `new`, the next slot's: free agents take waiting callers at
        once. `chances` has a row for each of several days."""
        taken = np.minimum(self.waiting, np.maximum(new.agents - self.busy, 0))
        to = new.index(np.minimum(self.busy + taken, new.most), self.waiting - taken)
        return np.array([np.bincount(to, weights=chance, minlength=new.size) for chance in chances], dtype=np.float64)

    def looked_ahead(self, values: Array, new: States, answered: float) -> Array:
        """`values` of the states of `ahead` in the next slot, by the states of this one; `answered`: the value for
        callers who are answered at the change itself."""
        busy, ahead = self.busy[self.agents :], self.waiting[self.agents :]
        free = np.maximum(new.agents - busy, 0)
        to = new.index(np.minimum(busy + free, new.most), np.maximum(ahead - free, 0)) - new.agents
        return np.where(ahead < free, answered, values[to])

    def in_system(self, chances: Array) -> Array:
        """P(so many callers in conversation or waiting)."""
        return np.bincount(self.busy + self.waiting, weights=chances).astype(np.float64)


def _rates(size: int, changes: Sequence[tuple[Index, Index, NDArray[np.floating[Any]]]]) -> sparse.spmatrix:
    """A matrix of rates from changes (from, to, per second); changes from a state to itself are ignored."""
    matrix = sparse.csr_matrix((size, size))
    for origin, to, rate in changes:
        real = (rate > 0) & (origin != to)
        matrix = matrix + sparse.csr_matrix((rate[real], (origin[real], to[real])), shape=(size, size))
    return matrix - sparse.diags(np.asarray(matrix.sum(axis=1)).ravel())
