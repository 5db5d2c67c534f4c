"""The people document: who can work, how much, and in which shifts. A YAML file for `queue-model rota`."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from charter.calendar import MIDNIGHT
from common.documents import Problem, Unreadable, read
from common.places import short_path
from common.suggestions import did_you_mean
from common.type_errors import find_type_errors
from ivr.configuration.settings import Label, Line, Share, Text
from queue_model.planning.weekly_half_hours import clock
from queue_model.scenario.checks import minute
from queue_model.scenario.schema import TimeOfDay, Weekday
from queue_model.scenario.study import MOST_PROBLEMS, ScenarioError

GRID = 15  # minutes; shifts and breaks begin at multiples of it
MOST_PATTERNS = 20_000

Quarter = Annotated[int, Meta(ge=0, le=1440, multiple_of=GRID, description="minutes, a multiple of 15")]
Hours = Annotated[float, Meta(ge=0, le=168, description="hours, 0 to 168")]


class Break(Struct, frozen=True, forbid_unknown_fields=True):
    """A break that begins between `after` and `latest` minutes after the start of the shift."""

    minutes: Annotated[int, Meta(ge=GRID, le=240, multiple_of=GRID, description="minutes, a multiple of 15")]
    after: Quarter
    latest: Quarter


class ShiftKind(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of shift, which may begin at any of `starts`."""

    starts: Annotated[list[TimeOfDay], Meta(min_length=1, max_length=96)]
    minutes: Annotated[int, Meta(ge=GRID, le=720, multiple_of=GRID, description="minutes, a multiple of 15")]
    breaks: Annotated[list[Break], Meta(max_length=6)] = []
    fair: bool = True  # shared fairly among the people


class Contract(Struct, frozen=True, forbid_unknown_fields=True):
    hours: Hours  # at most per week; breaks are working time
    least: Hours = 0  # at least per week without absence, even if nobody is needed


class Absence(Struct, frozen=True, forbid_unknown_fields=True):
    first: datetime.date
    last: datetime.date | None = None
    why: Line | None = None


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    contract: Label
    weekdays: Annotated[list[Weekday], Meta(min_length=1, max_length=7)] | None = None  # null: any
    shifts: Annotated[list[Label], Meta(min_length=1)] | None = None  # null: any
    absences: Annotated[list[Absence], Meta(max_length=100)] = []


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """Rest follows D.Lgs. 66/2003, art. 7: eleven hours between two working days."""

    rest_hours: Annotated[float, Meta(ge=0, le=48)] = 11
    days_running: Annotated[int, Meta(ge=1, le=31)] = 5
    spare: Share | None = None  # share of spare people for unplanned absence; null: the scenario's absence


class Workforce(Struct, frozen=True, forbid_unknown_fields=True):
    title: Line
    shifts: Annotated[dict[Label, ShiftKind], Meta(min_length=1, max_length=50)]
    contracts: Annotated[dict[Label, Contract], Meta(min_length=1, max_length=50)]
    people: Annotated[dict[Label, Person], Meta(min_length=1, max_length=2000)]
    rules: Rules = Rules()
    about: Text | None = None


@dataclass(frozen=True, eq=False)
class PeopleDocument:
    """A valid people document."""

    path: str
    workforce: Workforce


def load(path: str) -> PeopleDocument:
    """Read a people document. Raises `ScenarioError` with every mistake."""
    try:
        written = read(path, missing="no such file; scenarios/people.yaml is an example")
    except Unreadable as problem:
        raise ScenarioError([Problem(short_path(path), "", str(problem))]) from None
    return of(written, path)


def of(written: Any, path: str = "people") -> PeopleDocument:
    """Check plain values as a people document. Raises `ScenarioError` with every mistake."""
    file = short_path(path)
    problems = [Problem(file, *each) for each in islice(find_type_errors(written, Workforce), MOST_PROBLEMS)]
    if problems:
        raise ScenarioError(problems)
    workforce = msgspec.convert(written, Workforce)
    problems = [Problem(file, *each) for each in islice(_mistakes(workforce), MOST_PROBLEMS)]
    if problems:
        raise ScenarioError(problems)
    return PeopleDocument(path, workforce)


def _mistakes(force: Workforce) -> Iterator[tuple[str, str]]:
    for name, kind in force.shifts.items():
        yield from _shift_mistakes(f"shifts.{name}", kind)
    for name, contract in force.contracts.items():
        if contract.least > contract.hours:
            yield f"contracts.{name}.least", f"{contract.least:g} h is more than hours, {contract.hours:g}; lower it"
    for code, person in force.people.items():
        yield from _unknown(f"people.{code}.contract", [person.contract], force.contracts)
        yield from _unknown(f"people.{code}.shifts", person.shifts or (), force.shifts)
        for index, absence in enumerate(person.absences):
            if absence.last is not None and absence.last < absence.first:
                yield f"people.{code}.absences[{index}].last", f"{absence.last} is before first; swap them"


def _unknown(where: str, names: Any, known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name not in known:
            remedy = did_you_mean(name, known) or f"; use one of {', '.join(known)}"
            yield where, f"{name} does not exist{remedy}"


def _shift_mistakes(where: str, shift: ShiftKind) -> Iterator[tuple[str, str]]:
    for index, text in enumerate(shift.starts):
        try:
            start = minute(text)
        except ValueError as problem:
            yield f"{where}.starts[{index}]", str(problem)
            continue
        if start % GRID:
            yield (
                f"{where}.starts[{index}]",
                f"{text} is not on a quarter of an hour; write {clock(start - start % GRID)}",
            )
        if start + shift.minutes > MIDNIGHT:
            yield f"{where}.starts[{index}]", f"{shift.minutes} minutes from {text} end after midnight; start earlier"
    earliest = 0  # minutes after the start at which the break before may be over
    for index, pause in enumerate(shift.breaks):
        key = f"{where}.breaks[{index}]"
        if pause.latest < pause.after:
            yield f"{key}.latest", f"{pause.latest} is before after, {pause.after}; make it later"
        if pause.after == 0 or pause.latest + pause.minutes >= shift.minutes:
            yield key, f"may fall on the start or end of the shift of {shift.minutes} minutes; keep it inside"
        if pause.latest < earliest:
            yield key, "cannot begin after the break above it; write breaks in order"
        earliest = pause.after + pause.minutes
