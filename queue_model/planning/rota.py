"""A rota: shifts, breaks and people for some weeks, from the people required in each half-hour.

Two integer programmes run in turn. The cover decides, week by week, how many people work each shift pattern (a shift
with the times of its breaks). It uses the fewest hours that meet the requirements within seats, presence and contract
hours. The assignment then gives these shifts to people (`queue_model.planning.assignment`). The cover only counts
people, so its cost is a lower bound for both: if every shift is taken, the rota is within the cover's gap of the
optimum. The simulation checks what callers experience (`queue_model.planning.rota_check`).
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
MISSING = 100.0  # cost of a missing person; a missing spare person costs 1


@dataclass(frozen=True)
class Duty:
    """The work of one person on one day."""

    day: date
    person: str
    pattern: ShiftPattern


@dataclass(frozen=True)
class Shortage:
    """A time span with fewer people planned than required, in minutes after midnight."""

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
    """The duties of all people, compared with the requirements."""

    study: Study
    force: Workforce
    days: list[date]
    required: dict[date, Counts]  # people at work, by quarter of the day
    with_spare: dict[date, Counts]  # the same with spare people for absence, limited by the seats
    duties: list[Duty]
    open_shifts: dict[Key, int]
    shortages: list[Shortage]  # of `required`
    hours: float
    bound: float  # hours; no rota with the same shortfall has fewer
    unfair: float

    @property
    def gap(self) -> float:
        return max(0.0, self.hours - self.bound) / self.hours if self.hours else 0.0

    def planned(self, day: date) -> Counts:
        """People at work in each quarter of that day."""
        return at_work([duty.pattern for duty in self.duties if duty.day == day])


def at_work(patterns: Sequence[ShiftPattern]) -> Counts:
    """The number of people at work in each quarter of a day."""
    return (
        np.sum([each.works for each in patterns], axis=0, dtype=np.int64) if patterns else np.zeros(QUARTERS, np.int64)
    )


def make_rota(
    study: Study,
    force: Workforce,
    requirements: Mapping[str, Mapping[str, int]],
    *,
    gap: float = 0.01,
    seconds: float = 30.0,
    progress: Progress = lambda done, wanted: None,
) -> Rota:
    """The rota of the scenario's period. `requirements`: people at work by weekday and half-hour ("09:30"), as found by
    `queue-model staff`. `gap`: the accepted relative distance from the optimum. `seconds`: the time limit of each
    programme.

    Raises ModelError.
    """
    _check_hours(study, force)
    cells = half_hours(study.period)
    period = study.period
    days = [period.date(day) for day in np.flatnonzero(period.opens).tolist()]
    seats = study.scenario.operators.seats or int(study.compiled["service"]["queue"]["seats"])
    spare = study.scenario.operators.absence if force.rules.spare is None else force.rules.spare
    if spare >= 1:
        raise ModelError("rules.spare: 1 means that nobody ever comes; write a share below 1")
    week = required_by_quarter(cells, requirements)
    required = {day: week[day.weekday()] for day in days}
    with_spare = {day: np.minimum(_add_spare(need, spare), np.maximum(need, seats)) for day, need in required.items()}
    weeks: dict[date, list[date]] = defaultdict(list)
    for day in days:
        weeks[week_start(day)].append(day)
    covers = [_Week(force, each, required, with_spare, seats).solve(gap, seconds) for each in weeks.values()]
    chosen = {day: patterns for each in covers for day, patterns in each.patterns.items()}
    progress(1, 2)
    counts: dict[Key, int] = defaultdict(int)
    for day, patterns in chosen.items():
        for pattern in patterns:
            counts[day, pattern.shift] += 1
    assigned = assign(force, counts, gap=gap, seconds=seconds)
    duties = _duties(chosen, assigned)
    progress(2, 2)
    return Rota(
        study, force, days, required, with_spare, duties, assigned.open_shifts, _shortages(required, duties),
        sum(duty.pattern.shift.minutes for duty in duties) / 60, sum(each.bound for each in covers) / 60,
        assigned.unfair,
    )  # fmt: skip


def _check_hours(study: Study, force: Workforce) -> None:
    """Check that each shift fits the opening hours of some weekday at each of its starts. Raises ModelError."""
    days = [(ranges[0].start, ranges[-1].until) for ranges in opening(study.compiled).values() if ranges]
    for name, kind in force.shifts.items():
        for index, text in enumerate(kind.starts):
            start, until = minute(text), minute(text) + kind.minutes
            if not any(opens <= start and until <= closes for opens, closes in days):
                hours = ", ".join(sorted({f"{clock(opens)}-{clock(closes)}" for opens, closes in days}))
                raise ModelError(
                    f"shifts.{name}.starts[{index}]: {clock(start)}-{clock(until)} is outside the opening hours, "
                    f"{hours}; move or shorten the shift"
                )


def required_by_quarter(cells: HalfHours, requirements: Mapping[str, Mapping[str, int]]) -> dict[int, Counts]:
    """By weekday, the people required in each quarter of the day. Raises ModelError for bad requirements."""
    week = {day: np.zeros(QUARTERS, np.int64) for day in cells.weekdays}
    for cell in range(len(cells)):
        name, slot = WEEKDAYS[cells.weekday[cell]], int(cells.slot[cell])
        people = requirements.get(name, {}).get(clock(slot * STEP))
        if people is None or isinstance(people, bool) or not isinstance(people, int) or people < 0:
            what = "is missing" if people is None else f"{people!r} is not a number of people"
            raise ModelError(
                f"requirements.{name}.{clock(slot * STEP)}: {what}; write requirements with queue-model staff --json"
            )
        week[int(cells.weekday[cell])][slot * PER_CELL : (slot + 1) * PER_CELL] = people
    return week


def _add_spare(need: Counts, spare: float) -> Counts:
    """The number to plan so that, with this share absent, the needed number comes on average."""
    return np.ceil(need / (1 - spare) - 1e-9).astype(np.int64)


# --- how many of each shift ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _WeekCover:
    patterns: dict[date, list[ShiftPattern]]
    bound: float  # minutes


class _Week:
    """The cover of one week: how many people work each shift pattern on each day."""

    def __init__(
        self,
        force: Workforce,
        days: Sequence[date],
        required: Mapping[date, Counts],
        with_spare: Mapping[date, Counts],
        seats: int,
    ) -> None:
        self.force, self.days, self.seats = force, days, seats
        self.patterns = shift_patterns(force)
        self.works = np.array([each.works for each in self.patterns]).T  # [quarters, patterns]
        self.minutes = np.array([each.shift.minutes for each in self.patterns], dtype=np.float64)
        self.need = [{day: each[day] for day in days} for each in (required, with_spare)]
        self.kinds = sorted({each.shift for each in self.patterns})

    def solve(self, gap: float, seconds: float) -> _WeekCover:
        rows = {day: np.flatnonzero(need) for day, need in self.need[0].items()}
        works = sparse.block_diag([self.works[rows[day]] for day in self.days], format="csr")
        # A missing required person costs far more than a missing spare person.
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
        return _WeekCover(self._read(found), found.bound)

    def _read(self, found: Cover) -> dict[date, list[ShiftPattern]]:
        use = found.use.reshape(len(self.days), len(self.patterns))
        return {
            day: [pattern for pattern, count in zip(self.patterns, counts.tolist(), strict=True) for _ in range(count)]
            for day, counts in zip(self.days, use, strict=True)
        }

    def _seats(self) -> list[Rule]:
        """A seat for everybody present. Checking the times at which shifts begin is enough."""
        starts = sorted({each.shift.start // GRID for each in self.patterns})
        present = np.array([each.present for each in self.patterns]).T[starts]
        return [(sparse.csr_array(sparse.block_diag([present] * len(self.days))), 0.0, float(self.seats))]

    def _people(self) -> list[Rule]:
        """On each day, no more shifts of any kinds than people present who may work them."""
        people = self.force.people.values()
        kinds = sorted({each.shift.kind for each in self.patterns})
        groups = [[kind] for kind in kinds] + ([kinds] if len(kinds) > 1 else [])
        blocks, most = [], []
        for day in self.days:
            for group in groups:
                able = [
                    each for each in people
                    if is_present(each, day) and (each.shifts is None or not set(group).isdisjoint(each.shifts))
                ]  # fmt: skip
                most.append(float(len(able)))
            blocks.append(np.array([[float(each.shift.kind in group) for each in self.patterns] for group in groups]))
        high = np.array(most)
        return [(sparse.csr_array(sparse.block_diag(blocks)), np.zeros(len(high)), high)]

    def _hours(self, cost: NDArray[np.float64]) -> Rule:
        """The hours between the minimum and the maximum of the contracts."""
        people = self.force.people.values()
        most = sum(week_minutes(self.force, each, self.days, self.kinds) for each in people)
        least = 0.0
        for each in people:
            # The minimum shrinks with the days on which the person is absent or that lie outside the period.
            share = sum(is_present(each, day) for day in self.days) / 5
            own = 60 * self.force.contracts[each.contract].least * min(1.0, share)
            least += min(own, week_minutes(self.force, each, self.days, self.kinds))
        return sparse.csr_array(cost[None, :]), math.floor(least / GRID) * GRID, most


# --- who works when --------------------------------------------------------------------------------------------------


def _duties(chosen: Mapping[date, Sequence[ShiftPattern]], assigned: Assignment) -> list[Duty]:
    """Give the people on each shift their breaks, in rotation: nobody always has the early break."""
    duties = []
    for number, (day, patterns) in enumerate(sorted(chosen.items())):
        by_shift: dict[Shift, list[ShiftPattern]] = defaultdict(list)
        for pattern in patterns:
            by_shift[pattern.shift].append(pattern)
        for shift, planned in sorted(by_shift.items()):
            who = assigned.who.get((day, shift), [])
            kept = planned if len(who) == len(planned) else _pick_evenly(planned, len(who))
            step = number % len(who) if who else 0
            rotated = [*who[step:], *who[:step]]
            duties += [Duty(day, person, pattern) for person, pattern in zip(rotated, kept, strict=True)]
    return sorted(duties, key=lambda each: (each.day, each.pattern.shift, each.person))


def _pick_evenly(patterns: Sequence[ShiftPattern], count: int) -> list[ShiftPattern]:
    """This many of the patterns, evenly spaced, so that breaks stay staggered when somebody is missing."""
    return [patterns[n * len(patterns) // count] for n in range(count)]


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
