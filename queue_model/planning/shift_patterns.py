"""Shifts as columns: every way to work one shift, with its breaks at quarters of an hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queue_model.errors import ModelError
from queue_model.planning.weekly_half_hours import clock
from queue_model.planning.workforce import GRID, MOST_PATTERNS, Break, Workforce
from queue_model.scenario.checks import minute

QUARTERS = 24 * 60 // GRID
Flags = NDArray[np.bool_]


@dataclass(frozen=True, order=True)
class Shift:
    """A shift without its breaks; minutes after local midnight."""

    start: int
    end: int
    kind: str

    @property
    def minutes(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.kind} {clock(self.start)}-{clock(self.end)}"


@dataclass(frozen=True)
class ShiftPattern:
    """A shift with its breaks, (from, until) each."""

    shift: Shift
    breaks: tuple[tuple[int, int], ...]

    @property
    def present(self) -> Flags:
        """The quarters of the day in which he holds a seat, breaks included."""
        quarter = np.arange(QUARTERS) * GRID
        return np.asarray((quarter >= self.shift.start) & (quarter < self.shift.end))

    @property
    def works(self) -> Flags:
        """The quarters in which he is at work."""
        here, quarter = self.present, np.arange(QUARTERS) * GRID
        for begin, end in self.breaks:
            here &= (quarter < begin) | (quarter >= end)
        return here


def shifts(force: Workforce) -> list[Shift]:
    """Every shift that may be worked, in order of time."""
    return sorted(
        Shift(minute(start), minute(start) + turn.minutes, kind)
        for kind, turn in force.shifts.items()
        for start in dict.fromkeys(turn.starts)
    )


def shift_patterns(force: Workforce) -> list[ShiftPattern]:
    """Every column. Raises ModelError when there are far too many."""
    found = []
    for shift in shifts(force):
        for placed in _placed(force.shifts[shift.kind].breaks, shift.start, shift.start):
            found.append(ShiftPattern(shift, placed))
            if len(found) > MOST_PATTERNS:
                remedy = "narrow the breaks' after and latest, or write fewer starts"
                raise ModelError(f"shifts.{shift.kind}: more than {MOST_PATTERNS:,} ways to place breaks; {remedy}")
    return found


def _placed(pauses: Sequence[Break], start: int, free: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The breaks, one after the other, none before the one above it is over."""
    if not pauses:
        yield ()
        return
    first, *rest = pauses
    for begin in range(max(start + first.after, free), start + first.latest + 1, GRID):
        for others in _placed(rest, start, begin + first.minutes):
            yield ((begin, begin + first.minutes), *others)
