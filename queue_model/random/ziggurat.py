"""The constants that both makers of random numbers share (`variates.py` and `variates_plain.py`)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Words = NDArray[np.uint64]
Shorts = NDArray[np.int16]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]

# SplitMix64: the step from word to word, and the two factors of its finaliser
GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
UNIT = 2.0**-53  # of 53 random bits
STRIPS = 256

# Where the tail begins and the area of each strip, for 256 of them (Marsaglia and Tsang 2000)
EXPONENTIAL_TAIL, EXPONENTIAL_AREA = 7.69711747013104972, 0.0039496598225815571993
NORMAL_TAIL, NORMAL_AREA = 3.6541528853610088, 0.00492867323399


def _edges(
    tail: float, area: float, density: Callable[[float], float], inverse: Callable[[float], float]
) -> tuple[float, ...]:
    """Right ends of the strips, from the one with the tail (as wide as a rectangle of its area) to 0."""
    edges = [area / density(tail), tail]
    while len(edges) < STRIPS:
        edges.append(inverse(area / edges[-1] + density(edges[-1])))
    return (*edges, 0.0)


def _normal_density(x: float) -> float:
    return math.exp(-0.5 * x * x)


EXPONENTIAL_EDGE = _edges(EXPONENTIAL_TAIL, EXPONENTIAL_AREA, lambda x: math.exp(-x), lambda y: -math.log(y))
EXPONENTIAL_HEIGHT = tuple(math.exp(-x) for x in EXPONENTIAL_EDGE)
NORMAL_EDGE = _edges(NORMAL_TAIL, NORMAL_AREA, _normal_density, lambda y: math.sqrt(-2 * math.log(y)))
NORMAL_HEIGHT = tuple(_normal_density(x) for x in NORMAL_EDGE)
