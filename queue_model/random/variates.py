# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Random numbers by place, compiled: the number for the n-th caller of a day, without those before it.

A place is a 64-bit word for a day and a number within it. It is hashed with the key of a purpose, and the result is
turned into a variate: exponential and normal by ziggurats of 256 strips, gamma by squeezing a normal one (both
Marsaglia and Tsang 2000). The hash is the finaliser of SplitMix64 (Steele, Lea and Flood 2014). So no number is drawn
that is not needed.

`variates_plain.py` does the same with NumPy if nothing is compiled, to the last bit; a test compares them.
"""

from __future__ import annotations

import cython
import numpy as np
from cython.cimports.libc.math import exp, log1p, sqrt
from cython.cimports.libc.math import pow as power

from queue_model.random import ziggurat
from queue_model.random.ziggurat import Floats, Indices, Words

compiled: bool = cython.compiled

GOLDEN = cython.declare(cython.ulonglong, ziggurat.GOLDEN)
FIRST = cython.declare(cython.ulonglong, ziggurat.FIRST)
SECOND = cython.declare(cython.ulonglong, ziggurat.SECOND)
UNIT = cython.declare(cython.double, ziggurat.UNIT)
EXPONENTIAL_TAIL = cython.declare(cython.double, ziggurat.EXPONENTIAL_TAIL)
NORMAL_TAIL = cython.declare(cython.double, ziggurat.NORMAL_TAIL)
KINDS = {"uniform": 0, "exponential": 1, "normal": 2, "gamma": 3}

# C arrays: a loop over them must not look up a Python object
exponential_edge = cython.declare(cython.double[257])
exponential_height = cython.declare(cython.double[257])
normal_edge = cython.declare(cython.double[257])
normal_height = cython.declare(cython.double[257])
sign = cython.declare(cython.double[2])  # by a bit of the word; a branch would be mispredicted half of the time


def _fill_tables() -> None:
    strip: cython.int
    for strip in range(257):
        exponential_edge[strip] = ziggurat.EXPONENTIAL_EDGE[strip]
        exponential_height[strip] = ziggurat.EXPONENTIAL_HEIGHT[strip]
        normal_edge[strip] = ziggurat.NORMAL_EDGE[strip]
        normal_height[strip] = ziggurat.NORMAL_HEIGHT[strip]
    sign[0], sign[1] = 1.0, -1.0


_fill_tables()


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def mix(word: cython.ulonglong) -> cython.ulonglong:
    word = (word ^ (word >> 30)) * FIRST
    word = (word ^ (word >> 27)) * SECOND
    return word ^ (word >> 31)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def unit(word: cython.ulonglong) -> cython.double:
    """From 0 to below 1."""
    return cython.cast(cython.double, word >> 11) * UNIT


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def exponential(word: cython.ulonglong) -> cython.double:
    strip: cython.int = cython.cast(cython.int, word & 255)
    x: cython.double = unit(word) * exponential_edge[strip]
    return x if x < exponential_edge[strip + 1] else other_exponential(word)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def other_exponential(word: cython.ulonglong) -> cython.double:
    """The one in a hundred that does not lie wholly under a strip."""
    before: cython.double = 0.0
    while True:
        strip: cython.int = cython.cast(cython.int, word & 255)
        x: cython.double = unit(word) * exponential_edge[strip]
        if x < exponential_edge[strip + 1]:
            return before + x
        word = mix(word + GOLDEN)
        if strip == 0:
            before += EXPONENTIAL_TAIL  # beyond it the law is the same again
        else:
            height: cython.double = unit(word) * (exponential_height[strip + 1] - exponential_height[strip])
            if exponential_height[strip] + height < exp(-x):
                return before + x
            word = mix(word + GOLDEN)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def normal(word: cython.ulonglong) -> cython.double:
    strip: cython.int = cython.cast(cython.int, word & 255)
    x: cython.double = unit(word) * normal_edge[strip]
    if x < normal_edge[strip + 1]:
        return x * sign[(word >> 8) & 1]
    return other_normal(word)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def other_normal(word: cython.ulonglong) -> cython.double:
    while True:
        negative: cython.bint = (word & 256) != 0
        strip: cython.int = cython.cast(cython.int, word & 255)
        x: cython.double = unit(word) * normal_edge[strip]
        if x < normal_edge[strip + 1]:
            return -x if negative else x
        word = mix(word + GOLDEN)
        if strip == 0:
            while True:
                x = -log1p(-unit(word)) / NORMAL_TAIL
                word = mix(word + GOLDEN)
                y: cython.double = -log1p(-unit(word))
                word = mix(word + GOLDEN)
                if y + y >= x * x:
                    return -(NORMAL_TAIL + x) if negative else NORMAL_TAIL + x
        height: cython.double = unit(word) * (normal_height[strip + 1] - normal_height[strip])
        if normal_height[strip] + height < exp(-0.5 * x * x):
            return -x if negative else x
        word = mix(word + GOLDEN)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def gamma(word: cython.ulonglong, shape: cython.double) -> cython.double:
    """Mean `shape`; below shape 1: that of shape + 1, times a power of a uniform."""
    factor: cython.double = 1.0
    if shape < 1.0:
        word = mix(word + GOLDEN)
        factor = power(1.0 - unit(word), 1.0 / shape)
        shape += 1.0
    d: cython.double = shape - 1.0 / 3.0
    c: cython.double = 1.0 / sqrt(9.0 * d)
    while True:
        word = mix(word + GOLDEN)
        x: cython.double = normal(mix(word))  # its further words differ from those of this loop
        word = mix(word + GOLDEN)
        v: cython.double = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        if log1p(-unit(word)) < 0.5 * x * x + d - d * v + d * log1p(v - 1.0):
            return d * v * factor


def places(day: Indices, number: Indices) -> Words:
    """The place of each pair of a day and a number within it."""
    result: Words = np.empty(len(day), dtype=np.uint64)
    days: cython.const[cython.Py_ssize_t][:] = day
    numbers: cython.const[cython.Py_ssize_t][:] = number
    words: cython.ulonglong[::1] = result
    which: cython.Py_ssize_t
    with cython.nogil:
        for which in range(words.shape[0]):
            words[which] = place(days[which], numbers[which])
    return result


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def place(day: cython.Py_ssize_t, number: cython.Py_ssize_t) -> cython.ulonglong:
    return mix(((cython.cast(cython.ulonglong, day) << 32) | cython.cast(cython.ulonglong, number)) + GOLDEN)


def fill(key: int, kind: str, shape: float, where: Words, out: Floats) -> None:
    """Write the variates of these places to `out`; `shape`: of a gamma law."""
    purpose: cython.ulonglong = key
    which: cython.int = KINDS[kind]
    parameter: cython.double = shape
    words: cython.const[cython.ulonglong][::1] = where
    values: cython.double[::1] = out
    with cython.nogil:
        fill_all(purpose, which, parameter, words, values)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def fill_all(
    key: cython.ulonglong,
    kind: cython.int,
    shape: cython.double,
    words: cython.const[cython.ulonglong][::1],
    values: cython.double[::1],
) -> cython.void:
    row: cython.Py_ssize_t
    if kind == 0:
        for row in range(words.shape[0]):
            values[row] = unit(mix(words[row] + key))
    elif kind == 1:
        for row in range(words.shape[0]):
            values[row] = exponential(mix(words[row] + key))
    elif kind == 2:
        for row in range(words.shape[0]):
            values[row] = normal(mix(words[row] + key))
    else:
        for row in range(words.shape[0]):
            values[row] = gamma(mix(words[row] + key), shape)


def arrivals(key: int, first: Indices, passed: Floats, edges: Floats, at: Floats, where: Words, step: Indices) -> int:
    """A Poisson process of rate 1 on every day, transformed by the expected number so far.

    `first`: the first step of each day, [days + 1]; `passed`: expected before each step, [steps + 1]; `edges`: start
    of each step, [steps + 1]. Fills the other arrays, a row for each arrival (`where`: its place, numbered within its
    day). Returns how many, or -1 if they do not fit.
    """
    purpose: cython.ulonglong = key
    days: cython.const[cython.Py_ssize_t][::1] = first
    before: cython.const[cython.double][::1] = passed
    begins: cython.const[cython.double][::1] = edges
    instants: cython.double[::1] = at
    words: cython.ulonglong[::1] = where
    their_step: cython.Py_ssize_t[::1] = step
    made: cython.Py_ssize_t
    with cython.nogil:
        made = arrive(purpose, days, before, begins, instants, words, their_step)
    return int(made)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def arrive(
    key: cython.ulonglong,
    first: cython.const[cython.Py_ssize_t][::1],
    passed: cython.const[cython.double][::1],
    edges: cython.const[cython.double][::1],
    at: cython.double[::1],
    where: cython.ulonglong[::1],
    step: cython.Py_ssize_t[::1],
) -> cython.Py_ssize_t:
    made: cython.Py_ssize_t = 0
    today: cython.Py_ssize_t
    latest: cython.double = 0.0
    for today in range(first.shape[0] - 1):
        here: cython.Py_ssize_t = first[today]
        last: cython.Py_ssize_t = first[today + 1] - 1
        base: cython.double = passed[here]
        all_day: cython.double = passed[last + 1] - base
        count: cython.Py_ssize_t = 0
        reached: cython.double = 0.0
        while True:
            word: cython.ulonglong = place(today, count)
            reached += exponential(mix(word + key))
            if not reached < all_day:
                break
            if made == at.shape[0]:
                return -1
            instant: cython.double = reached + base
            # Rounding must not move an arrival past the end of its day.
            while here < last and passed[here + 1] <= instant:
                here += 1
            expected: cython.double = passed[here + 1] - passed[here]
            within: cython.double = (instant - passed[here]) / expected if expected > 0.0 else 1.0
            if within > 1.0:
                within = 1.0
            instant = edges[here] + within * (edges[here + 1] - edges[here])
            if instant > latest:
                latest = instant
            at[made] = latest
            where[made] = word
            step[made] = here
            made += 1
            count += 1
    return made
