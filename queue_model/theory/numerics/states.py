"""The states of a room of agents in one slot of the day: how many are busy, how many callers wait.

With `agents` on duty, callers wait only when at least so many are busy. More are busy when agents went home in the
middle of a call; then the end of a call sends its agent home and takes nobody from the queue.
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
    """First those with an idle agent, by number busy; then those with none, by number busy and number waiting."""

    agents: int
    most: int  # busy, `agents` or more
    places: int  # for waiting callers: enough that the last is as good as never taken

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

    # --- how they change, as matrices with a row for each state that is left ------------------------------------------

    @cached_property
    def arrivals(self) -> sparse.spmatrix:
        """One call per second. With all places taken a caller is not counted: that is as good as never so."""
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
        """A waiting caller's view of the states with no idle agent, `waiting` being those ahead of him: he may give up,
        and is answered at `answers(service)`; both lead out of these states."""
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

    # --- when the shift changes ---------------------------------------------------------------------------------------

    def carried(self, chances: Array, new: States) -> Array:
        """Probabilities of these states, as those of the next slot's: free agents take waiting callers at once.

        `chances` has a row for each of several days.
        """
        taken = np.minimum(self.waiting, np.maximum(new.agents - self.busy, 0))
        to = new.index(np.minimum(self.busy + taken, new.most), self.waiting - taken)
        return np.array([np.bincount(to, weights=chance, minlength=new.size) for chance in chances], dtype=np.float64)

    def looked_ahead(self, values: Array, new: States, answered: float) -> Array:
        """What the next slot's states of `ahead` promise a waiting caller, seen from these; `answered`: when he is
        taken at the change itself."""
        busy, ahead = self.busy[self.agents :], self.waiting[self.agents :]
        free = np.maximum(new.agents - busy, 0)
        to = new.index(np.minimum(busy + free, new.most), np.maximum(ahead - free, 0)) - new.agents
        return np.where(ahead < free, answered, values[to])

    def in_system(self, chances: Array) -> Array:
        """P(so many callers in conversation or waiting)."""
        return np.bincount(self.busy + self.waiting, weights=chances).astype(np.float64)


def _rates(size: int, changes: Sequence[tuple[Index, Index, NDArray[np.floating[Any]]]]) -> sparse.spmatrix:
    """A matrix of rates from changes (from, to, per second); a change from a state to itself is none."""
    matrix = sparse.csr_matrix((size, size))
    for origin, to, rate in changes:
        real = (rate > 0) & (origin != to)
        matrix = matrix + sparse.csr_matrix((rate[real], (origin[real], to[real])), shape=(size, size))
    return matrix - sparse.diags(np.asarray(matrix.sum(axis=1)).ravel())
