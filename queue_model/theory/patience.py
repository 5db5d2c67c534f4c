"""How long callers are willing to wait. A law is any object with the properties and methods of `Patience`.

The formulas for callers who give up need only the survival function of the law and its integral (Baccelli and Hebuterne
1981). Both are written so that no digits are lost at small times.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

from queue_model.errors import ModelError, not_negative, number, positive


class Patience(Protocol):
    """A law of patience R, in seconds."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Where the survival function has steps or kinks, s."""

    @property
    def forever(self) -> float:
        """The share of callers who never give up."""

    def survival(self, t: float) -> float:
        """P(R > t), t >= 0: at 0, the share that will wait at all."""

    def gone(self, t: float) -> float:
        """P(R <= t)."""

    def patient(self, t: float) -> float:
        """E[min(R, t)], s: the integral of the survival function from 0 to t."""


@dataclass(frozen=True)
class Forever:
    """Nobody gives up."""

    edges = ()
    forever = 1.0

    def survival(self, t: float) -> float:
        return 1.0

    def gone(self, t: float) -> float:
        return 0.0

    def patient(self, t: float) -> float:
        return t


@dataclass(frozen=True)
class _Smooth:
    """The common part of the laws without steps that are given by their mean: all parameters must be above 0."""

    mean: float  # s

    edges = ()
    forever = 0.0

    def __post_init__(self) -> None:
        positive("patience", self.mean)
        for parameter in fields(self)[1:]:
            positive(parameter.name, getattr(self, parameter.name))


@dataclass(frozen=True)
class Exponential(_Smooth):
    """The memoryless law: after a minute of waiting, callers are as patient as at the start."""

    def survival(self, t: float) -> float:
        return math.exp(-t / self.mean)

    def gone(self, t: float) -> float:
        return -math.expm1(-t / self.mean)

    def patient(self, t: float) -> float:
        return -self.mean * math.expm1(-t / self.mean)


@dataclass(frozen=True)
class Lognormal(_Smooth):
    """log R is normal with standard deviation `sigma`; `mean` is the mean of R itself."""

    sigma: float

    def _z(self, t: float) -> float:
        return (math.log(t / self.mean) + 0.5 * self.sigma**2) / self.sigma

    def survival(self, t: float) -> float:
        return _normal_below(-self._z(t)) if t > 0 else 1.0

    def gone(self, t: float) -> float:
        return _normal_below(self._z(t)) if t > 0 else 0.0

    def patient(self, t: float) -> float:
        if t <= 0:
            return 0.0
        return t * self.survival(t) + self.mean * _normal_below(self._z(t) - self.sigma)


@dataclass(frozen=True)
class Weibull(_Smooth):
    """Shape below 1: the longer callers have waited, the longer they go on waiting; above 1: the opposite."""

    shape: float

    @property
    def scale(self) -> float:
        """Seconds after which 1/e of the callers still wait."""
        return self.mean / math.gamma(1 + 1 / self.shape)

    def survival(self, t: float) -> float:
        return math.exp(-((t / self.scale) ** self.shape))

    def gone(self, t: float) -> float:
        return -math.expm1(-((t / self.scale) ** self.shape))

    def patient(self, t: float) -> float:
        return self.mean * _gamma_below(1 / self.shape, (t / self.scale) ** self.shape)


@dataclass(frozen=True)
class Gamma(_Smooth):
    """Shape 1 is the exponential law; higher shapes vary less. A whole shape is Erlang's law."""

    shape: float

    def survival(self, t: float) -> float:
        return 1.0 - self.gone(t)

    def gone(self, t: float) -> float:
        return _gamma_below(self.shape, self.shape * t / self.mean)

    def patient(self, t: float) -> float:
        return t * self.survival(t) + self.mean * _gamma_below(self.shape + 1, self.shape * t / self.mean)


@dataclass(frozen=True)
class Deterministic:
    """Everybody gives up after the same time."""

    seconds: float
    forever = 0.0

    def __post_init__(self) -> None:
        positive("patience", self.seconds)

    @property
    def edges(self) -> tuple[float, ...]:
        return (self.seconds,)

    def survival(self, t: float) -> float:
        return 1.0 if t < self.seconds else 0.0

    def gone(self, t: float) -> float:
        return 0.0 if t < self.seconds else 1.0

    def patient(self, t: float) -> float:
        return min(t, self.seconds)


@dataclass(frozen=True)
class Uniform:
    """Every time between the two limits is equally likely."""

    least: float  # s
    most: float  # s

    forever = 0.0

    def __post_init__(self) -> None:
        if not not_negative("patience", self.least) < number("patience", self.most):
            raise ModelError(
                f"patience: {self.least:g} s to {self.most:g} s is not a range; the second time must be the longer one"
            )

    @property
    def edges(self) -> tuple[float, ...]:
        return (self.least, self.most) if self.least else (self.most,)

    @property
    def mean(self) -> float:
        """s."""
        return 0.5 * (self.least + self.most)

    def survival(self, t: float) -> float:
        return 1.0 - self.gone(t)

    def gone(self, t: float) -> float:
        return min(1.0, max(0.0, (t - self.least) / (self.most - self.least)))

    def patient(self, t: float) -> float:
        late = min(max(t, self.least), self.most) - self.least
        return min(t, self.least) + late * (1 - 0.5 * late / (self.most - self.least))


@dataclass(frozen=True)
class Balking:
    """A share of the callers hang up as soon as there is any wait; the others follow the law `others`."""

    share: float
    others: Patience

    def __post_init__(self) -> None:
        if not 0 <= number("share", self.share) < 1:
            raise ModelError(f"share: {self.share!r} of callers who hang up at once must be at least 0 and below 1")

    @property
    def edges(self) -> tuple[float, ...]:
        return self.others.edges

    @property
    def forever(self) -> float:
        return (1 - self.share) * self.others.forever

    def survival(self, t: float) -> float:
        return (1 - self.share) * self.others.survival(t)

    def gone(self, t: float) -> float:
        return self.share + (1 - self.share) * self.others.gone(t)

    def patient(self, t: float) -> float:
        return (1 - self.share) * self.others.patient(t)


@dataclass(frozen=True)
class Empirical:
    """Steps, as in a Kaplan-Meier estimate: from `times[i]` on, the share `shares[i]` is still willing to wait."""

    times: Sequence[float]  # s, rising, above 0
    shares: Sequence[float]  # falling, from at most 1 down to 0 or more
    _areas: list[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        times, shares = [0.0, *self.times], [1.0, *self.shares]
        if len(times) != len(shares) or len(times) < 2:
            raise ModelError(
                f"patience: {len(self.times)} times and {len(self.shares)} shares; give the same number of each"
            )
        for i in range(1, len(times)):
            if not number("times", times[i]) > times[i - 1]:
                raise ModelError(f"times: {times[i]:g} s does not come after {times[i - 1]:g} s")
            if not 0 <= number("shares", shares[i]) <= shares[i - 1]:
                raise ModelError(f"shares: {shares[i]:g} at {times[i]:g} s is above {shares[i - 1]:g}, or below 0")
        areas = [0.0]
        for i in range(1, len(times)):
            areas.append(areas[-1] + shares[i - 1] * (times[i] - times[i - 1]))
        object.__setattr__(self, "_areas", areas)

    @property
    def edges(self) -> tuple[float, ...]:
        return tuple(self.times)

    @property
    def forever(self) -> float:
        return self.shares[-1]

    def survival(self, t: float) -> float:
        i = bisect_right(self.times, t)
        return self.shares[i - 1] if i else 1.0

    def gone(self, t: float) -> float:
        return 1.0 - self.survival(t)

    def patient(self, t: float) -> float:
        i = bisect_right(self.times, t)
        return self._areas[i] + self.survival(t) * (t - (self.times[i - 1] if i else 0.0))


def observed(times: Sequence[float]) -> Patience:
    """The law of observed times, s, all equally likely; 0 means that the caller hangs up at any wait."""
    if not times:
        raise ModelError("patience: no times; give one or more")
    waits = [not_negative("patience", time) for time in times]
    later = sorted(time for time in waits if time > 0)
    if not later:
        raise ModelError(
            "patience: all times are 0, so nobody waits; give a time above 0, or a limit of as many lines as agents"
        )
    steps = sorted(set(later))
    law = Empirical(steps, [1 - bisect_right(later, step) / len(later) for step in steps])
    return law if len(later) == len(waits) else Balking(1 - len(later) / len(waits), law)


def _normal_below(z: float) -> float:
    """P(Z <= z) of the standard normal law."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _gamma_below(shape: float, x: float) -> float:
    """P(X <= x) of the gamma law of this shape and scale 1."""
    from scipy.special import gammainc  # slow to load, and few questions need it (docs/decisions/0012)

    return float(gammainc(shape, x)) if x > 0 else 0.0
