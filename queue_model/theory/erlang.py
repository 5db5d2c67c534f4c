"""Erlang B (callers who would wait are lost) and Erlang C (callers wait for ever), Erlang 1917.

All formulas use the blocking B(c, a) of c agents under a erlangs. Its inverse obeys 1/B(0) = 1,
1/B(n) = 1 + n/a / B(n - 1): sums of positive terms, so no digits are lost with any number of agents. The scale is kept
separately, so nothing overflows (Jagerman 1974).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from queue_model.errors import not_negative, positive, share, stable, whole
from queue_model.theory.numerics.roots import crossing, fewest
from queue_model.theory.steady import Steady, fewest_agents

LARGE = 1e250


def log_inverse_blocking(agents: int, load: float) -> float:
    """Natural logarithm of 1 / B, so that blocking below the smallest float keeps its digits. inf without load."""
    whole("agents", agents)
    if not_negative("load", load) == 0:
        return math.inf if agents else 0.0
    inverse, carried = 1.0, 0.0
    for n in range(1, agents + 1):
        inverse = 1.0 + inverse * (n / load)
        if inverse > LARGE:  # from here on, adding 1 changes nothing
            carried += math.log(inverse)
            rest, inverse = range(n + 1, agents + 1), 1.0
            for m in rest:
                inverse *= m / load
                if not 1 / LARGE < inverse < LARGE:
                    carried += math.log(inverse)
                    inverse = 1.0
            break
    return carried + math.log(inverse)


def erlang_b(agents: int, load: float) -> float:
    """The share of calls lost by `agents` without a queue, under `load` erlangs; for any law of their length
    (Sevastyanov 1957): M/G/c/c."""
    whole("agents", agents)
    if not_negative("load", load) == 0:
        return 0.0 if agents else 1.0
    inverse = 1.0
    for n in range(1, agents + 1):
        inverse = 1.0 + inverse * (n / load)
        if inverse > LARGE:
            return math.exp(-log_inverse_blocking(agents, load))
    return 1.0 / inverse


def servers_for_blocking(load: float, blocking: float) -> int:
    """The fewest agents, 1 or more, that lose no more than the share `blocking` of `load` erlangs."""
    if not_negative("load", load) == 0:
        return 1
    inverse, n = 1.0, 0
    limit = 1.0 / share("blocking", blocking)
    while inverse < limit:
        n += 1
        inverse = 1.0 + inverse * (n / load)
    return n


def load_for_blocking(agents: int, blocking: float) -> float:
    """The largest load, in erlangs, of which `agents` lose no more than the share `blocking`."""
    whole("agents", agents, 1)
    goal = -math.log(share("blocking", blocking))
    # B(c, a) >= 1 - c/a, so the answer is below c / (1 - blocking).
    high = math.log(agents / (1 - blocking)) + 1e-9
    low = high - 1
    while log_inverse_blocking(agents, math.exp(low)) < goal:
        low -= 2 * (high - low)
    return math.exp(crossing(lambda x: log_inverse_blocking(agents, math.exp(x)) - goal, low, high))


@dataclass(frozen=True)
class ErlangC(Steady):
    """M/M/c: the waits of those who wait are exponential with mean aht / (agents - load)."""

    @property
    def decay(self) -> float:
        """The rate at which waits end, per second."""
        return (self.agents - self.load) / self.aht

    def _answered_after_waiting(self, within: float) -> float:
        return self.wait_probability * -math.expm1(-self.decay * within)

    def _still_waiting(self, seconds: float) -> float:
        return self.wait_probability * math.exp(-self.decay * seconds)

    def wait_percentile(self, of: float) -> float:
        """Seconds within which this share of the callers is answered."""
        over = 1 - share("of", of)
        return max(0.0, math.log(self.wait_probability / over) / self.decay) if self.wait_probability > over else 0.0

    def answer_percentile(self, of: float) -> float:
        return self.wait_percentile(of)


def erlang_c(rate: float, aht: float, agents: int) -> ErlangC:
    """M/M/c: calls at `rate` per second, exponential handling of mean `aht` s, nobody gives up.

    Raises NoSteadyState if the load is not below the number of agents.
    """
    load = not_negative("rate", rate) * positive("aht", aht)
    stable(load, whole("agents", agents, 1))
    blocking = erlang_b(agents, load)
    idle = (agents - load) / agents  # 1 - rho
    waits = blocking / (idle + load / agents * blocking)
    # 1 - waits, without cancellation when nearly everybody waits
    no_wait = idle * (1 - blocking) / (idle + load / agents * blocking)
    wait = waits * aht / (agents - load)
    return ErlangC(rate, aht, agents, no_wait, waits, 0.0, 0.0, 1.0, wait, wait)


def agents_needed(rate: float, aht: float, target: float, within: float) -> int:
    """The fewest agents with which Erlang C answers the share `target` of the calls within so many seconds."""
    least = math.floor(not_negative("rate", rate) * positive("aht", aht)) + 1
    return fewest_agents(lambda agents: erlang_c(rate, aht, agents), target, within, least)


def agents_for_delay(load: float, delay: float) -> int:
    """The fewest agents with which, by Erlang C, no more than the share `delay` of the callers waits at all."""
    share("delay", delay)
    agents = fewest(lambda agents: erlang_c(load, 1.0, agents).wait_probability <= delay, math.floor(load) + 1)
    assert agents is not None  # with enough agents nobody waits
    return agents
