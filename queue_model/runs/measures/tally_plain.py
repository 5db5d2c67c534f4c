"""The functions of `tally.py` with NumPy, for machines on which nothing was compiled. Same results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from queue_model.random.ziggurat import Floats, Indices
from queue_model.simulation.records import Outcome, Rows, Work


def classes(
    calls: Rows, groups: Indices | None, count: int, within: float, short: float, end: float
) -> tuple[Floats, Floats, Floats]:
    """`tally.classes`."""
    wait = _waits(calls, end)
    early, soon = (wait <= within).astype(np.intp), (wait <= short).astype(np.intp)
    place = calls["outcome"].astype(np.intp) * 4 + early * 2 + soon
    codes = len(Outcome) * 4
    if groups is not None:
        place += groups * codes
    shape = (count, len(Outcome), 2, 2)
    number = np.bincount(place, minlength=count * codes).reshape(shape).astype(np.float64)
    waited: Floats = np.bincount(place, wait, count * codes).astype(np.float64)
    handled: Floats = np.bincount(place, calls["talk"] + calls["wrap"], count * codes).astype(np.float64)
    return number, waited.reshape(shape), handled.reshape(shape)


def waits(calls: Rows, which: int, end: float) -> Floats:
    """`tally.waits`."""
    wait = _waits(calls, end)
    return np.asarray(wait[(wait > 0) & ((which >> calls["outcome"].astype(np.intp)) & 1 == 1)])


def ordered(values: Floats, places: Sequence[int]) -> list[float]:
    """`tally.ordered`."""
    ranked: list[float] = np.partition(values, sorted(set(places)))[list(places)].tolist()
    return ranked


def spent(work: Rows, start: float) -> Floats:
    """`tally.spent`."""
    length = work["end"] - np.maximum(work["start"], start)
    return np.bincount(work["kind"], np.maximum(length, 0.0), minlength=len(Work)).astype(np.float64)


def _waits(calls: Rows, end: float) -> Floats:
    wait = calls["wait"]
    return np.asarray(np.where(np.isnan(wait), np.maximum(end - calls["entered"], 0.0), wait))
