"""The roster: shifts and breaks of a scenario as instants, with absence and lateness drawn for each day.

Operators are numbered shift after shift, in the order of the scenario, and work the same shift on all of its days. An
operator who arrives too late for a break does not get it. If a break would last to the end of the shift, the operator
goes home when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter.calendar import WEEKDAYS, parse_range
from queue_model.random.streams import Streams, places
from queue_model.random.ziggurat import Words
from queue_model.scenario.checks import minute, opening, shift_days
from queue_model.scenario.laws import Floats, standard, values
from queue_model.scenario.schema import Late, Shift
from queue_model.scenario.study import Study
from queue_model.simulation import event_kinds

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Roster:
    """The shifts without random events: a row for each operator and planned working day."""

    people: int
    skills: NDArray[np.uint64]  # [people]
    person: Indices  # [rows]
    day: Indices
    start: Floats  # seconds of the period
    end: Floats
    breaks: tuple[tuple[Floats, Floats], ...]  # (from, until) of the n-th break of each row; inf = none

    @cached_property
    def where(self) -> Words:
        """The addresses of the random numbers of each row."""
        return places(self.day, self.person)


def roster(study: Study) -> Roster:
    """The roster of a study's period."""
    shifts = list(study.scenario.operators.shifts.values())
    days = [[day for day in range(study.period.days) if _worked(study, shift, day)] for shift in shifts]
    first, rows = 0, []
    for shift, worked in zip(shifts, days, strict=True):
        rows += [_rows(study, shift, first, worked)]
        first += shift.operators
    columns = [np.concatenate(column) for column in zip(*((*row[:4],) for row in rows), strict=True)]
    most = max(len(shift.breaks) for shift in shifts)
    breaks = tuple(
        (np.concatenate([row[4][n][0] for row in rows]), np.concatenate([row[4][n][1] for row in rows]))
        for n in range(most)
    )
    skills = [_skills(study, shift) for shift in shifts for _ in range(shift.operators)]
    person, day = columns[0].astype(np.intp), columns[1].astype(np.intp)
    return Roster(first, np.array(skills, dtype=np.uint64), person, day, columns[2], columns[3], breaks)


def _worked(study: Study, shift: Shift, day: int) -> bool:
    weekday = WEEKDAYS[study.period.date(day).weekday()]
    return bool(study.period.opens[day]) and weekday in shift_days(shift, opening(study.compiled))


def _skills(study: Study, shift: Shift) -> int:
    topics = shift.topics if shift.topics is not None else study.topics
    return sum(1 << study.topics.index(topic) for topic in topics)


def _rows(study: Study, shift: Shift, first: int, days: list[int]) -> Any:
    """Columns of one shift: person, day, start, end, and (from, until) of each break; a row for each day and person."""
    count = shift.operators
    span = parse_range(shift.hours)
    starts = np.array([study.period.seconds(day, span.start) for day in days])
    ends = np.array([study.period.seconds(day, span.until) for day in days])
    person, day = np.tile(np.arange(first, first + count), len(days)), np.repeat(np.array(days, dtype=np.intp), count)
    start, end = np.repeat(starts, count), np.repeat(ends, count)
    breaks = []
    most = max(len(each.breaks) for each in study.scenario.operators.shifts.values())
    for n in range(most):
        if n >= len(shift.breaks):
            breaks.append((np.full(len(person), np.inf), np.full(len(person), np.inf)))
            continue
        rest = sorted(shift.breaks, key=lambda each: minute(each.at))[n]
        group = np.arange(count) * rest.groups // max(count, 1)
        turns = [minute(rest.at) + turn * rest.minutes for turn in range(rest.groups)]  # in local time
        instants = np.array([[study.period.seconds(each, turn) for turn in turns] for each in days])
        begins: Floats = instants.reshape(-1, len(turns))[:, group].ravel()
        breaks.append((begins, begins + 60 * rest.minutes))
    return person, day, start, end, breaks


def schedule_events(plan: Roster, study: Study, streams: Streams) -> dict[str, Any]:
    """Draw the schedule of a replication, as arguments of `inputs.build`."""
    operators = study.scenario.operators
    present = _chance(streams, "absence", plan) >= operators.absence
    start = plan.start + _delay(streams, "late", plan, operators.late)
    end = plan.end.copy()
    present &= start < end
    rows: list[tuple[Floats, Indices, int]] = []
    ready = start.copy()  # from when on the operator can take a break
    for number, (begins, until) in enumerate(plan.breaks):
        over = until + _delay(streams, f"break {number}", plan, operators.break_overrun)
        taken = present & (begins > ready) & (begins < end) & np.isfinite(begins)
        home = taken & (over >= end)
        end[home] = begins[home]
        taken &= ~home
        ready[taken] = over[taken]
        rows += [
            (begins[taken], plan.person[taken], event_kinds.BREAK_START),
            (over[taken], plan.person[taken], event_kinds.BREAK_END),
        ]
    present &= start < end
    rows += [
        (start[present], plan.person[present], event_kinds.SHIFT_START),
        (end[present], plan.person[present], event_kinds.SHIFT_END),
    ]
    rows.sort(key=lambda row: row[2])
    at = np.concatenate([row[0] for row in rows])
    person = np.concatenate([row[1] for row in rows])
    kind = np.repeat(np.array([row[2] for row in rows], dtype=np.uint8), [len(row[0]) for row in rows])
    order = _in_order(at, kind, person)
    return {
        "n_operators": plan.people,
        "skills": plan.skills,
        "event_at": at[order],
        "event_kind": kind[order],
        "event_operator": person[order].astype(np.int32),
    }


def _in_order(at: Floats, kind: NDArray[np.uint8], person: Indices) -> Indices:
    """The order by instant, kind and person. A stable sort by instant is usually enough; it is checked."""
    order = np.argsort(at, kind="stable")
    then = at[order]
    rank = (kind * np.intp(person.max() + 1 if len(person) else 1) + person)[order]
    if ((then[1:] == then[:-1]) & (rank[1:] < rank[:-1])).any():
        return np.lexsort((person, kind, at))
    return order


def _chance(streams: Streams, name: str, plan: Roster) -> Floats:
    return streams.at(f"operators/{name}", "uniform", plan.where)


def _delay(streams: Streams, name: str, plan: Roster, late: Late | None) -> Floats:
    """The seconds by which each operator is late; mostly 0."""
    delay = np.zeros(len(plan.person))
    if late is None or not late.share:
        return delay
    who, kind = np.flatnonzero(_chance(streams, f"{name}/who", plan) < late.share), standard(late.by)
    variates = streams.at(f"operators/{name}/by", kind, plan.where[who]) if kind else None
    delay[who] = values(late.by, variates, len(who))
    return delay
