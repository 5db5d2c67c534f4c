"""The functions of `array_loops.py` with NumPy, for machines on which nothing was compiled. Same results."""

from __future__ import annotations

import numpy as np

from queue_model.random.ziggurat import Bytes, Flags, Floats, Indices, Ints, Shorts
from queue_model.simulation.records import Outcome, Rows


def choose_topics(chance: Floats, shares: Floats, row: Indices, step: Indices) -> Shorts:
    """`array_loops.choose_topics`."""
    mine = row[step]
    found = np.zeros(len(chance), dtype=np.int16)
    for share in shares.T[:-1]:
        found += chance >= share[mine]
    return found


def choose_paths(
    topic: Shorts, step: Indices, opens: Flags, chance: Floats, first: Indices, keep: Floats, other: Indices
) -> Indices:
    """`array_loops.choose_paths`."""
    group = topic.astype(np.intp) * 2 + opens[step]
    if len(keep) == len(first) - 1:  # each group has one path
        return group
    size = np.diff(first)[group]
    place = chance * size
    even = np.minimum(place.astype(np.intp), size - 1)
    way = first[group] + even
    return np.asarray(np.where(place - even < keep[way], way, other[way]))


def reach_ending(at: Floats, way: Indices, seconds: Floats, ending: Bytes, where: int) -> tuple[Floats, Indices]:
    """`array_loops.reach_ending`."""
    rows = np.flatnonzero(ending[way] == where)
    instants = at[rows] + seconds[way[rows]]
    order = np.argsort(instants, kind="stable")
    return instants[order], rows[order]


def is_ascending(times: Floats) -> bool:
    """`array_loops.is_ascending`."""
    return bool((times >= np.concatenate(([0.0], times[:-1]))).all())


def first_out_of_turn(kind: Bytes, who: Ints, people: int, begin: int, end: int) -> int:
    """`array_loops.first_out_of_turn`."""
    mine = np.flatnonzero((kind == begin) | (kind == end))
    mine = mine[np.argsort(who[mine], kind="stable")]
    first = np.ones(len(mine), dtype=bool)
    first[1:] = who[mine][1:] != who[mine][:-1]
    begins = kind[mine] == begin
    again = np.zeros(len(mine), dtype=bool)
    again[1:] = begins[1:] == begins[:-1]
    wrong = np.flatnonzero(np.where(first, ~begins, again))
    return int(mine[wrong[0]]) if len(wrong) else -1


def handed_over(calls: Rows, flags: Flags) -> tuple[Floats, Ints, Shorts]:
    """`array_loops.handed_over`."""
    answered = calls[calls["outcome"] == Outcome.ANSWERED]
    mine = answered[flags[answered["entity"], answered["attempt"]]]
    return np.asarray(mine["left"] + mine["wrap"]), mine["entity"].copy(), mine["attempt"].copy()
