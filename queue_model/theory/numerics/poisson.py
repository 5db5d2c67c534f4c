"""The Poisson law in logarithms: exact to the last digits far out in its tails and for means of millions.

The probability of m is calculated from Stirling's error and the deviance, not as a difference of large logarithms
(C. Loader, Fast and Accurate Computation of Binomial Probabilities, 2000); a tail is a sum of positive terms.
"""

from __future__ import annotations

import math

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def log_probability(m: int, mean: float) -> float:
    """Natural logarithm of P(N = m), `m` >= 0; -inf when `mean` is 0 and m is not."""
    if mean == 0:
        return 0.0 if m == 0 else -math.inf
    if m == 0:
        return -mean
    return -_stirling_error(m) - _deviance(m, mean) - HALF_LOG_TWO_PI - 0.5 * math.log(m)


def log_at_most(m: int, mean: float) -> float:
    """Natural logarithm of P(N <= m); -inf for m < 0."""
    if m < 0:
        return -math.inf
    if mean <= m:
        return math.log1p(-at_least(m + 1, mean))
    return log_probability(m, mean) + math.log(_downward(m, mean))


def at_least(m: int, mean: float) -> float:
    """P(N >= m)."""
    if m <= 0:
        return 1.0
    if mean > m:
        return -math.expm1(log_at_most(m - 1, mean))
    return math.exp(log_probability(m, mean)) * _upward(m, mean)[0]


def tail_and_excess(m: int, mean: float) -> tuple[float, float]:
    """P(N >= m) and E[(N - m)+], for a `mean` of at most `m`."""
    scale = math.exp(log_probability(m, mean))
    tail, excess = _upward(m, mean)
    return scale * tail, scale * excess


def _upward(m: int, mean: float) -> tuple[float, float]:
    """Sums over i >= 0 of P(N = m + i) and of i P(N = m + i), in units of P(N = m); mean <= m."""
    term, total, excess, i = 1.0, 1.0, 0.0, 0
    while term > 1e-18 * total:
        i += 1
        term *= mean / (m + i)
        total += term
        excess += i * term
    return total, excess


def _downward(m: int, mean: float) -> float:
    """Sum over i >= 0 of P(N = m - i), in units of P(N = m); mean > m."""
    term, total = 1.0, 1.0
    for i in range(m, 0, -1):
        term *= i / mean
        total += term
        if term <= 1e-18 * total:
            break
    return total


def _stirling_error(m: int) -> float:
    """log m! less Stirling's formula."""
    if m <= 15:
        return math.lgamma(m + 1) - (m + 0.5) * math.log(m) + m - HALF_LOG_TWO_PI
    s = 1 / (m * m)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / m


def _deviance(m: int, mean: float) -> float:
    """m log(m / mean) + mean - m, without cancelling near m = mean."""
    if mean < 1e-300:
        return m * (math.log(m) - math.log(mean)) + mean - m
    u = (m - mean) / mean
    if abs(u) < 0.01:  # (1 + u) log(1 + u) - u = u^2/2 - u^3/6 + u^4/12 - ...
        return mean * math.fsum((-1) ** k * u**k / (k * (k - 1)) for k in range(2, 12))
    return m * (math.log1p(u) if abs(u) < 0.5 else math.log(m / mean)) + (mean - m)
