"""The half-hours of the week in which the service is open: the cells that need people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter.calendar import WEEKDAYS
from queue_model.errors import ModelError
from queue_model.scenario.period import Period
from queue_model.simulation import event_kinds
from queue_model.simulation.inputs import TOPICS

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Counts = NDArray[np.int64]

STEP = 30  # minutes
SLOTS = 24 * 60 // STEP


def clock(minutes: int) -> str:
    """Minutes after midnight as `09:30`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@dataclass(frozen=True, eq=False)
class HalfHours:
    """Cells in order of weekday and time, and their occurrences in the period in order of time."""

    weekday: Indices  # of each cell, 0 = Monday
    slot: Indices  # of each cell, half-hours after midnight
    cell: Indices  # of each occurrence
    start: Floats  # of each occurrence, s of the period
    until: Floats

    def __len__(self) -> int:
        return len(self.slot)

    def name(self, cell: int) -> str:
        """`monday 09:30`."""
        return f"{WEEKDAYS[self.weekday[cell]]} {clock(int(self.slot[cell]) * STEP)}"

    @property
    def weekdays(self) -> list[int]:
        """The weekdays on which the service is open."""
        return sorted(set(self.weekday.tolist()))

    def cells_at(self, at: Floats) -> Indices:
        """The cell of each instant; -1 outside opening hours."""
        place = np.searchsorted(self.start, at, "right") - 1
        inside = (place >= 0) & (at < self.until[place])
        return np.where(inside, self.cell[place], -1)

    def seconds(self) -> Floats:
        """The total duration of each cell in the period, [cells]."""
        return np.asarray(np.bincount(self.cell, self.until - self.start, len(self)), dtype=np.float64)


def half_hours(period: Period) -> HalfHours:
    """The half-hours of a period. Raises ModelError if the service never opens in it."""
    occurrences = [
        (day, slot, *span)
        for day in np.flatnonzero(period.opens).tolist()
        for slot in range(SLOTS)
        if (span := _open_part(period, day, slot)) is not None
    ]
    if not occurrences:
        raise ModelError(
            f"period: the service is closed on all {period.days} days from {period.first}; choose another period"
        )
    first = period.first.weekday()
    keys = sorted({((first + day) % 7, slot) for day, slot, _, _ in occurrences})
    number = {key: each for each, key in enumerate(keys)}
    return HalfHours(
        weekday=np.array([key[0] for key in keys], dtype=np.intp),
        slot=np.array([key[1] for key in keys], dtype=np.intp),
        cell=np.array([number[(first + day) % 7, slot] for day, slot, _, _ in occurrences], dtype=np.intp),
        start=np.array([start for *_, start, _ in occurrences]),
        until=np.array([until for *_, until in occurrences]),
    )


def _open_part(period: Period, day: int, slot: int) -> tuple[float, float] | None:
    start, until = period.seconds(day, slot * STEP), period.seconds(day, (slot + 1) * STEP)
    inside = (period.open_from < until) & (period.open_until > start)
    if start >= until or not inside.any():
        return None
    return max(start, float(period.open_from[inside][0])), min(until, float(period.open_until[inside][-1]))


def staff_schedule(cells: HalfHours, staff: Counts) -> dict[str, Any]:
    """A schedule with exactly `staff` [cells] people at work in each half-hour, as arguments of `inputs.build`.

    Person k works whenever more than k people are required; people who leave finish the current call first.
    """
    required = staff[cells.cell]
    people = int(required.max())
    present = required[None, :] > np.arange(people)[:, None]
    joined = np.concatenate(([False], cells.until[:-1] == cells.start[1:]))
    begins, ends = present.copy(), present.copy()
    begins[:, 1:] &= ~(present[:, :-1] & joined[None, 1:])
    ends[:, :-1] &= ~(present[:, 1:] & joined[None, 1:])
    arriving, comes = np.nonzero(begins)
    leaving, goes = np.nonzero(ends)
    at = np.concatenate((cells.start[comes], cells.until[goes]))
    kind = np.repeat(
        np.array([event_kinds.SHIFT_START, event_kinds.SHIFT_END], dtype=np.uint8), (len(comes), len(goes))
    )
    who = np.concatenate((arriving, leaving)).astype(np.int32)
    order = np.lexsort((who, kind, at))
    return {
        "n_operators": people,
        "skills": np.full(people, 2**TOPICS - 1, dtype=np.uint64),
        "event_at": at[order],
        "event_kind": kind[order],
        "event_operator": who[order],
    }
