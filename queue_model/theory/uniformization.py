"""Uniformisation (Jensen 1953): solve a linear system of rates without subtractions.

If no rate between two states is negative and no state is left faster than `speed`, P = I + rates / speed has no
negative entries, and exp(rates t) = sum over k of P(Poisson(speed t) = k) P^k: a sum of positive terms.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]
SMALL = 200  # states; up to here a dense product is several times faster than a sparse one


class Uniformization:
    """A system x' = rates x."""

    def __init__(self, rates: sparse.spmatrix) -> None:
        self._speed = max(1e-300, float(-rates.diagonal().min()))
        step = (sparse.identity(rates.shape[0], format="csr") + rates.tocsr() / self._speed).tocsr()
        self._step = step.toarray() if rates.shape[0] <= SMALL else step

    def after(self, x: Array, seconds: float) -> Array:
        """x(seconds), from x(0)."""
        total = np.zeros_like(x)
        for weight in _poisson(self._speed * seconds):
            if weight > 1e-300:
                total += weight * x
            x = self._step @ x
        return total

    def after_and_time(self, x: Array, seconds: float) -> tuple[Array, Array]:
        """x(seconds), and the integral of x over these seconds."""
        weights = _poisson(self._speed * seconds)
        # P(Poisson > k), summed from the small end
        beyond = np.append(np.cumsum(weights[:0:-1])[::-1], 0.0) / self._speed
        total, time = np.zeros_like(x), np.zeros_like(x)
        for weight, left in zip(weights, beyond, strict=True):
            if weight > 1e-300:
                total += weight * x
            time += left * x
            x = self._step @ x
        return total, time


@lru_cache(maxsize=64)
def _poisson(mean: float) -> Array:
    """P(Poisson(mean) = k) for k = 0, 1, ... until the rest is negligible: products outward from the most likely k."""
    mode = int(mean)
    last = mode + int(10 * math.sqrt(mean + 1)) + 30
    up = np.cumprod(mean / np.arange(mode + 1, last + 1))
    down = np.cumprod(np.arange(mode, 0, -1) / mean)[::-1] if mode else np.empty(0)
    weights = np.concatenate([down, [1.0], up])
    weights /= math.fsum(weights)
    weights.setflags(write=False)
    return weights
