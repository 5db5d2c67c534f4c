"""The same as `variates.py` in NumPy, used if nothing is compiled: the same numbers to the last bit.

Nearly all variates of a ziggurat are found at once; the few that are not, and those of a gamma law, one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from queue_model.random import ziggurat
from queue_model.random.ziggurat import EXPONENTIAL_TAIL, NORMAL_TAIL, UNIT, Floats, Indices, Words

MASK = 2**64 - 1
GOLDEN, FIRST, SECOND = np.uint64(ziggurat.GOLDEN), np.uint64(ziggurat.FIRST), np.uint64(ziggurat.SECOND)
EDGES = {"exponential": np.array(ziggurat.EXPONENTIAL_EDGE), "normal": np.array(ziggurat.NORMAL_EDGE)}


def mix(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * FIRST
    words = (words ^ (words >> np.uint64(27))) * SECOND
    return words ^ (words >> np.uint64(31))


def places(day: Indices, number: Indices) -> Words:
    """`variates.places`."""
    return mix(((day.astype(np.uint64) << np.uint64(32)) | number.astype(np.uint64)) + GOLDEN)


def fill(key: int, kind: str, shape: float, where: Words, out: Floats) -> None:
    """`variates.fill`."""
    words = mix(where + np.uint64(key))
    if kind == "gamma":
        out[:] = [_gamma(word, shape) for word in words.tolist()]
        return
    out[:] = (words >> np.uint64(11)).astype(np.float64) * UNIT
    if kind == "uniform":
        return
    strip = (words & np.uint64(255)).astype(np.intp)
    out *= EDGES[kind][strip]
    others = np.flatnonzero(~(out < EDGES[kind][strip + 1]))
    if kind == "normal":
        out[(words & np.uint64(256)) != 0] *= -1
    one: Callable[[int], float] = _normal if kind == "normal" else _exponential
    out[others] = [one(word) for word in words[others].tolist()]


def arrivals(key: int, first: Indices, passed: Floats, edges: Floats, at: Floats, where: Words, step: Indices) -> int:
    """`variates.arrivals`, a column of all days at a time."""
    days = len(first) - 1
    base, all_day = passed[first[:-1]], passed[first[1:]] - passed[first[:-1]]
    columns = [np.zeros(days)]
    everyone, gap = np.arange(days), np.empty(days)
    while (columns[-1] < all_day).any():
        fill(key, "exponential", 0.0, places(everyone, np.full(days, len(columns) - 1)), gap)
        columns.append(columns[-1] + gap)
    reached = np.array(columns[1:]).reshape(-1, days).T
    come = reached < all_day[:, None]
    today, count = np.nonzero(come)
    made = len(today)
    if made > len(at):
        return -1
    instant = reached[come] + base[today]
    here = np.clip(np.searchsorted(passed, instant, "right") - 1, first[today], first[today + 1] - 1)
    expected = passed[here + 1] - passed[here]
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.minimum(np.where(expected > 0, (instant - passed[here]) / expected, 1.0), 1.0)
    at[:made] = np.maximum.accumulate(edges[here] + within * (edges[here + 1] - edges[here]))
    where[:made], step[:made] = places(today, count), here
    return made


def _next(word: int) -> int:
    word = (word + ziggurat.GOLDEN) & MASK
    word = ((word ^ (word >> 30)) * ziggurat.FIRST) & MASK
    word = ((word ^ (word >> 27)) * ziggurat.SECOND) & MASK
    return word ^ (word >> 31)


def _mixed(word: int) -> int:
    return _next((word - ziggurat.GOLDEN) & MASK)


def _unit(word: int) -> float:
    return (word >> 11) * UNIT


def _exponential(word: int) -> float:
    edge, height = ziggurat.EXPONENTIAL_EDGE, ziggurat.EXPONENTIAL_HEIGHT
    before = 0.0
    while True:
        strip = word & 255
        x = _unit(word) * edge[strip]
        if x < edge[strip + 1]:
            return before + x
        word = _next(word)
        if strip == 0:
            before += EXPONENTIAL_TAIL
        else:
            if height[strip] + _unit(word) * (height[strip + 1] - height[strip]) < math.exp(-x):
                return before + x
            word = _next(word)


def _normal(word: int) -> float:
    edge, height = ziggurat.NORMAL_EDGE, ziggurat.NORMAL_HEIGHT
    while True:
        sign, strip = -1.0 if word & 256 else 1.0, word & 255
        x = _unit(word) * edge[strip]
        if x < edge[strip + 1]:
            return sign * x
        word = _next(word)
        while strip == 0:
            x = -math.log1p(-_unit(word)) / NORMAL_TAIL
            word = _next(word)
            y = -math.log1p(-_unit(word))
            word = _next(word)
            if y + y >= x * x:
                return sign * (NORMAL_TAIL + x)
        if height[strip] + _unit(word) * (height[strip + 1] - height[strip]) < math.exp(-0.5 * x * x):
            return sign * x
        word = _next(word)


def _gamma(word: int, shape: float) -> float:
    factor = 1.0
    if shape < 1.0:
        word = _next(word)
        factor = (1.0 - _unit(word)) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        word = _next(word)
        x = _normal(_mixed(word))
        word = _next(word)
        v = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        if math.log1p(-_unit(word)) < 0.5 * x * x + d - d * v + d * math.log1p(v - 1.0):
            return d * v * factor
