"""Estimates from several replications: a value and its 95 % interval.

Every measure except percentiles is a ratio of two sums. Its value is the ratio of the sums of all replications, which
estimates the ratio of the expectations. Its interval is that of a ratio (linearised, Student's t over replications).
For a percentile, value and interval are those of the mean over replications.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with the half-width of its interval. No value: nothing to measure. No half-width: one replication."""

    value: float | None
    half: float | None

    @property
    def low(self) -> float | None:
        return None if self.value is None or self.half is None else self.value - self.half

    @property
    def high(self) -> float | None:
        return None if self.value is None or self.half is None else self.value + self.half


@dataclass(frozen=True)
class Estimate(Interval):
    """A measure, with its numerator and denominator summed over all replications."""

    name: str
    numerator: float
    denominator: float


class Figure(NamedTuple):
    """A measure of the whole period or of a group. `no_steady_state`: its value means nothing."""

    part: str
    group: str
    estimate: Estimate
    no_steady_state: bool


def ratio(name: str, tops: Sequence[float] | Floats, bottoms: Sequence[float] | Floats) -> Estimate:
    """The ratio of the sums over all replications; one numerator and one denominator for each."""
    top, bottom = np.asarray(tops, dtype=np.float64), np.asarray(bottoms, dtype=np.float64)
    above, below, count = float(top.sum()), float(bottom.sum()), len(top)
    if not below:
        return Estimate(None, None, name, above, below)
    value = above / below
    if count < 2:
        return Estimate(value, None, name, above, below)
    residuals = top - value * bottom
    error = math.sqrt(float(residuals @ residuals) / (count - 1) / count) / (below / count)
    return Estimate(value, student(count - 1) * error, name, above, below)


def student(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2))
