"""Callers who give up, and queues that are full: Erlang A (M/M/c+M; Palm 1946), M/M/c/K, M/M/c/K+M and M/M/c+GI.

`erlang_a` sums the birth-and-death chain from its most likely state outward: all terms are positive and at
most 1, so nothing overflows or cancels with 10,000 agents, very little patience or nearly endless patience.
`general_patience` integrates the offered wait (Zeltyn and Mandelbaum 2005). Both take the service level from the
offered wait.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from queue_model.errors import ModelError, NoSteadyState, positive, stable, whole
from queue_model.theory.erlang import log_inverse_blocking
from queue_model.theory.offered_wait import OfferedWait
from queue_model.theory.patience import Exponential, Forever, Patience
from queue_model.theory.steady import Steady

LAST_DIGIT = 1e-18
SMALLEST = 1e-290  # anything rarer counts as impossible


@dataclass(frozen=True)
class WithAbandonment(Steady):
    """A queue whose callers may give up or be refused, in steady state."""

    patience: Patience
    places: int | None  # most calls at once, in conversation or waiting (K); None: no limit
    offered: OfferedWait | None  # None when nobody ever waits

    @property
    def mean_offered_wait(self) -> float:
        """s: the mean wait that callers with endless patience would have, of all callers let in."""
        if self.offered is None:
            return 0.0
        return self.wait_probability / (1 - self.blocked) * self.offered.mean(lambda t: t)

    def _answered_after_waiting(self, within: float) -> float:
        if self.offered is None:
            return 0.0
        return self.wait_probability * self.offered.mean(self.patience.survival, 0.0, within)

    def _still_waiting(self, seconds: float) -> float:
        if self.offered is None:
            return 0.0
        patient = self.patience.survival(seconds)
        return self.wait_probability * patient * self.offered.mean(lambda t: 1.0, seconds) if patient else 0.0


def erlang_a(
    rate: float, aht: float, agents: int, patience: float | None, places: int | None = None
) -> WithAbandonment:
    """M/M/c+M, and M/M/c/K+M when there are `places`: calls at `rate` per second, exponential handling of mean `aht`
    s, exponential patience of mean `patience` s (None: nobody gives up), at most `places` calls at once.

    Raises NoSteadyState if nobody gives up, nobody is refused and the load is not below the number of agents.
    """
    load = positive("rate", rate) * positive("aht", aht)
    whole("agents", agents, 1)
    if places is not None and whole("places", places) < agents:
        raise ModelError(f"places: {places} calls at once cannot occupy {agents} agents; give at least {agents}")
    if patience is None and places is None:
        stable(load, agents)
    law: Patience = Forever() if patience is None else Exponential(patience)
    waiting = None if places is None else places - agents
    leaving = 0.0 if patience is None else aht / positive("patience", patience)
    chain = _Chain(load, agents, leaving, waiting)
    offered = OfferedWait(rate, aht, agents, law, waiting) if waiting != 0 else None
    mean_queue, let_in = chain.queue / chain.total, (chain.idle + chain.waits) / chain.total
    answered_late = chain.answered / chain.total
    no_wait = chain.idle / chain.total
    late = 0.0
    if offered is not None:
        late = chain.waits / chain.total * offered.mean(lambda t: t * law.survival(t))
    return WithAbandonment(
        rate=rate,
        aht=aht,
        agents=agents,
        no_wait=no_wait,
        wait_probability=chain.waits / chain.total,
        blocked=chain.full / chain.total,
        abandoned=leaving * mean_queue / load,
        answered=no_wait + answered_late,
        mean_wait=mean_queue / (rate * let_in),
        asa=late / (no_wait + answered_late),
        patience=law,
        places=places,
        offered=offered,
    )


class _Chain:
    """Sums over the states with all agents busy and j = 0, 1, ... waiting, in units of the most likely of them.

    From j - 1 to j the probability changes by load / (agents + j * leaving), where `leaving` is aht / patience.
    """

    def __init__(self, load: float, agents: int, leaving: float, waiting: int | None) -> None:
        self._load, self._agents, self._leaving, self._waiting = load, agents, leaving, waiting
        mode = self._mode()
        self.waits = self.queue = self.answered = self.full = 0.0
        self._add(mode, 1.0)
        self._up(mode)
        none_waiting = self._down(mode)
        # All states with an idle agent, relative to the one with all busy and none waiting: c/a / B(c - 1).
        log_idle = math.log(agents / load) + log_inverse_blocking(agents - 1, load)
        if log_idle > 690:  # all agents are hardly ever busy: scale the rest down instead
            self._scale(math.exp(-log_idle))
            self.idle = none_waiting
        else:
            self.idle = none_waiting * math.exp(log_idle)
        self.total = self.idle + self.waits + self.full

    def _mode(self) -> int:
        surplus = self._load - self._agents
        if surplus < 0 or self._waiting == 0:
            return 0
        if self._leaving == 0:
            assert self._waiting is not None  # else there is no steady state
            return self._waiting
        mode = int(surplus / self._leaving)
        return mode if self._waiting is None else min(mode, self._waiting)

    def _add(self, j: int, probability: float) -> None:
        if j == self._waiting:  # callers who find this state are refused
            self.full += probability
        else:
            self.waits += probability
            # The probability that a caller who finds j waiting is answered before giving up (a race of exponentials).
            self.answered += probability * self._agents / (self._agents + (j + 1) * self._leaving)
        self.queue += j * probability

    def _up(self, mode: int) -> None:
        term, j = 1.0, mode
        while j != self._waiting:
            j += 1
            ratio = self._load / (self._agents + j * self._leaving)
            term *= ratio
            self._add(j, term)
            if term < SMALLEST:
                break
            # The remaining terms are less than a geometric series of this ratio; the second factor is for the queue.
            # With a limit the sum goes on to the end, since the probability of a full queue is needed too.
            left = term * ratio * (j + 1 / (1 - ratio)) if ratio < 1 else math.inf
            if self._waiting is None and left <= LAST_DIGIT * (1 - ratio) * max(self.queue, term):
                break

    def _down(self, mode: int) -> float:
        """Add the states below the mode. Returns the probability that nobody waits."""
        term = 1.0
        for j in range(mode, 0, -1):
            term *= (self._agents + j * self._leaving) / self._load
            self._add(j - 1, term)
            if term < SMALLEST:
                return 0.0
        return term

    def _scale(self, factor: float) -> None:
        self.waits *= factor
        self.queue *= factor
        self.answered *= factor
        self.full *= factor


def general_patience(rate: float, aht: float, agents: int, patience: Patience) -> WithAbandonment:
    """M/M/c+GI: as `erlang_a` without a limit, for patience of any law.

    Raises NoSteadyState if the callers who never give up are already too many.
    """
    load = positive("rate", rate) * positive("aht", aht)
    stays = patience.forever * load
    if stays >= whole("agents", agents, 1):
        raise NoSteadyState(stays, agents, math.floor(stays) + 1)
    offered = OfferedWait(rate, aht, agents, patience)
    # P(V > 0) = rate J / (E + rate J), with E = 1 / B(agents - 1) (Zeltyn and Mandelbaum 2005).
    odds = math.log(rate) + offered.log_mass - log_inverse_blocking(agents - 1, load)
    waits = 1 / (1 + math.exp(-odds)) if odds > -700 else math.exp(odds)
    no_wait = 1 / (1 + math.exp(odds)) if odds < 700 else math.exp(-odds)
    answered = no_wait + waits * offered.mean(patience.survival)
    return WithAbandonment(
        rate=rate,
        aht=aht,
        agents=agents,
        no_wait=no_wait,
        wait_probability=waits,
        blocked=0.0,
        abandoned=waits * offered.mean(patience.gone),
        answered=answered,
        mean_wait=waits * offered.mean(patience.patient),
        asa=waits * offered.mean(lambda t: t * patience.survival(t)) / answered,
        patience=patience,
        places=None,
        offered=offered,
    )
