# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Compiled counts behind the measures: one pass over the calls of a run, and one over the intervals of its operators.

`queue_model.runs.measures.call_counts` and `measurer` calculate the measures from these counts and sums.
`tally_plain.py` does the same with NumPy where nothing was compiled. A test compares the two to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import cython
import numpy as np

from queue_model.random.ziggurat import Floats, Indices
from queue_model.simulation.records import Outcome, Rows, Work, as_table

compiled: bool = cython.compiled

BUCKETS = cython.declare(cython.Py_ssize_t, 4096)
LOWEST = cython.declare(cython.Py_ssize_t, (1023 - 8) << 7)  # the first bits of 2**-8
OUTCOMES = cython.declare(cython.int, len(Outcome))
KINDS = len(Work)


def classes(
    calls: Rows, groups: Indices | None, count: int, within: float, short: float, end: float
) -> tuple[Floats, Floats, Floats]:
    """Counts, waits and handling times of calls, each [groups, outcomes, in time, short]."""
    shape = (count, len(Outcome), 2, 2)
    number, waited, handled = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    times: cython.const[cython.double][:, ::1] = as_table(calls, np.float64)
    outcomes: cython.const[cython.uchar][:, ::1] = as_table(calls, np.uint8)
    grouped: cython.bint = groups is not None
    group: cython.const[cython.Py_ssize_t][::1] = groups if groups is not None else np.empty(0, dtype=np.intp)
    in_time: cython.double = within
    soon: cython.double = short
    until: cython.double = end
    numbers: cython.double[::1] = number.reshape(-1)
    waits: cython.double[::1] = waited.reshape(-1)
    handles: cython.double[::1] = handled.reshape(-1)
    row: cython.Py_ssize_t
    with cython.nogil:
        for row in range(times.shape[0]):
            wait: cython.double = times[row, 1]
            if wait != wait:  # never answered
                wait = until - times[row, 0]
                if wait < 0.0:
                    wait = 0.0
            place: cython.Py_ssize_t = group[row] if grouped else 0
            place = (place * OUTCOMES + outcomes[row, 54]) * 4 + (wait <= in_time) * 2 + (wait <= soon)
            numbers[place] += 1.0
            waits[place] += wait
            handles[place] += times[row, 2] + times[row, 3]
    return number, waited, handled


def waits(calls: Rows, which: int, end: float) -> Floats:
    """The waits above 0 of the calls whose outcome is a bit of `which`, in order."""
    times: cython.const[cython.double][:, ::1] = as_table(calls, np.float64)
    outcomes: cython.const[cython.uchar][:, ::1] = as_table(calls, np.uint8)
    found: Floats = np.empty(len(calls))
    made: cython.double[::1] = found
    wanted: cython.int = which
    until: cython.double = end
    row: cython.Py_ssize_t
    size: cython.Py_ssize_t = 0
    with cython.nogil:
        for row in range(times.shape[0]):
            wait: cython.double = times[row, 1]
            if wait != wait:
                wait = until - times[row, 0]
            made[size] = wait  # always written, because a branch could not be predicted
            size += (wait > 0.0) & ((wanted >> outcomes[row, 54]) & 1)
    return found[:size]


def ordered(values: Floats, places: Sequence[int]) -> list[float]:
    """The values at these places if all values, which are above 0, were sorted.

    The bits of positive numbers sort like the numbers, so the first bits select a bucket. Only buckets that contain one
    of the places are sorted.
    """
    counts: Indices = np.zeros(BUCKETS, dtype=np.intp)
    found: Floats = np.empty(len(values))
    words: cython.const[cython.ulonglong][::1] = values.view(np.uint64)
    numbers: cython.const[cython.double][::1] = values
    in_bucket: cython.Py_ssize_t[::1] = counts
    few: cython.double[::1] = found
    size: cython.Py_ssize_t = 0
    each: cython.Py_ssize_t
    with cython.nogil:
        for each in range(words.shape[0]):
            in_bucket[bucket(words[each])] += 1
    mine = np.searchsorted(np.cumsum(counts), places, "right")
    is_mine = np.zeros(BUCKETS, dtype=np.uint8)
    is_mine[mine] = 1
    left_out = np.cumsum(np.where(is_mine, 0, counts))[mine]
    wanted: cython.const[cython.uchar][::1] = is_mine
    with cython.nogil:
        for each in range(words.shape[0]):
            few[size] = numbers[each]
            size += wanted[bucket(words[each])]
    ranked: list[float] = np.sort(found[:size])[np.asarray(places, dtype=np.intp) - left_out].tolist()
    return ranked


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def bucket(word: cython.ulonglong) -> cython.Py_ssize_t:
    """The bucket of a number's bits: 128 per doubling from 1/256 to 2**24; the first and last take the rest."""
    found: cython.Py_ssize_t = cython.cast(cython.Py_ssize_t, word >> 45) - LOWEST
    if found < 0:
        return 0
    return found if found < BUCKETS else BUCKETS - 1


def spent(work: Rows, start: float) -> Floats:
    """Seconds from `start` on, by kind of work."""
    seconds: Floats = np.zeros(KINDS)
    times: cython.const[cython.double][:, ::1] = as_table(work, np.float64)
    numbers: cython.const[cython.int][:, ::1] = as_table(work, np.int32)
    sums: cython.double[::1] = seconds
    begin: cython.double = start
    row: cython.Py_ssize_t
    kind: cython.int = 0
    sum_of_kind: cython.double = 0.0  # most rows have the kind of the row before
    with cython.nogil:
        for row in range(times.shape[0]):
            length: cython.double = times[row, 1] - (times[row, 0] if times[row, 0] > begin else begin)
            if numbers[row, 7] != kind:
                sums[kind] = sum_of_kind
                kind = numbers[row, 7]
                sum_of_kind = sums[kind]
            if not length < 0.0:
                sum_of_kind += length
        sums[kind] = sum_of_kind
    return seconds
