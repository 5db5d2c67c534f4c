"""How many must be at work in each half-hour of the week so that its callers get what the targets say.

Iterative staffing: from Erlang A's answer, half-hours that fail get a person more until none fails; then people are
taken away, many half-hours at once, and given back where that was one too many. At the end a local search tries every
half-hour with one person fewer, all else unchanged, and stops only when each of these neighbours fails somewhere: no
single person could be spared. All staffs meet the same callers (`queue_model.planning.staffing_trials`).

The people counted here are at work: neither absent nor on a break. Breaks and absence are the rota's matter.
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

DEFAULT = Goal("service_level", 0.8, at_least=True)  # where the scenario names no target
STRIDE = 3  # half-hours between two from which people are taken at once
MOST_STEPS = 500  # of raising; each adds a person somewhere
MOST_PEOPLE = 100_000


@dataclass(frozen=True, eq=False)
class Staffing:
    """People at work in each half-hour of the week, [cells], and what they make of it."""

    study: Study
    cells: HalfHours
    goals: tuple[Goal, ...]
    targets_given: bool  # the scenario names its targets
    staff: Counts  # the fewest, never more than the seats
    levels: Levels
    unlimited: Counts  # the fewest if there were seats for everybody
    failing: Flags  # where even all seats do not do
    formulas: FormulaStaffing
    seats: int
    engine: str
    seed: int
    replications: int
    tried: int  # staffs that were simulated
    proved: int  # neighbours with one person fewer, each of which fails

    @property
    def binding(self) -> Flags:
        """Where more people would be wanted than there are seats."""
        return np.asarray((self.unlimited > self.seats) | self.failing)

    def hours(self, staff: Counts) -> float:
        """Operator-hours of an ordinary week."""
        return float(staff @ self.week_seconds()) / 3600

    def requirements(self) -> dict[str, dict[str, int]]:
        """The staff by weekday and half-hour ("09:30"), as `queue_model.planning.rota` reads it."""
        found: dict[str, dict[str, int]] = {}
        for cell, count in enumerate(self.staff.tolist()):
            day = found.setdefault(WEEKDAYS[self.cells.weekday[cell]], {})
            day[clock(int(self.cells.slot[cell]) * STEP)] = count
        return found

    def week_seconds(self) -> NDArray[np.float64]:
        """How long each cell lasts, each time, [cells]."""
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
    found = goals(study)
    wanted = tuple(found or [DEFAULT])
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
            study, trials.cells, wanted, bool(found), best, levels, free, ~levels.met(wanted),
            formulas, seats, trials.engine, trials.seed, len(trials.drawn), trials.tried, proved,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class TargetCheck:
    """How a staff stands: where the goals are met, and by how much each is met or missed, [goals, cells]."""

    met: Flags
    margin: NDArray[np.float64]

    def worse_in(self, other: TargetCheck) -> Flags:
        """Where another staff fails and this does not, or fails by more."""
        worse = (other.margin < self.margin - 1e-9).any(axis=0)
        return np.asarray((self.met & ~other.met) | (~self.met & worse))


class Search:
    """From some staff to one that nobody could be taken from."""

    def __init__(self, trials: Trials, wanted: Sequence[Goal], progress: Progress = lambda done, wanted: None) -> None:
        self.trials, self.wanted, self.progress = trials, wanted, progress
        self.proved = 0

    def check(self, staff: Counts) -> TargetCheck:
        levels = self.trials.levels(staff)
        return TargetCheck(levels.met(self.wanted), levels.margin(self.wanted))

    def fewest(self, start: Counts, limit: int) -> Counts:
        """The staff, at least 1 and at most `limit` in every half-hour."""
        staff, before = self.raise_staff(start, limit)
        return self.prove_minimal(self.lower_staff(staff, before), before)

    def raise_staff(self, staff: Counts, limit: int) -> tuple[Counts, TargetCheck]:
        """People added where the goals are missed, as far as the limit lets them be."""
        staff = staff.copy()
        for _ in range(MOST_STEPS):
            look = self.check(staff)
            short = ~look.met & (staff < limit)
            if not short.any():
                return staff, look
            staff[short] += 1
        name = self.trials.cells.name(int(np.flatnonzero(short)[0]))
        raise ModelError(f"targets: not met on {name} even with {int(staff[short][0])} people; ask for less")

    def lower_staff(self, staff: Counts, before: TargetCheck) -> Counts:
        """People taken away in many half-hours at once, and given back where something fails that did not before."""
        open_still = (staff > 1) & before.met
        while open_still.any():
            for phase in range(STRIDE):
                chosen = open_still & (self.trials.cells.slot % STRIDE == phase)
                if chosen.any():
                    gone = self._removable(staff, chosen, before)
                    staff = staff - gone
                    open_still &= ~chosen | gone
            open_still &= staff > 1
        return staff

    def _removable(self, staff: Counts, chosen: Flags, before: TargetCheck) -> Flags:
        """In which of the chosen half-hours one fewer will do, all of them together."""
        gone = chosen.copy()
        while gone.any():
            lost = np.flatnonzero(before.worse_in(self.check(staff - gone)))
            if not len(lost):
                break
            # What fails is put down to the half-hour itself, or to the last one before it from which somebody went.
            blamed = [int(np.flatnonzero(gone[: cell + 1])[-1]) for cell in lost if gone[: cell + 1].any()]
            if not blamed:
                return np.zeros_like(gone)
            gone[blamed] = False
        return gone

    def prove_minimal(self, staff: Counts, before: TargetCheck) -> Counts:
        """Try each half-hour with one person fewer until all of these neighbours fail in a row."""
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
