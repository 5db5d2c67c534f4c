"""Assigns people to the shifts that the cover requires, by integer programming.

Contract hours, rest, consecutive days, absences, weekdays and kinds of shift are hard constraints. The programme first
minimises the number of open shifts (those that nobody can take). Then it brings each person's number of shifts, in all
and of each fair kind, to within one of a fair share by contract and presence, as nearly as the constraints allow.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from charter.calendar import WEEKDAYS
from queue_model.planning.covering import Solution, solve
from queue_model.planning.shift_patterns import Shift
from queue_model.planning.workforce import Person, Workforce

OPEN_SHIFT = 1000.0  # cost of an open shift; a miss of a fair share by one shift costs 1
Key = tuple[date, Shift]


@dataclass(frozen=True, eq=False)
class Assignment:
    """`who[day, shift]`: the codes of the people who work it; `open_shifts`: how many nobody could take."""

    who: dict[Key, list[str]]
    open_shifts: dict[Key, int]
    unfair: float  # shifts by which all people together miss their fair shares, beyond rounding
    gap: float


def is_present(person: Person, day: date) -> bool:
    """Whether the person is available on that day."""
    if person.weekdays is not None and WEEKDAYS[day.weekday()] not in person.weekdays:
        return False
    return not any(absence.first <= day <= (absence.last or absence.first) for absence in person.absences)


def may_work(person: Person, shift: Shift) -> bool:
    """Whether the person works this kind of shift."""
    return person.shifts is None or shift.kind in person.shifts


def week_start(day: date) -> date:
    """The Monday of the week of `day`."""
    return day - timedelta(days=day.weekday())


def week_minutes(force: Workforce, person: Person, days: Iterable[date], kinds: Sequence[Shift]) -> float:
    """The most minutes that a person can work on these days of one week; in whole shifts when all have one length."""
    lengths = {shift.minutes for shift in kinds if may_work(person, shift)}
    if not lengths:
        return 0.0
    most = min(60 * force.contracts[person.contract].hours, max(lengths) * _most_days(force, person, days))
    return float(most // min(lengths) * min(lengths)) if len(lengths) == 1 else most


def _most_days(force: Workforce, person: Person, days: Iterable[date]) -> int:
    count = sum(is_present(person, day) for day in days)
    running = force.rules.days_running
    return min(count, 7 - 7 // (running + 1)) if running < 7 else count


class _Rows:
    """The rows of a sparse constraint matrix, added one by one."""

    def __init__(self) -> None:
        self.row: list[int] = []
        self.column: list[int] = []
        self.value: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, columns: Iterable[int], low: float, high: float, values: Iterable[float] | float = 1.0) -> None:
        indices = list(columns)
        coefficients = [values] * len(indices) if isinstance(values, (int, float)) else list(values)
        self.row += [len(self.low)] * len(indices)
        self.column += indices
        self.value += coefficients
        self.low.append(low)
        self.high.append(high)

    def constraint(self, size: int) -> tuple[sparse.csr_array, NDArray[np.float64], NDArray[np.float64]]:
        matrix = sparse.csr_array((self.value, (self.row, self.column)), shape=(len(self.low), size))
        return matrix, np.array(self.low), np.array(self.high)


def assign(force: Workforce, required: Mapping[Key, int], *, gap: float = 0.0, seconds: float = 60.0) -> Assignment:
    """Assign people to the required number of each shift on each day. Raises NoSolution if the time runs out."""
    model = _Model(force, {key: count for key, count in required.items() if count})
    return model.read(model.solve(gap, seconds))


class _Model:
    """Variables: 0 or 1 for each person, day and shift that they may work; open shifts; misses of fair shares."""

    def __init__(self, force: Workforce, required: Mapping[Key, int]) -> None:
        self.force, self.required = force, required
        self.picks = [
            (code, key)
            for code, person in force.people.items()
            for key in sorted(required)
            if is_present(person, key[0]) and may_work(person, key[1])
        ]
        self.opens = sorted(required)
        self.rows = _Rows()
        self.misses = 0
        self.by_person: dict[str, list[int]] = defaultdict(list)
        by_key: dict[Key, list[int]] = defaultdict(list)
        for index, (code, key) in enumerate(self.picks):
            self.by_person[code].append(index)
            by_key[key].append(index)
        first_open = len(self.picks)
        for number, key in enumerate(self.opens):
            self.rows.add([*by_key[key], first_open + number], required[key], required[key])
        for code, indices in self.by_person.items():
            self._add_rules(force.people[code], indices)
        self._add_fair_shares()

    def _add_rules(self, person: Person, own: list[int]) -> None:
        rules, by_day, by_week = self.force.rules, defaultdict(list), defaultdict(list)
        for index in own:
            day = self.picks[index][1][0]
            by_day[day].append(index)
            by_week[week_start(day)].append(index)
        for indices in by_day.values():
            self.rows.add(indices, 0, 1)
        for indices in by_week.values():
            minutes = [float(self.picks[index][1][1].minutes) for index in indices]
            self.rows.add(indices, 0, 60 * self.force.contracts[person.contract].hours, minutes)
        for day in by_day:
            window = [index for n in range(rules.days_running + 1) for index in by_day.get(day + timedelta(n), ())]
            if len({self.picks[index][1][0] for index in window}) > rules.days_running:
                self.rows.add(window, 0, rules.days_running)
            self._add_rest(by_day[day], by_day.get(day + timedelta(1), []))

    def _add_rest(self, today: list[int], tomorrow: list[int]) -> None:
        """Forbid an early shift on the day after a late one."""
        for end in sorted({self.picks[index][1][1].end for index in today}):
            earliest = end + 60 * self.force.rules.rest_hours - 24 * 60
            early = [index for index in tomorrow if self.picks[index][1][1].start < earliest]
            if early:
                self.rows.add([index for index in today if self.picks[index][1][1].end >= end] + early, 0, 1)

    def _add_fair_shares(self) -> None:
        """Compare each person's number of shifts, in all and of each fair kind, with their share of the total."""
        kinds: list[str | None] = [None, *(name for name, kind in self.force.shifts.items() if kind.fair)]
        weight = {code: self._presence(code, own) for code, own in self.by_person.items()}
        for kind in kinds:
            of_kind = {
                code: [i for i in indices if kind in (None, self.picks[i][1][1].kind)]
                for code, indices in self.by_person.items()
            }
            able = {code: weight[code] for code, indices in of_kind.items() if indices and weight[code]}
            total = sum(count for (_, shift), count in self.required.items() if kind in (None, shift.kind))
            for code in able:
                share = total * able[code] / sum(able.values())
                miss = len(self.picks) + len(self.opens) + self.misses
                self.misses += 1
                self.rows.add([*of_kind[code], miss], math.floor(share + 1e-9), np.inf)
                self.rows.add(
                    [*of_kind[code], miss], -np.inf, math.ceil(share - 1e-9), [1.0] * len(of_kind[code]) + [-1.0]
                )

    def _presence(self, code: str, own: list[int]) -> float:
        """Minutes that a person could work in all weeks."""
        person = self.force.people[code]
        weeks: dict[date, set[date]] = defaultdict(set)
        for index in own:
            day = self.picks[index][1][0]
            weeks[week_start(day)].add(day)
        kinds = sorted({shift for _, shift in self.required})
        return sum(week_minutes(self.force, person, days, kinds) for days in weeks.values())

    def solve(self, gap: float, seconds: float) -> Solution:
        picks, opens = len(self.picks), len(self.opens)
        cost = np.concatenate((np.zeros(picks), np.full(opens, OPEN_SHIFT), np.ones(self.misses)))
        upper = np.concatenate(
            (np.ones(picks), [self.required[key] for key in self.opens], np.full(self.misses, np.inf))
        )
        integral = np.concatenate((np.ones(picks), np.zeros(opens + self.misses)))
        return solve(cost, [self.rows.constraint(len(cost))], upper, integral=integral, gap=gap, seconds=seconds)

    def read(self, solution: Solution) -> Assignment:
        who: dict[Key, list[str]] = {key: [] for key in self.opens}
        for (code, key), chosen in zip(self.picks, solution.values, strict=False):
            if chosen > 0.5:
                who[key].append(code)
        missing = {key: self.required[key] - len(who[key]) for key in self.opens}
        unfair = float(solution.values[len(self.picks) + len(self.opens) :].sum())
        return Assignment(who, {key: count for key, count in missing.items() if count}, unfair, solution.gap)
