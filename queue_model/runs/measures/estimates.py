"""What the replications say together: a value and its 95 % interval.

Every measure but a percentile is a ratio of two sums, and its value is the ratio of the sums of all replications, which
is the ratio of the expectations. Its interval is that of a ratio (linearised, Student's t over replications); that of a
percentile is the interval of the mean over replications.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A value with the half-width of its interval; None where there was nothing to measure, or but one replication."""

    name: str
    value: float | None
    half: float | None
    numerator: float
    denominator: float

    @property
    def low(self) -> float | None:
        return None if self.value is None or self.half is None else self.value - self.half

    @property
    def high(self) -> float | None:
        return None if self.value is None or self.half is None else self.value + self.half


class Figure(NamedTuple):
    """A measure of the whole or of a group; `lost`: without a steady state."""

    part: str
    group: str
    estimate: Estimate
    lost: bool


def ratio(name: str, tops: Sequence[float] | Floats, bottoms: Sequence[float] | Floats) -> Estimate:
    """The ratio of the sums of all replications, one numerator and one denominator each."""
    top, bottom = np.asarray(tops, dtype=np.float64), np.asarray(bottoms, dtype=np.float64)
    above, below, count = float(top.sum()), float(bottom.sum()), len(top)
    if not below:
        return Estimate(name, None, None, above, below)
    value = above / below
    if count < 2:
        return Estimate(name, value, None, above, below)
    left = top - value * bottom
    spread = math.sqrt(float(left @ left) / (count - 1) / count) / (below / count)
    return Estimate(name, value, student(count - 1) * spread, above, below)


def student(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2))
