"""The load of a changing stream of calls with unlimited agents: M(t)/M/infinity.

Use it in staffing rules instead of rate x handling time: it lags behind the calls and is flatter
(Eick, Massey and Whitt 1993). The number of busy agents is exactly Poisson with this mean; so is the number of
callers in the system when patience has the same mean as handling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from queue_model.errors import ModelError, not_negative, positive
from queue_model.theory.numerics.poisson import at_least


@dataclass(frozen=True)
class OfferedLoad:
    """Calls in progress, on average, after an empty start; the rate is constant in each slot and 0 afterwards."""

    rates: tuple[float, ...]  # calls per second in each slot
    slot: float  # s
    aht: float  # s

    def at(self, t: float) -> float:
        """Erlangs at time t, s."""
        not_negative("t", t)
        load, start = 0.0, 0.0
        for rate in self.rates:
            if start >= t:
                return load
            load = self._after(load, rate, min(self.slot, t - start))
            start += self.slot
        return self._after(load, 0.0, max(0.0, t - start))

    def _after(self, load: float, rate: float, seconds: float) -> float:
        faded = math.exp(-seconds / self.aht)
        return load * faded - rate * self.aht * math.expm1(-seconds / self.aht)


def offered_load(calls: Sequence[float], slot: float, aht: float) -> OfferedLoad:
    """`calls`: expected in each slot of `slot` seconds; `aht`: mean of the exponential handling time, s."""
    if not calls:
        raise ModelError("calls: give the expected number for each slot")
    positive("slot", slot)
    return OfferedLoad(tuple(not_negative("calls", each) / slot for each in calls), slot, positive("aht", aht))


def delay_probability(load: float, agents: int) -> float:
    """The share that waits when patience has the same mean as handling: P(Poisson(load) >= agents)."""
    return at_least(agents, not_negative("load", load))
