"""Fits laws by maximum likelihood, with intervals, to durations in whole seconds.

The log gives the difference of two instants, each truncated to its second. Over all phases of the clock, a duration x
is logged as d with probability 1 - |x - d| (a triangle two seconds wide). So the probability of d is the second
difference of the integral of the distribution function, which has a closed form for each of these laws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from queue_model.errors import ModelError

Floats = NDArray[np.float64]
LawName = Literal["exponential", "lognormal", "gamma", "weibull"]
NORMAL = 1.959963984540054  # standard deviations of a two-sided 95 % interval
EXACT = 30  # s; above it the density is accurate enough, and rounding would spoil the second difference
TINY = 1e-300
SHAPE_NAME: dict[str, str] = {"lognormal": "sigma", "gamma": "shape", "weibull": "shape"}


class FittedValue(NamedTuple):
    """A fitted value with its 95 % interval."""

    value: float
    low: float
    high: float


class Fit(NamedTuple):
    """A law with its parameters; a lower `aic` is better on the same data."""

    law: LawName
    mean: FittedValue  # s
    shape: FittedValue | None  # sigma of the log-normal law; None for the exponential
    aic: float

    def scenario(self) -> dict[str, Any]:
        """The law as in a scenario file."""
        plain: dict[str, Any] = {"law": self.law, "mean": rounded(self.mean.value)}
        if self.shape is not None:
            plain[SHAPE_NAME[self.law]] = rounded(self.shape.value)
        return plain


def rounded(value: float, digits: int = 4) -> float:
    """The value with this many significant digits."""
    return float(f"{value:.{digits}g}")


def maximise_likelihood(loss: Callable[[Floats], float], start: Sequence[float]) -> tuple[Floats, Floats, float]:
    """Minimise a negative log-likelihood. Returns the point, its standard deviations (observed information), the value.

    Raises ModelError if the data do not determine the parameters.
    """
    found = optimize.minimize(
        loss, np.asarray(start, float), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 4000}
    )
    step, size = 1e-3, len(start)
    curve = np.empty((size, size))
    unit = np.eye(size) * step
    for i in range(size):
        for j in range(size):
            a, b, x = unit[i], unit[j], found.x
            curve[i, j] = (loss(x + a + b) - loss(x + a - b) - loss(x - a + b) + loss(x - a - b)) / (4 * step * step)
    try:
        variances = np.diag(np.linalg.inv(curve))
    except np.linalg.LinAlgError:
        variances = np.full(size, -1.0)
    if not found.success or not np.all(np.isfinite(variances)) or np.any(variances <= 0):
        raise ModelError("too few or too uniform data for a fit; give a longer log")
    return np.asarray(found.x), np.asarray(np.sqrt(variances)), float(found.fun)


def fit_law(law: LawName, seen: ArrayLike, censored: ArrayLike = ()) -> Fit:
    """Fit a law to whole seconds. `censored`: lower limits of durations that did not end. Raises ModelError."""
    values, counts = np.unique(np.asarray(seen, dtype=float), return_counts=True)
    beyond, many = np.unique(np.asarray(censored, dtype=float), return_counts=True)
    if counts.sum() < 2:
        raise ModelError(f"{int(counts.sum())} durations are too few for a fit; give a longer log")
    mean = max(0.5, (values @ counts + beyond @ many) / counts.sum())
    start = [math.log(mean)] if law == "exponential" else [math.log(mean), 0.0]

    def loss(x: Floats) -> float:
        if not (-12 < x[0] < 25 and (len(x) < 2 or -3 < x[1] < 6)):
            return 1e300
        shape = math.exp(x[1]) if len(x) > 1 else 1.0
        scale = math.exp(x[0])
        whole = counts @ log_chance(law, values, scale, shape)
        if len(beyond):
            whole += many @ np.log(np.maximum(survival(law, beyond, scale, shape), TINY))
        return -float(whole)

    best, deviation, least = maximise_likelihood(loss, start)
    estimates = [_estimate(x, sd) for x, sd in zip(best, deviation, strict=True)]
    return Fit(law, estimates[0], estimates[1] if len(estimates) > 1 else None, 2 * least + 2 * len(best))


def best_fit(laws: Sequence[LawName], seen: ArrayLike, censored: ArrayLike = ()) -> Fit:
    """The best law by Akaike's criterion; the first one unless another is better by more than 6."""
    fits = [fit_law(law, seen, censored) for law in laws]
    chosen = min(fits, key=lambda each: each.aic)
    return chosen if chosen.aic < fits[0].aic - 6 else fits[0]


def _estimate(log_value: float, deviation: float) -> FittedValue:
    half = NORMAL * deviation
    return FittedValue(math.exp(log_value), math.exp(log_value - half), math.exp(log_value + half))


def fit_share(part: int, whole: int) -> FittedValue:
    """A share with its exact interval (Clopper and Pearson 1934). Raises ModelError if `whole` is 0."""
    if not whole:
        raise ModelError("no observations for a share")
    low = float(stats.beta.ppf(0.025, part, whole - part + 1)) if part else 0.0
    high = float(stats.beta.ppf(0.975, part + 1, whole - part)) if part < whole else 1.0
    return FittedValue(part / whole, low, high)


# --- the laws, by mean and shape -------------------------------------------------------------------------------------


def survival(law: LawName, x: Floats, mean: float, shape: float) -> Floats:
    """The share of durations longer than x."""
    if law == "lognormal":
        return np.asarray(special.ndtr(-_standard(x, mean, shape)))
    if law == "gamma":
        return np.asarray(special.gammaincc(shape, x * shape / mean))
    return np.asarray(np.exp(-((x / _scale(law, mean, shape)) ** _power(law, shape))))


def log_chance(law: LawName, seconds: Floats, mean: float, shape: float) -> Floats:
    """The logarithm of the probability that a duration is logged as this many whole seconds."""
    around = _log_density(law, np.maximum(seconds, 0.5), mean, shape)
    near = seconds < EXACT
    d = seconds[near]
    chance = _integral(law, d + 1, mean, shape) - 2 * _integral(law, d, mean, shape)
    chance += np.where(d >= 1, _integral(law, np.maximum(d - 1, 0), mean, shape), 0.0)
    around[near] = np.log(np.maximum(np.maximum(chance, 1e-3 * np.exp(around[near])), TINY))
    return around


def _standard(x: Floats, mean: float, sigma: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray((np.log(x) - math.log(mean)) / sigma + sigma / 2)


def _power(law: LawName, shape: float) -> float:
    return 1.0 if law == "exponential" else shape


def _scale(law: LawName, mean: float, shape: float) -> float:
    return mean / math.gamma(1 + 1 / _power(law, shape))


def _log_density(law: LawName, x: Floats, mean: float, shape: float) -> Floats:
    if law == "lognormal":
        z = _standard(x, mean, shape)
        return np.asarray(-0.5 * z * z - np.log(x * shape) - 0.5 * math.log(2 * math.pi))
    if law == "gamma":
        rate = shape / mean
        return np.asarray(shape * math.log(rate) + (shape - 1) * np.log(x) - rate * x - math.lgamma(shape))
    k, scale = _power(law, shape), _scale(law, mean, shape)
    return np.asarray(math.log(k / scale) + (k - 1) * np.log(x / scale) - (x / scale) ** k)


def _integral(law: LawName, x: Floats, mean: float, shape: float) -> Floats:
    """The integral of the distribution function from 0 to x."""
    if law == "lognormal":
        z = _standard(x, mean, shape)
        return np.asarray(x * special.ndtr(z) - mean * special.ndtr(z - shape))
    if law == "gamma":
        y = x * shape / mean
        return np.asarray(x * special.gammainc(shape, y) - mean * special.gammainc(shape + 1, y))
    k = _power(law, shape)
    return np.asarray(x - mean * special.gammainc(1 / k, (x / _scale(law, mean, shape)) ** k))
