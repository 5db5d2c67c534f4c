"""How much days differ beyond chance: the gamma shape of a scenario's `busyness`, from counts and expected counts.

With a gamma factor of mean 1 and shape k, a count with mean m has the variance m + m * m / k. The estimate is the shape
for which Pearson's statistic equals its degrees of freedom; the interval uses chi-square quantiles instead.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from queue_model.errors import ModelError
from queue_model.fitting.maximum_likelihood import FittedValue


def gamma_shape(counts: ArrayLike, expected: ArrayLike, parameters: int = 0) -> FittedValue:
    """The shape; infinite if days differ only by chance. `parameters`: the number fitted to get `expected`.

    Raises ModelError if there are too few counts for the parameters.
    """
    seen, mean = np.asarray(counts, float), np.asarray(expected, float)
    seen, mean = seen[mean > 0], mean[mean > 0]
    freedom = len(seen) - parameters
    if freedom < 2:
        raise ModelError(f"{len(seen)} days are too few to estimate how much days differ; give a longer record")

    def excess(log_shape: float, goal: float) -> float:
        return float(np.sum((seen - mean) ** 2 / (mean + mean**2 / math.exp(log_shape)))) - goal

    def solved(goal: float) -> float:
        if excess(25.0, goal) <= 0:
            return math.inf
        return math.exp(optimize.brentq(excess, -12.0, 25.0, args=(goal,))) if excess(-12.0, goal) < 0 else 1e-5

    return FittedValue(solved(freedom), *(solved(float(stats.chi2.ppf(p, freedom))) for p in (0.025, 0.975)))
