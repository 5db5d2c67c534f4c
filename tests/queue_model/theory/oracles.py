"""Formulas that the program does not need, to check it against."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from queue_model.errors import ModelError, not_negative, positive
from queue_model.theory.erlang import ErlangC
from queue_model.theory.numerics.quadrature import integral


@dataclass(frozen=True)
class FromSurvival:
    """Any law of patience, from its survival function alone; its integral is taken numerically."""

    function: Callable[[float], float]  # P(R > t), t in seconds
    edges: tuple[float, ...] = ()
    forever: float = 0.0
    _known: list[tuple[float, float]] = field(init=False, repr=False, compare=False, default_factory=list)

    def survival(self, t: float) -> float:
        value = self.function(t)
        if not 0 <= value <= 1:
            raise ModelError(f"patience: the survival at {t:g} s is {value!r}, not from 0 to 1")
        return value

    def gone(self, t: float) -> float:
        return 1.0 - self.survival(t)

    def patient(self, t: float) -> float:
        # The integral is continued from the nearest earlier point.
        i = bisect_right(self._known, (not_negative("t", t), math.inf))
        start, area = self._known[i - 1] if i else (0.0, 0.0)
        if start < t:
            kinks = [edge for edge in self.edges if start < edge < t]
            area += integral(self.survival, [start, *kinks, t])
            self._known.insert(i, (t, area))
        return area


def sinusoidal_load(mean: float, amplitude: float, frequency: float, aht: float, t: float) -> float:
    """Erlangs at time t when calls have always come at mean + amplitude sin(frequency t) per second
    (Eick, Massey and Whitt 1993, Management Science 39)."""
    lag = frequency * positive("aht", aht)
    swing = math.sin(frequency * t) - lag * math.cos(frequency * t)
    return aht * (mean + amplitude * swing / (1 + lag * lag))


def empty_share(queue: ErlangC) -> float:
    """Share of the time in which nobody calls or waits."""
    if queue.wait_probability == 0:
        return math.exp(-queue.load)
    # p(c) = P(wait) (1 - rho), and p(0) = p(c) c! / a^c.
    log = math.log(queue.wait_probability) + math.log((queue.agents - queue.load) / queue.agents)
    return math.exp(log + math.lgamma(queue.agents + 1) - queue.agents * math.log(queue.load))
