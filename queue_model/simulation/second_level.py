"""The second level (back office): requests from calls and e-mails, first come, first served, in its own hours.

It returns no work to the first level, so it is calculated after an engine's run, in the same way for both engines.
Working time is an axis on which nights and weekends have no length: work continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapreplace

import numpy as np
from numpy.typing import NDArray

from queue_model.compiled import compiled_or_plain
from queue_model.random.ziggurat import Ints, Shorts
from queue_model.simulation.inputs import Floats, Inputs, stored
from queue_model.simulation.records import SECOND_LEVEL_ROW, Rows, Source, take_rows

array_loops = compiled_or_plain("simulation.array_loops")

Serve = Callable[[Floats, Floats, int], Floats]


def serve(ready: Floats, work: Floats, people: int) -> Floats:
    """The start of each request on the axis of working time: first come, first served by so many people."""
    free, begun = [0.0] * people, []  # a heap of the instants at which each of them becomes free
    for at, needed in zip(ready.tolist(), work.tolist(), strict=True):
        start = max(at, free[0])
        heapreplace(free, start + needed)
        begun.append(start)
    return np.array(begun)


def second_level(inputs: Inputs, calls: Rows, mails: Rows, serve: Serve = serve) -> Rows:
    """The `SECOND_LEVEL_ROW`s: every request handed over at the end of a call (with wrap-up) or of an e-mail."""
    done, entity, attempt = _handed_over(inputs, calls)
    from_mails = _handed_on(inputs, mails)
    rows = np.zeros(len(done) + len(from_mails), dtype=SECOND_LEVEL_ROW)
    if not len(rows):
        return rows
    one, other = rows[: len(done)], rows[len(done) :]
    one["created"], one["entity"], one["attempt"], one["source"] = done, entity, attempt, Source.CALL
    other["created"], other["entity"], other["source"] = mails["ended"][from_mails], from_mails, Source.EMAIL
    work = inputs.second_level_work[entity, attempt], inputs.mail_second_level_work[from_mails]
    order = np.argsort(rows["created"], kind="stable")  # at one instant calls before e-mails, each sorted by number
    rows = take_rows(rows, order)
    rows["started"], rows["ended"] = _served(inputs, rows["created"], np.concatenate(work)[order], serve)
    return rows


def _handed_over(inputs: Inputs, calls: Rows) -> tuple[Floats, Ints, Shorts]:
    """`array_loops.handed_over`."""
    many = 0 if not stored(inputs.second_level).any() else len(calls) - len(inputs.closed_at)
    found: tuple[Floats, Ints, Shorts] = array_loops.handed_over(calls[:many], inputs.second_level)
    return found


def _handed_on(inputs: Inputs, mails: Rows) -> NDArray[np.intp]:
    return np.flatnonzero(inputs.mail_second_level & np.isfinite(mails["ended"]))


def _served(inputs: Inputs, created: Floats, work: Floats, serve: Serve) -> tuple[Floats, Floats]:
    """Start and end of each request, in the given order; NaN after the last working hours."""
    if not inputs.office_people:
        never = np.full(len(created), np.nan)
        return never, never.copy()
    hours = _Hours(inputs.office_from, inputs.office_until)
    begun = serve(hours.worked(created), work, min(inputs.office_people, len(created)))
    started = np.maximum(created, hours.instant(begun, "right"))  # rounding must not move the start before the request
    return started, np.maximum(started, hours.instant(begun + work, "left"))


class _Hours:
    """Working hours, as a map between instants and working time."""

    def __init__(self, begins: Floats, ends: Floats) -> None:
        self.begins = begins if len(begins) else np.zeros(1)
        ends = ends if len(ends) else np.full(1, np.inf)
        self.before = np.concatenate(([0.0], np.cumsum(ends - self.begins)))  # working time before each interval

    def worked(self, instants: Floats) -> Floats:
        """The working time until each instant."""
        interval = np.searchsorted(self.begins, instants, "right") - 1
        inside = instants - self.begins[np.maximum(interval, 0)]
        reached = np.minimum(self.before[interval] + inside, self.before[interval + 1])
        return np.where(interval < 0, 0.0, reached)

    def instant(self, worked: Floats, side: str) -> NDArray[np.float64]:
        """The instant at which so much working time has passed.

        At the end of an interval, side "left" gives its end and "right" the beginning of the next one.
        """
        bounds = self.before[1:]
        interval = np.searchsorted(bounds, worked, "right" if side == "right" else "left")
        open_ended = np.minimum(interval, len(self.begins) - 1)
        found = self.begins[open_ended] + (worked - self.before[open_ended])
        return np.where(interval < len(self.begins), found, np.nan)
