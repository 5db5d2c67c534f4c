"""A rota: shifts, breaks and people for weeks or a month, from what each half-hour requires.

Two integer programmes, one after the other. The cover decides, week by week, how many work each shift with its breaks
at which quarters, for the fewest hours that meet the requirements within seats, presence and contract hours; the
assignment puts people on those shifts (`queue_model.planning.assignment`). The cover knows of people only how many
there are,
so its cost is a bound for both: where every shift finds somebody, the rota is within the cover's gap of the best.
Whether callers get what was promised is for the simulation to say: `queue_model.planning.rota_check`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from charter.calendar import WEEKDAYS
from queue_model.errors import ModelError
from queue_model.planning.assignment import Assignment, Key, assign, is_present, week_minutes, week_start
from queue_model.planning.covering import Cover, Infeasible, Rule, cover
from queue_model.planning.shift_patterns import QUARTERS, Shift, ShiftPattern, shift_patterns
from queue_model.planning.weekly_half_hours import STEP, HalfHours, clock, half_hours
from queue_model.planning.workforce import GRID, Workforce
from queue_model.scenario.checks import minute, opening
from queue_model.scenario.study import Study

Counts = NDArray[np.int64]
Progress = Callable[[int, int], None]
PER_CELL = STEP // GRID
MISSING = 100.0  # spare people whom one missing person is worth


@dataclass(frozen=True)
class Duty:
    """What one person works on one day."""

    day: date
    person: str
    pattern: ShiftPattern


@dataclass(frozen=True)
class Shortage:
    """A stretch in which fewer are planned than required; minutes after midnight."""

    day: date
    start: int
    until: int
    required: int
    planned: int

    def __str__(self) -> str:
        day = f"{WEEKDAYS[self.day.weekday()]} {self.day.isoformat()}"
        missing = self.required - self.planned
        return f"{day} {clock(self.start)}-{clock(self.until)}: {self.planned} of {self.required} ({missing} short)"


@dataclass(frozen=True, eq=False)
class Rota:
    """Everybody's duties, and how they stand against what was required."""

    study: Study
    force: Workforce
    days: list[date]
    required: dict[date, Counts]  # people at work, by quarter of the day
    wanted: dict[date, Counts]  # the same with spare people for absence, within the seats
    duties: list[Duty]
    open_shifts: dict[Key, int]
    shortages: list[Shortage]  # of `required`
    hours: float
    bound: float  # hours; no rota that falls short no more has fewer
    unfair: float

    @property
    def gap(self) -> float:
        return max(0.0, self.hours - self.bound) / self.hours if self.hours else 0.0

    def planned(self, day: date) -> Counts:
        """People at work in each quarter of that day."""
        return at_work([duty.pattern for duty in self.duties if duty.day == day])


def at_work(using: Sequence[ShiftPattern]) -> Counts:
    return np.sum([each.works for each in using], axis=0, dtype=np.int64) if using else np.zeros(QUARTERS, np.int64)


def make_rota(
    study: Study,
    force: Workforce,
    requirements: Mapping[str, Mapping[str, int]],
    *,
    gap: float = 0.01,
    seconds: float = 30.0,
    progress: Progress = lambda done, wanted: None,
) -> Rota:
    """The rota of the scenario's period. `requirements`: people at work by weekday and half-hour ("09:30"), as
    `queue-model staff` finds them. `gap`: how near to the optimum is near enough. `seconds`: for each programme.

    Raises ModelError.
    """
    _within_hours(study, force)
    cells = half_hours(study.period)
    period = study.period
    days = [period.date(day) for day in np.flatnonzero(period.opens).tolist()]
    seats = study.scenario.operators.seats or int(study.compiled["service"]["queue"]["seats"])
    spare = study.scenario.operators.absence if force.rules.spare is None else force.rules.spare
    if spare >= 1:
        raise ModelError("rules.spare: 1, so nobody ever comes; write a share below 1")
    week = required_by_quarter(cells, requirements)
    required = {day: week[day.weekday()] for day in days}
    wanted = {day: np.minimum(_with_spare(need, spare), np.maximum(need, seats)) for day, need in required.items()}
    weeks: dict[date, list[date]] = defaultdict(list)
    for day in days:
        weeks[week_start(day)].append(day)
    covered = [_Week(force, mine, required, wanted, seats).solve(gap, seconds) for mine in weeks.values()]
    chosen = {day: mine for each in covered for day, mine in each.columns.items()}
    progress(1, 2)
    counts: dict[Key, int] = defaultdict(int)
    for day, using in chosen.items():
        for column in using:
            counts[day, column.shift] += 1
    assigned = assign(force, counts, gap=gap, seconds=seconds)
    duties = _duties(chosen, assigned)
    progress(2, 2)
    return Rota(
        study, force, days, required, wanted, duties, assigned.open_shifts, _shortages(required, duties),
        sum(duty.pattern.shift.minutes for duty in duties) / 60, sum(each.bound for each in covered) / 60,
        assigned.unfair,
    )  # fmt: skip


def _within_hours(study: Study, force: Workforce) -> None:
    """Nobody is sent to a closed door. Raises ModelError for a start at which a shift fits the hours of no weekday."""
    days = [(ranges[0].start, ranges[-1].until) for ranges in opening(study.compiled).values() if ranges]
    for name, turn in force.shifts.items():
        for index, text in enumerate(turn.starts):
            start, until = minute(text), minute(text) + turn.minutes
            if not any(opens <= start and until <= closes for opens, closes in days):
                hours = ", ".join(sorted({f"{clock(opens)}-{clock(closes)}" for opens, closes in days}))
                raise ModelError(
                    f"shifts.{name}.starts[{index}]: {clock(start)}-{clock(until)} is outside the hours of service, "
                    f"{hours}; move or shorten the shift"
                )


def required_by_quarter(cells: HalfHours, requirements: Mapping[str, Mapping[str, int]]) -> dict[int, Counts]:
    """By weekday, people in each quarter of the day. Raises ModelError for half-hours that are missing or none."""
    week = {day: np.zeros(QUARTERS, np.int64) for day in cells.weekdays}
    for cell in range(len(cells)):
        name, slot = WEEKDAYS[cells.weekday[cell]], int(cells.slot[cell])
        found = requirements.get(name, {}).get(clock(slot * STEP))
        if found is None or isinstance(found, bool) or not isinstance(found, int) or found < 0:
            what = "is missing" if found is None else f"is {found!r}, no number of people"
            raise ModelError(
                f"requirements.{name}.{clock(slot * STEP)}: {what}; make them with queue-model staff --json"
            )
        week[int(cells.weekday[cell])][slot * PER_CELL : (slot + 1) * PER_CELL] = found
    return week


def _with_spare(need: Counts, spare: float) -> Counts:
    """So many that, with that share absent, those needed come on average."""
    return np.ceil(need / (1 - spare) - 1e-9).astype(np.int64)


# --- how many of each shift ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Covered:
    columns: dict[date, list[ShiftPattern]]
    bound: float  # minutes


class _Week:
    """The cover of one week: for each day and column, how many work it."""

    def __init__(
        self,
        force: Workforce,
        days: Sequence[date],
        required: Mapping[date, Counts],
        wanted: Mapping[date, Counts],
        seats: int,
    ) -> None:
        self.force, self.days, self.seats = force, days, seats
        self.columns = shift_patterns(force)
        self.works = np.array([each.works for each in self.columns]).T  # [quarters, columns]
        self.minutes = np.array([each.shift.minutes for each in self.columns], dtype=np.float64)
        self.need = [{day: each[day] for day in days} for each in (required, wanted)]
        self.kinds = sorted({each.shift for each in self.columns})

    def solve(self, gap: float, seconds: float) -> _Covered:
        rows = {day: np.flatnonzero(need) for day, need in self.need[0].items()}
        works = sparse.block_diag([self.works[rows[day]] for day in self.days], format="csr")
        # Below what is required is far worse than without the spare people, where not both can be had.
        matrix = sparse.vstack((works, works), format="csr")
        need = np.concatenate([each[day][rows[day]] for each in self.need for day in self.days])
        weights = np.repeat([MISSING, 1.0], works.shape[0])
        cost = np.tile(self.minutes, len(self.days))
        rules: list[Rule] = [*self._seats(), *self._people(), self._hours(cost)]
        try:
            found = cover(need, matrix, cost, rules=rules, weights=weights, gap=gap, seconds=seconds)
        except Infeasible:
            least = sum(self.force.contracts[each.contract].least for each in self.force.people.values())
            raise ModelError(
                f"contracts: in the week of {week_start(self.days[0])}, {self.seats} seats and the people present "
                f"cannot work the {least:g} hours that contracts ask for at least; lower contracts.*.least"
            ) from None
        return _Covered(self._read(found), found.bound)

    def _read(self, found: Cover) -> dict[date, list[ShiftPattern]]:
        use = found.use.reshape(len(self.days), len(self.columns))
        return {
            day: [column for column, count in zip(self.columns, mine.tolist(), strict=True) for _ in range(count)]
            for day, mine in zip(self.days, use, strict=True)
        }

    def _seats(self) -> list[Rule]:
        """Nobody without a seat: where shifts begin is enough to look at."""
        starts = sorted({each.shift.start // GRID for each in self.columns})
        present = np.array([each.present for each in self.columns]).T[starts]
        return [(sparse.csr_array(sparse.block_diag([present] * len(self.days))), 0.0, float(self.seats))]

    def _people(self) -> list[Rule]:
        """No more of any kinds of shift on a day than people present who may work them."""
        people = self.force.people.values()
        kinds = sorted({each.shift.kind for each in self.columns})
        groups = [[kind] for kind in kinds] + ([kinds] if len(kinds) > 1 else [])
        blocks, most = [], []
        for day in self.days:
            for group in groups:
                able = [
                    each for each in people
                    if is_present(each, day) and (each.shifts is None or not set(group).isdisjoint(each.shifts))
                ]  # fmt: skip
                most.append(float(len(able)))
            blocks.append(np.array([[float(each.shift.kind in group) for each in self.columns] for group in groups]))
        high = np.array(most)
        return [(sparse.csr_array(sparse.block_diag(blocks)), np.zeros(len(high)), high)]

    def _hours(self, cost: NDArray[np.float64]) -> Rule:
        """Between what contracts ask for at least and what they allow."""
        people = self.force.people.values()
        most = sum(week_minutes(self.force, each, self.days, self.kinds) for each in people)
        least = 0.0
        for each in people:
            # Who is absent, or a week that is cut short, owes the hours of the days that are left.
            share = sum(is_present(each, day) for day in self.days) / 5
            mine = 60 * self.force.contracts[each.contract].least * min(1.0, share)
            least += min(mine, week_minutes(self.force, each, self.days, self.kinds))
        return sparse.csr_array(cost[None, :]), math.floor(least / GRID) * GRID, most


# --- who works when --------------------------------------------------------------------------------------------------


def _duties(chosen: Mapping[date, Sequence[ShiftPattern]], assigned: Assignment) -> list[Duty]:
    """Breaks for those on each shift; who had the early one last time has a later one this time."""
    duties = []
    for turn, (day, using) in enumerate(sorted(chosen.items())):
        by_shift: dict[Shift, list[ShiftPattern]] = defaultdict(list)
        for column in using:
            by_shift[column.shift].append(column)
        for shift, mine in sorted(by_shift.items()):
            who = assigned.who.get((day, shift), [])
            kept = mine if len(who) == len(mine) else _spread(mine, len(who))
            step = turn % len(who) if who else 0
            turned = [*who[step:], *who[:step]]
            duties += [Duty(day, person, column) for person, column in zip(turned, kept, strict=True)]
    return sorted(duties, key=lambda each: (each.day, each.pattern.shift, each.person))


def _spread(mine: Sequence[ShiftPattern], count: int) -> list[ShiftPattern]:
    """That many of the columns, evenly: breaks stay staggered where somebody is missing."""
    return [mine[n * len(mine) // count] for n in range(count)]


def _shortages(required: Mapping[date, Counts], duties: Sequence[Duty]) -> list[Shortage]:
    by_day: dict[date, list[ShiftPattern]] = defaultdict(list)
    for duty in duties:
        by_day[duty.day].append(duty.pattern)
    found: list[Shortage] = []
    for day, need in required.items():
        planned = at_work(by_day[day])
        for quarter in np.flatnonzero(planned < need).tolist():
            start, now = quarter * GRID, (int(need[quarter]), int(planned[quarter]))
            last = found[-1] if found else None
            if last and (last.day, last.until, last.required, last.planned) == (day, start, *now):
                found[-1] = Shortage(day, last.start, start + GRID, *now)
            else:
                found.append(Shortage(day, start, start + GRID, *now))
    return found
