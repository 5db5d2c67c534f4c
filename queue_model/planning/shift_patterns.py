"""Shift patterns: every way to place the breaks of a shift, on quarters of an hour."""

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
    """A shift with its breaks, each (from, until)."""

    shift: Shift
    breaks: tuple[tuple[int, int], ...]

    @property
    def present(self) -> Flags:
        """The quarters of the day that occupy a seat, breaks included."""
        quarter = np.arange(QUARTERS) * GRID
        return np.asarray((quarter >= self.shift.start) & (quarter < self.shift.end))

    @property
    def works(self) -> Flags:
        """The quarters of work, without breaks."""
        working, quarter = self.present, np.arange(QUARTERS) * GRID
        for begin, end in self.breaks:
            working &= (quarter < begin) | (quarter >= end)
        return working


def shifts(force: Workforce) -> list[Shift]:
    """Every shift of the people document, in order of time."""
    return sorted(
        Shift(minute(start), minute(start) + spec.minutes, name)
        for name, spec in force.shifts.items()
        for start in dict.fromkeys(spec.starts)
    )


def shift_patterns(force: Workforce) -> list[ShiftPattern]:
    """Every shift pattern. Raises ModelError if there are more than MOST_PATTERNS."""
    found = []
    for shift in shifts(force):
        for breaks in _break_times(force.shifts[shift.kind].breaks, shift.start, shift.start):
            found.append(ShiftPattern(shift, breaks))
            if len(found) > MOST_PATTERNS:
                remedy = "narrow after and latest of the breaks, or write fewer starts"
                raise ModelError(f"shifts.{shift.kind}: more than {MOST_PATTERNS:,} ways to place breaks; {remedy}")
    return found


def _break_times(breaks: Sequence[Break], start: int, free: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every placement of the breaks in their order, without overlap. `free`: the earliest start."""
    if not breaks:
        yield ()
        return
    first, *rest = breaks
    for begin in range(max(start + first.after, free), start + first.latest + 1, GRID):
        for others in _break_times(rest, start, begin + first.minutes):
            yield ((begin, begin + first.minutes), *others)
