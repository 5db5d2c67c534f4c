"""The offered wait, which a caller with endless patience would have: its density on t > 0.

For M/M/c with patience R and Poisson calls the density at t is proportional to

    exp(rate * E[min(R, t)] - agents * t / aht),

(Baccelli and Hebuterne 1981; Zeltyn and Mandelbaum 2005), times P(Poisson(rate * E[min(R, t)]) < places) if only so
many may wait and patience is exponential or endless (docs/mechanisms.md derives that factor). Its logarithm is concave,
so there is one peak, by which everything is scaled and beyond which the density decays at least geometrically.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

from queue_model.theory.numerics.poisson import log_at_most
from queue_model.theory.numerics.quadrature import integral
from queue_model.theory.patience import Patience

NEGLIGIBLE = 60.0  # e^-60 of the peak is far below the last digit of any integral
GOLDEN = 0.5 * (math.sqrt(5) - 1)


class OfferedWait:
    """Integrals over the offered wait, given that it is not 0. `places`: how many may wait; None: no limit."""

    def __init__(self, rate: float, aht: float, agents: int, patience: Patience, places: int | None = None) -> None:
        self._rate, self._service, self._places = rate, agents / aht, places
        self._patience = patience
        self._step = aht / agents

    def _log_density(self, t: float) -> float:
        """Up to a constant; 0 at t = 0."""
        patient = self._patience.patient(t)
        # rate * patient - service * t, so that the large parts cancel first
        value = (self._rate - self._service) * t - self._rate * (t - patient)
        return value if self._places is None else value + log_at_most(self._places - 1, self._rate * patient)

    @cached_property
    def _support(self) -> tuple[float, float, float, float]:
        """First and last relevant time, the peak, and the logarithm of the density there."""
        density = self._log_density
        high, top = self._step, 0.0
        while (value := density(high)) > top - NEGLIGIBLE:
            high, top = 2 * high, max(top, value)
        low, right = 0.0, high
        for _ in range(80):  # golden section; a few digits are enough
            a, b = right - GOLDEN * (right - low), low + GOLDEN * (right - low)
            low, right = (a, right) if density(a) < density(b) else (low, b)
            if right - low < 1e-6 * right:
                break
        peak = 0.5 * (low + right) if low > 0 else 0.0
        top = density(peak)
        last = self._falls_to(top - NEGLIGIBLE, peak, high)
        first = self._falls_to(top - NEGLIGIBLE, peak, 0.0) if density(0.0) < top - NEGLIGIBLE else 0.0
        return first, last, peak, top

    def _falls_to(self, level: float, inside: float, outside: float) -> float:
        """A time beyond which the logarithm of the density stays below the level."""
        for _ in range(40):
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if self._log_density(middle) > level else (inside, middle)
        return outside

    def _integral(self, weight: Callable[[float], float], low: float, high: float) -> float:
        first, last, peak, top = self._support
        low, high = max(low, first), min(high, last)
        if low >= high:
            return 0.0
        inside = sorted(t for t in (peak, *self._patience.edges) if low < t < high)
        return integral(lambda t: weight(t) * math.exp(self._log_density(t) - top), [low, *inside, high])

    @cached_property
    def _whole(self) -> float:
        return self._integral(lambda t: 1.0, 0.0, math.inf)

    @cached_property
    def log_mass(self) -> float:
        """Natural logarithm of the integral of the density as written above, s: Zeltyn and Mandelbaum's J."""
        return self._support[3] + math.log(self._whole)

    def mean(self, weight: Callable[[float], float], low: float = 0.0, high: float = math.inf) -> float:
        """E[weight(V); low < V < high], V being the offered wait given that it is not 0."""
        return self._integral(weight, low, high) / self._whole
