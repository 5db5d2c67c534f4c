"""The fewest people at work in each half-hour of the week that meet the targets there.

Iterative staffing starts from the Erlang A result. Half-hours that miss a target get one more person until none does.
Then people are removed from many half-hours at once, and put back where a target fails. Finally a local search tries
one person fewer in every half-hour, all else unchanged. It stops when each of these neighbours misses a target, so no
single person can be removed. All staffing levels have the same callers (`queue_model.planning.staffing_trials`).

The people counted here are at work, neither absent nor on a break. The rota adds breaks and absence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charter.calendar import WEEKDAYS
from queue_model.errors import ModelError
from queue_model.planning.staffing_formulas import FormulaStaffing, formula_staffing
from queue_model.planning.staffing_trials import Goal, Levels, Trials, goals
from queue_model.planning.weekly_half_hours import STEP, Counts, HalfHours, clock
from queue_model.scenario.study import Study

Flags = NDArray[np.bool_]
Progress = Callable[[int, int], None]

DEFAULT = Goal("service_level", 0.8, at_least=True)  # if the scenario sets no target
STRIDE = 3  # people are removed from every third half-hour at once
MOST_STEPS = 500  # when adding people; each step adds at least one
MOST_PEOPLE = 100_000


@dataclass(frozen=True, eq=False)
class Staffing:
    """The people at work in each half-hour of the week, [cells], and the results."""

    study: Study
    cells: HalfHours
    goals: tuple[Goal, ...]
    targets_given: bool  # the scenario sets targets
    staff: Counts  # the fewest, never more than the seats
    levels: Levels
    unlimited: Counts  # the fewest without a limit of seats
    failing: Flags  # where a target is missed even with all seats taken
    formulas: FormulaStaffing
    seats: int
    engine: str
    seed: int
    replications: int
    tried: int  # staffing levels that were simulated
    proved: int  # neighbours with one person fewer, each of which fails

    @property
    def binding(self) -> Flags:
        """Where more people are needed than there are seats."""
        return np.asarray((self.unlimited > self.seats) | self.failing)

    def hours(self, staff: Counts) -> float:
        """Operator-hours in an ordinary week."""
        return float(staff @ self.week_seconds()) / 3600

    def requirements(self) -> dict[str, dict[str, int]]:
        """The staff by weekday and half-hour ("09:30"), the input of `queue_model.planning.rota`."""
        required: dict[str, dict[str, int]] = {}
        for cell, count in enumerate(self.staff.tolist()):
            day = required.setdefault(WEEKDAYS[self.cells.weekday[cell]], {})
            day[clock(int(self.cells.slot[cell]) * STEP)] = count
        return required

    def week_seconds(self) -> NDArray[np.float64]:
        """The duration of each cell in one week, [cells]."""
        return self.cells.seconds() / np.bincount(self.cells.cell, minlength=len(self.cells))


def find_staffing(
    study: Study,
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine_name: str | None = None,
    jobs: int | None = None,
    progress: Progress = lambda done, wanted: None,
) -> Staffing:
    """The fewest people at work in each half-hour of the week. Raises ModelError."""
    targets = goals(study)
    wanted = tuple(targets or [DEFAULT])
    seats = study.scenario.operators.seats or int(study.compiled["service"]["queue"]["seats"])
    measures = [goal.measure for goal in wanted]
    measures += [name for name in ("service_level", "abandonment") if name not in measures]
    with Trials(
        study, measures, replications=replications, seed=seed, engine_name=engine_name, jobs=jobs
    ) as trials:  # fmt: skip
        formulas = formula_staffing(study, trials, wanted)
        search = Search(trials, wanted, progress)
        free = search.fewest(np.maximum(formulas.start, 1), MOST_PEOPLE)
        best, proved = free, search.proved
        if (free > seats).any():
            search = Search(trials, wanted, progress)
            best, proved = search.fewest(np.minimum(free, seats), seats), search.proved
        levels = trials.levels(best)
        return Staffing(
            study, trials.cells, wanted, bool(targets), best, levels, free, ~levels.met(wanted),
            formulas, seats, trials.engine, trials.seed, len(trials.drawn), trials.tried, proved,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class TargetCheck:
    """Where a staffing level meets the goals, and the margin of each goal, [goals, cells]."""

    met: Flags
    margin: NDArray[np.float64]

    def worse_in(self, other: TargetCheck) -> Flags:
        """Where `other` misses a goal that this level meets, or misses it by more."""
        worse = (other.margin < self.margin - 1e-9).any(axis=0)
        return np.asarray((self.met & ~other.met) | (~self.met & worse))


class Search:
    """A search for a staffing level from which nobody can be removed."""

    def __init__(self, trials: Trials, wanted: Sequence[Goal], progress: Progress = lambda done, wanted: None) -> None:
        self.trials, self.wanted, self.progress = trials, wanted, progress
        self.proved = 0

    def check(self, staff: Counts) -> TargetCheck:
        levels = self.trials.levels(staff)
        return TargetCheck(levels.met(self.wanted), levels.margin(self.wanted))

    def fewest(self, start: Counts, limit: int) -> Counts:
        """The fewest people, at least 1 and at most `limit` in every half-hour."""
        staff, before = self.raise_staff(start, limit)
        return self.prove_minimal(self.lower_staff(staff, before), before)

    def raise_staff(self, staff: Counts, limit: int) -> tuple[Counts, TargetCheck]:
        """Add people where goals are missed, up to the limit."""
        staff = staff.copy()
        for _ in range(MOST_STEPS):
            look = self.check(staff)
            short = ~look.met & (staff < limit)
            if not short.any():
                return staff, look
            staff[short] += 1
        name = self.trials.cells.name(int(np.flatnonzero(short)[0]))
        raise ModelError(f"targets: not met on {name} even with {int(staff[short][0])} people; lower the targets")

    def lower_staff(self, staff: Counts, before: TargetCheck) -> Counts:
        """Remove people from many half-hours at once, and put them back where a goal fails that was met before."""
        candidates = (staff > 1) & before.met
        while candidates.any():
            for phase in range(STRIDE):
                chosen = candidates & (self.trials.cells.slot % STRIDE == phase)
                if chosen.any():
                    removed = self._removable(staff, chosen, before)
                    staff = staff - removed
                    candidates &= ~chosen | removed
            candidates &= staff > 1
        return staff

    def _removable(self, staff: Counts, chosen: Flags, before: TargetCheck) -> Flags:
        """The chosen half-hours that can all lose a person at the same time."""
        removed = chosen.copy()
        while removed.any():
            lost = np.flatnonzero(before.worse_in(self.check(staff - removed)))
            if not len(lost):
                break
            # A failure is attributed to the half-hour itself, or to the last one before it that lost a person.
            blamed = [int(np.flatnonzero(removed[: cell + 1])[-1]) for cell in lost if removed[: cell + 1].any()]
            if not blamed:
                return np.zeros_like(removed)
            removed[blamed] = False
        return removed

    def prove_minimal(self, staff: Counts, before: TargetCheck) -> Counts:
        """Try one person fewer in each half-hour until all of these neighbours fail in a row."""
        self.proved, cell, since = 0, 0, 0
        while since < len(staff):
            self.progress(since, len(staff))
            since += 1
            if staff[cell] > 1:
                neighbour = staff.copy()
                neighbour[cell] -= 1
                if before.worse_in(self.check(neighbour)).any():
                    self.proved += 1
                else:
                    staff, since, self.proved = neighbour, 0, 0
            cell = (cell + 1) % len(staff)
        return staff
