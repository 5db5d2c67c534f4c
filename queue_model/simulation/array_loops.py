# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Compiled loops over long arrays, each a single pass where NumPy would need many.

They choose topics and paths through the menu, check times and schedules, and find hand-overs to the second level.
`array_loops_plain.py` does the same with NumPy where nothing was compiled. A test compares the two to the last bit.
"""

from __future__ import annotations

import cython
import numpy as np

from queue_model.random.ziggurat import Bytes, Flags, Floats, Indices, Ints, Shorts
from queue_model.simulation.records import Outcome, Rows, as_table

compiled: bool = cython.compiled

ANSWERED = cython.declare(cython.int, int(Outcome.ANSWERED))
MOVES = cython.declare(cython.Py_ssize_t, 8)  # per caller; if more are needed, NumPy sorts instead


def choose_topics(chance: Floats, shares: Floats, row: Indices, step: Indices) -> Shorts:
    """The topic of each call, from a uniform number and cumulative `shares` [rows, topics]. `row` is by step."""
    found: Shorts = np.empty(len(chance), dtype=np.int16)
    chances: cython.const[cython.double][::1] = chance
    below: cython.const[cython.double][:, ::1] = shares
    rows: cython.const[cython.Py_ssize_t][::1] = row
    steps: cython.const[cython.Py_ssize_t][::1] = step
    topics: cython.short[::1] = found
    call: cython.Py_ssize_t
    with cython.nogil:
        for call in range(topics.shape[0]):
            # There are few shares: counting those below is faster than a binary search.
            topic: cython.short = 0
            mine: cython.Py_ssize_t = rows[steps[call]]
            each: cython.Py_ssize_t
            for each in range(below.shape[1] - 1):
                topic += chances[call] >= below[mine, each]
            topics[call] = topic
    return found


def choose_paths(
    topic: Shorts, step: Indices, opens: Flags, chance: Floats, first: Indices, keep: Floats, other: Indices
) -> Indices:
    """The path of each call within its group (topic, and whether its step `opens`), by Walker's alias method.

    `chance` has a uniform number for each call, which is not used in a group of one path. `first` is the first path of
    each group; `keep` and `other` are the alias tables, by path.
    """
    found: Indices = np.empty(len(topic), dtype=np.intp)
    topics: cython.const[cython.short][::1] = topic
    steps: cython.const[cython.Py_ssize_t][:] = step
    is_open: cython.const[cython.uchar][:] = opens.view(np.uint8)
    chances: cython.const[cython.double][::1] = chance
    firsts: cython.const[cython.Py_ssize_t][::1] = first
    kept: cython.const[cython.double][::1] = keep
    others: cython.const[cython.Py_ssize_t][::1] = other
    ways: cython.Py_ssize_t[::1] = found
    call: cython.Py_ssize_t
    with cython.nogil:
        for call in range(ways.shape[0]):
            group: cython.Py_ssize_t = 2 * topics[call] + is_open[steps[call]]
            way: cython.Py_ssize_t = firsts[group]
            size: cython.Py_ssize_t = firsts[group + 1] - way
            if size > 1:
                place: cython.double = chances[call] * size
                even: cython.Py_ssize_t = cython.cast(cython.Py_ssize_t, place)
                if even > size - 1:
                    even = size - 1
                way += even
                if not place - even < kept[way]:
                    way = others[way]
            ways[call] = way
    return found


def reach_ending(at: Floats, way: Indices, seconds: Floats, ending: Bytes, where: int) -> tuple[Floats, Indices]:
    """Instants and indices of the calls whose path has the ending `where`, by instant. `seconds`, `ending`: by path."""
    instants, rows = np.empty(len(at)), np.empty(len(at), dtype=np.intp)
    begun: cython.const[cython.double][::1] = at
    ways: cython.const[cython.Py_ssize_t][::1] = way
    lasts: cython.const[cython.double][::1] = seconds
    endings: cython.const[cython.uchar][::1] = ending
    wanted_end: cython.int = where
    arrives: cython.double[::1] = instants
    which: cython.Py_ssize_t[::1] = rows
    made: cython.Py_ssize_t = 0
    moves: cython.Py_ssize_t = MOVES * begun.shape[0]
    call: cython.Py_ssize_t
    with cython.nogil:
        for call in range(begun.shape[0]):
            if endings[ways[call]] == wanted_end:
                moves -= insert_sorted(arrives, which, made, begun[call] + lasts[ways[call]], call, moves)
                made += 1
    instants, rows = instants[:made], rows[:made]
    if moves > 0:
        return instants, rows
    order = np.argsort(instants, kind="stable")
    return instants[order], rows[order]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def insert_sorted(
    arrives: cython.double[::1],
    which: cython.Py_ssize_t[::1],
    place: cython.Py_ssize_t,
    at: cython.double,
    call: cython.Py_ssize_t,
    moves: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Insert into the sorted values before `place`, after equal ones. Returns the number of moves, at most `moves`."""
    end: cython.Py_ssize_t = place
    while place > 0 and arrives[place - 1] > at and end - place < moves:
        arrives[place] = arrives[place - 1]
        which[place] = which[place - 1]
        place -= 1
    arrives[place] = at
    which[place] = call
    return end - place


def is_ascending(times: Floats) -> bool:
    """Whether every time is a number, not negative, and not less than the one before."""
    numbers: cython.const[cython.double][:] = times
    latest: cython.double = 0.0
    falls: cython.Py_ssize_t = 0
    each: cython.Py_ssize_t
    with cython.nogil:
        for each in range(numbers.shape[0]):
            falls += not numbers[each] >= latest
            latest = numbers[each]
    return bool(falls == 0)


def first_out_of_turn(kind: Bytes, who: Ints, people: int, begin: int, end: int) -> int:
    """The first event of the lowest-numbered operator at which a `begin` repeats or an `end` has no `begin`; else -1.

    Events of other kinds are ignored.
    """
    kinds: cython.const[cython.uchar][:] = kind
    whose: cython.const[cython.int][:] = who
    begins: cython.int = begin
    ends: cython.int = end
    begun: cython.uchar[::1] = np.zeros(people, dtype=np.uint8)
    wrong: cython.Py_ssize_t = -1
    event: cython.Py_ssize_t
    with cython.nogil:
        for event in range(kinds.shape[0]):
            if kinds[event] == begins or kinds[event] == ends:
                if begun[whose[event]] == (kinds[event] == begins) and (wrong < 0 or whose[event] < whose[wrong]):
                    wrong = event
                begun[whose[event]] = kinds[event] == begins
    return int(wrong)


def handed_over(calls: Rows, flags: Flags) -> tuple[Floats, Ints, Shorts]:
    """The answered calls that are marked in `flags` [callers, attempts]: end of the wrap-up, entity and attempt."""
    done, entity = np.empty(len(calls)), np.empty(len(calls), dtype=np.int32)
    attempt = np.empty(len(calls), dtype=np.int16)
    times: cython.const[cython.double][:, ::1] = as_table(calls, np.float64)
    numbers: cython.const[cython.int][:, ::1] = as_table(calls, np.int32)
    shorts: cython.const[cython.short][:, ::1] = as_table(calls, np.int16)
    outcomes: cython.const[cython.uchar][:, ::1] = as_table(calls, np.uint8)
    marked: cython.const[cython.uchar][:, :] = flags.view(np.uint8)
    ends: cython.double[::1] = done
    whose: cython.int[::1] = entity
    which: cython.short[::1] = attempt
    made: cython.Py_ssize_t = 0
    row: cython.Py_ssize_t
    with cython.nogil:
        for row in range(times.shape[0]):
            if outcomes[row, 54] == ANSWERED and marked[numbers[row, 10], shorts[row, 24]]:
                ends[made] = times[row, 4] + times[row, 3]
                whose[made] = numbers[row, 10]
                which[made] = shorts[row, 24]
                made += 1
    return done[:made], entity[:made], attempt[:made]
