"""A queue in steady state, as callers find it (arrivals see time averages: Wolff 1982, PASTA).

Every model of this package with a steady state has the same measures, so that models can be compared.
Shares are of all calls offered; waits are those of callers who were let in, answered or not, unless the name says
otherwise. The service level is the strict one: answered within the time / offered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from queue_model.errors import ModelError, not_negative, share
from queue_model.theory.numerics.roots import crossing, fewest


@dataclass(frozen=True)
class Steady(ABC):
    """Long-run measures of a load with a number of agents."""

    rate: float  # calls offered, per second
    aht: float  # mean handling time, s: talk and wrap-up
    agents: int
    no_wait: float  # share answered at once
    wait_probability: float  # share let in that finds no free agent
    blocked: float  # share that hears the engaged tone
    abandoned: float  # share that gives up
    answered: float  # share that speaks with an agent
    mean_wait: float  # s, of all let in
    asa: float  # s, of the answered: the average speed of answer

    @property
    def load(self) -> float:
        """Erlangs offered."""
        return self.rate * self.aht

    @property
    def occupancy(self) -> float:
        """Share of the agents' time spent on calls."""
        return self.load * self.answered / self.agents

    @property
    def mean_queue(self) -> float:
        """Callers waiting, on average (Little 1961)."""
        return self.rate * (1 - self.blocked) * self.mean_wait

    def service_level(self, within: float) -> float:
        """Share of the calls offered that is answered within so many seconds."""
        return min(1.0, self.no_wait + self._answered_after_waiting(not_negative("within", within)))

    def waiting_longer(self, seconds: float) -> float:
        """Share of the callers let in that waits longer, whether answered or not."""
        return self._still_waiting(not_negative("seconds", seconds)) / (1 - self.blocked)

    def wait_percentile(self, of: float) -> float:
        """Seconds within which the wait of this share of the callers let in ends. 0.9: the 90th percentile."""
        share("of", of)
        return _percentile(lambda t: self.waiting_longer(t) - (1 - of), self.aht)

    def answer_percentile(self, of: float) -> float:
        """Seconds within which this share of the answered is answered."""
        goal = share("of", of) * self.answered
        return _percentile(lambda t: goal - self.service_level(t), self.aht)

    @abstractmethod
    def _answered_after_waiting(self, within: float) -> float:
        """Share of the offered that waits at most so long and is answered."""

    @abstractmethod
    def _still_waiting(self, seconds: float) -> float:
        """Share of the offered that waits longer than so many seconds."""


def _percentile(too_many: Callable[[float], float], scale: float) -> float:
    high = scale
    while too_many(high) > 0:
        high *= 2
    return crossing(too_many, 0.0, high)


def fewest_agents(
    model: Callable[[int], Steady], target: float, within: float, least: int = 1, most: int | None = None
) -> int:
    """The fewest agents with which `model(agents)` answers the share `target` of the calls within so many seconds.

    `least` is the smallest number that the model accepts, `most` the largest. Raises ModelError if that is too few.
    """
    share("target", target)
    limits = (least,) if most is None else (least, most)
    agents = fewest(lambda agents: model(agents).service_level(within) >= target, *limits)
    if agents is None:
        raise ModelError(
            f"target: {target:g} of the calls within {within:g} s cannot be reached: with {most} agents it is "
            f"{model(limits[-1]).service_level(within):.4g}, and no more than {most} calls are let in"
        )
    return agents
