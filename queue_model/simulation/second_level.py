"""The back office: what calls and e-mails hand over, worked off first come, first served, in its own hours.

It never gives anything back to the seats, so it is reckoned from an engine's records afterwards: the same for both.
People work on an axis of *worked* seconds, on which nights and week-ends have no length; work goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapreplace

import numpy as np
from numpy.typing import NDArray

from queue_model.compiled import compiled_or_plain
from queue_model.random.ziggurat import Ints, Shorts
from queue_model.simulation.inputs import Floats, Inputs, seen
from queue_model.simulation.records import SECOND, Rows, Source, taken

passes = compiled_or_plain("simulation.passes")

Serve = Callable[[Floats, Floats, int], Floats]


def serve(ready: Floats, work: Floats, people: int) -> Floats:
    """When each request is begun: first come, first served by so many people, on the axis of worked seconds."""
    free, begun = [0.0] * people, []  # a heap: when each of them is free
    for at, needed in zip(ready.tolist(), work.tolist(), strict=True):
        start = max(at, free[0])
        heapreplace(free, start + needed)
        begun.append(start)
    return np.array(begun)


def second_level(inputs: Inputs, calls: Rows, mails: Rows, serve: Serve = serve) -> Rows:
    """Rows of `records.SECOND`: every request handed over at the end of a call (wrap-up included) or of an e-mail."""
    done, entity, attempt = _handed_over(inputs, calls)
    from_mails = _handed_on(inputs, mails)
    rows = np.zeros(len(done) + len(from_mails), dtype=SECOND)
    if not len(rows):
        return rows
    one, other = rows[: len(done)], rows[len(done) :]
    one["created"], one["entity"], one["attempt"], one["source"] = done, entity, attempt, Source.CALL
    other["created"], other["entity"], other["source"] = mails["ended"][from_mails], from_mails, Source.EMAIL
    work = inputs.second_level_work[entity, attempt], inputs.mail_second_level_work[from_mails]
    order = np.argsort(rows["created"], kind="stable")  # at one instant calls before e-mails, each by number
    rows = taken(rows, order)
    rows["started"], rows["ended"] = _served(inputs, rows["created"], np.concatenate(work)[order], serve)
    return rows


def _handed_over(inputs: Inputs, calls: Rows) -> tuple[Floats, Ints, Shorts]:
    """`passes.handed_over`."""
    many = 0 if not seen(inputs.second_level).any() else len(calls) - len(inputs.closed_at)
    found: tuple[Floats, Ints, Shorts] = passes.handed_over(calls[:many], inputs.second_level)
    return found


def _handed_on(inputs: Inputs, mails: Rows) -> NDArray[np.intp]:
    return np.flatnonzero(inputs.mail_second_level & np.isfinite(mails["ended"]))


def _served(inputs: Inputs, created: Floats, work: Floats, serve: Serve) -> tuple[Floats, Floats]:
    """When each request is begun and done, in the order given; NaN where the hours run out."""
    if not inputs.office_people:
        nobody = np.full(len(created), np.nan)
        return nobody, nobody.copy()
    hours = _Hours(inputs.office_from, inputs.office_until)
    begun = serve(hours.worked(created), work, min(inputs.office_people, len(created)))
    started = np.maximum(created, hours.instant(begun, "right"))  # a rounding must not begin before it came
    return started, np.maximum(started, hours.instant(begun + work, "left"))


class _Hours:
    """Working stretches, as a map between instants and worked seconds."""

    def __init__(self, begins: Floats, ends: Floats) -> None:
        self.begins = begins if len(begins) else np.zeros(1)
        ends = ends if len(ends) else np.full(1, np.inf)
        self.before = np.concatenate(([0.0], np.cumsum(ends - self.begins)))  # worked seconds before each stretch

    def worked(self, instants: Floats) -> Floats:
        """Seconds worked until each instant."""
        stretch = np.searchsorted(self.begins, instants, "right") - 1
        inside = instants - self.begins[np.maximum(stretch, 0)]
        reached = np.minimum(self.before[stretch] + inside, self.before[stretch + 1])
        return np.where(stretch < 0, 0.0, reached)

    def instant(self, worked: Floats, side: str) -> NDArray[np.float64]:
        """When so much was worked: at a stretch's end, "left" is its end, "right" is the next one's beginning."""
        bounds = self.before[1:]
        stretch = np.searchsorted(bounds, worked, "right" if side == "right" else "left")
        open_ended = np.minimum(stretch, len(self.begins) - 1)
        found = self.begins[open_ended] + (worked - self.before[open_ended])
        return np.where(stretch < len(self.begins), found, np.nan)
