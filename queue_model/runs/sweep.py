"""One scenario with many settings: every point of a grid or a list, on all cores, each simulated once and kept.

All points meet the same callers (one seed), so neighbours differ by their settings and not by chance. A point is kept
as soon as it is finished (`queue_model.runs.cache`): an interrupted sweep goes on where it was, and a larger grid
simulates only what is new.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from common.documents import Unreadable, parse
from common.places import Places
from queue_model.errors import ModelError
from queue_model.runs.batches import Measured, Order, Portion, Task, in_order, measured, portions, tasks
from queue_model.runs.cache import Shelf, key
from queue_model.runs.executors import Executor, Threads
from queue_model.runs.measures.estimates import Estimate
from queue_model.runs.replication import Result
from queue_model.scenario import study as studies
from queue_model.scenario.study import ScenarioError, Study
from queue_model.simulation.engines import engine

MOST_POINTS = 10_000
# What supervisors turn most often, by a short name; `seats` also leaves at home who would find none.
SHORT = {
    "calls": "arrivals.per_day",
    "emails": "mails.per_day",
    "seats": "operators.seats",
    "queue.seats": "operators.seats",
    "reserve": "operators.reserve",
    "talk": "handling.talk.mean",
    "patience": "callers.patience.mean",
}
KEY = re.compile(r"[\w-]+(\.[\w-]+)*")


class Axis(NamedTuple):
    """A setting and its values; several keys joined by + take the same value."""

    name: str
    values: list[Any]


Setting = dict[str, Any]  # a value for the name of each axis


# --- what is asked ---------------------------------------------------------------------------------------------------


def axis(text: str) -> Axis:
    """From `operators.reserve=0,2,4`; values are YAML. Raises `ModelError`."""
    name, equals, values = text.partition("=")
    _check_name(name, f"--set {text}")
    if not equals or not values.strip():
        raise ModelError(f"--set {text}: write a key and its values: operators.reserve=0,2,4")
    found = _value(f"[{values}]", f"--set {text}")
    return Axis(name, list(found))


def grid(axes: Sequence[Axis]) -> list[Setting]:
    """Every combination, the last axis changing fastest. Raises `ModelError` when a key is there twice."""
    names = [each.name for each in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"--set {twice}: said twice; write all its values in one")
    count = 1
    for each in axes:
        count *= len(each.values)
    if count > MOST_POINTS:
        raise ModelError(f"--set: {count:,} points, more than {MOST_POINTS:,}; leave out some values")
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(each.values for each in axes))]


def listed(path: str) -> list[Setting]:
    """The points of a CSV file whose head names the keys; an empty cell leaves the base's value.

    Raises `ModelError`.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as problem:
        raise ModelError(f"{path}: cannot be read: {problem.strerror}; name a CSV file") from None
    except UnicodeDecodeError:
        raise ModelError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except csv.Error as problem:
        raise ModelError(f"{path}: no table: {problem}") from None
    if len(rows) < 2:
        raise ModelError(f"{path}: no points; write the keys in the first line and one point in each further line")
    head = [cell.strip() for cell in rows[0]]
    for name in head:
        _check_name(name, f"{path}: line 1")
    points = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            raise ModelError(f"{path}: row {number}: {len(row)} cells, but the head has {len(head)}; make them even")
        cells = zip(head, row, strict=True)
        points.append({name: _value(cell, f"{path}: row {number}") for name, cell in cells if cell.strip()})
    if len(points) > MOST_POINTS:
        raise ModelError(f"{path}: {len(points):,} points, more than {MOST_POINTS:,}; split the list")
    return points


def _check_name(name: str, where: str) -> None:
    for each in name.split("+"):
        if not KEY.fullmatch(each):
            raise ModelError(f"{where}: {each!r} is no key; write its parts joined by dots: operators.reserve")


def _value(text: str, where: str) -> Any:
    try:
        return parse(text.encode())
    except Unreadable as problem:
        raise ModelError(f"{where}: {problem}") from None


def changes(base: Study, setting: Setting) -> dict[str, Any]:
    """What a point writes over its base. Raises `ModelError` when one key lies within another."""
    found: dict[str, Any] = {}
    for name, value in setting.items():
        for each in name.split("+"):
            path = SHORT.get(each, each)
            if path == "operators.seats" and each != path and isinstance(value, int):
                for shift, spec in base.scenario.operators.shifts.items():
                    if spec.operators > value:
                        _put(found, f"operators.shifts.{shift}.operators", value)
            _put(found, path, value)
    return found


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    place = found
    for part in above:
        inside = place.setdefault(part, {})
        if not isinstance(inside, dict):
            raise ModelError(f"--set {path}: {part} is set as a whole already; say it once")
        place = inside
    if last in place:
        raise ModelError(f"--set {path}: set twice at one point; say it once")
    place[last] = value


def points_of(
    path: str, settings: Sequence[Setting], places: Places, common: Mapping[str, Any] | None = None
) -> list[Study]:
    """The studies of all points, `common` changes beneath them. Raises before anything runs: the first impossible point
    as `ScenarioError`."""
    base = studies.load(path, places, common)
    found = []
    for setting in settings:
        try:
            found.append(studies.load(path, places, studies.merged(dict(common or {}), changes(base, setting))))
        except ScenarioError as problem:
            raise ModelError(f"at {said(setting)}:\n{problem}") from None
    return found


def said(setting: Setting) -> str:
    """`seats=6, calls=400`"""
    return ", ".join(f"{name}={value}" for name, value in setting.items()) or "the base"


# --- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """What a point measured. `lost`: measures without a steady state, with the reason; `again`: it was kept already."""

    measures: dict[str, Estimate]
    counts: dict[str, float]
    lost: dict[str, str]
    replications: int
    seed: int
    again: bool

    def value(self, measure: str) -> float | None:
        found = self.measures.get(measure)
        return None if found is None or measure in self.lost else found.value


class Interrupted(KeyboardInterrupt):
    """The sweep was stopped; `kept` of `wanted` points are finished."""

    def __init__(self, kept: int, wanted: int) -> None:
        super().__init__()
        self.kept = kept
        self.wanted = wanted


def sweep(
    points: Sequence[Study],
    shelf: Shelf,
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine_name: str | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] = lambda done, wanted: None,
) -> list[Point]:
    """Simulate what is not on the shelf yet, and keep each point as soon as it is finished.

    `executor` does the work; without one, `jobs` threads (default: one a core). The same whoever does it. Raises
    `Interrupted` when stopped; whatever was finished by then is kept.
    """
    name, _ = engine(engine_name)
    keys = []
    for study in points:
        chosen = study.scenario.seed if seed is None else seed
        many = replications or study.scenario.replications
        keys.append((key(study, seed=chosen, replications=many, engine=name), chosen))
    done = {each: found for each, _ in set(keys) if (found := shelf.get(each)) is not None}
    again = frozenset(done)
    todo = {each: (study, chosen) for (each, chosen), study in zip(keys, points, strict=True) if each not in done}
    wanted = len(done) + len(todo)
    underway = _Underway(shelf, done, lambda: progress(len(done), wanted))

    def work(least: float) -> Iterator[Portion]:
        for each, (study, chosen) in todo.items():
            many = replications or study.scenario.replications
            yield from portions(each, Order(study, chosen, name), 0, many, least)

    with nullcontext(executor) if executor is not None else Threads(jobs) as hands:
        try:
            progress(len(done), wanted)
            hands.run(measured, tasks(work(hands.least), hands.least), underway.take)
        except KeyboardInterrupt:
            raise Interrupted(sum(shelf.get(each) is not None for each, _ in set(keys)), wanted) from None
    return [_point(done[each], again=each in again) for each, _ in keys]


class _Underway:
    """Points whose portions come back in any order; each is kept as soon as it is whole."""

    def __init__(self, shelf: Shelf, done: dict[str, dict[str, Any]], told: Callable[[], None]) -> None:
        self.shelf, self.done, self.told = shelf, done, told
        self.found: dict[str, dict[int, tuple[Portion, Measured]]] = {}

    def take(self, task: Task, several: list[Measured]) -> None:
        """Who is stopped in here is asked once more: the same portion twice is once."""
        for portion, result in zip(task, several, strict=True):
            name = portion.name
            if name in self.done:
                continue
            found = self.found.setdefault(name, {})
            found[portion.first] = portion, result
            if sum(len(each.sums) for _, each in found.values()) == portion.of:
                run = _run(portion.order, list(found.values()))
                self.shelf.put(name, run)
                self.done[name] = run
                del self.found[name]
                self.told()


def _run(order: Order, found: Sequence[tuple[Portion, Measured]]) -> dict[str, Any]:
    """One point as plain values."""
    result = Result(order.study, order.measurer, order.engine, order.seed, in_order(found))
    lost = next(each.lost for portion, each in found if portion.first == 0)
    return {
        "title": order.study.scenario.title,
        "replications": result.replications,
        "seed": order.seed,
        "measures": {name: list(each[1:]) for name, each in result.estimates().items()},
        "counts": {name: result.count(name) for name in result.sums[0].counts},
        "no_steady_state": lost,
    }


def _point(run: Mapping[str, Any], *, again: bool) -> Point:
    measures = {name: Estimate(name, *values) for name, values in run["measures"].items()}
    return Point(measures, run["counts"], run["no_steady_state"], run["replications"], run["seed"], again)


# --- as a table and as maps ------------------------------------------------------------------------------------------


def axes_of(settings: Sequence[Setting]) -> list[Axis]:
    """The settings that differ between points, with their values in the order in which they come."""
    names = dict.fromkeys(name for setting in settings for name in setting)
    found = [Axis(name, _distinct(setting.get(name) for setting in settings)) for name in names]
    return [each for each in found if len(each.values) > 1]


def _distinct(values: Iterator[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def panels(settings: Sequence[Setting], axes: Sequence[Axis]) -> Iterator[tuple[Setting, list[list[int | None]]]]:
    """Maps of the last two axes, rows by columns of the points' numbers, one for each combination of the others."""
    *others, down, across = axes
    place = {_place(setting, axes): number for number, setting in enumerate(settings)}
    for values in itertools.product(*(each.values for each in others)):
        fixed = dict(zip((each.name for each in others), values, strict=True))
        rows = [
            [place.get(_place({**fixed, down.name: y, across.name: x}, axes)) for x in across.values]
            for y in down.values
        ]
        if any(number is not None for row in rows for number in row):
            yield fixed, rows


def _place(setting: Setting, axes: Sequence[Axis]) -> str:
    return repr([setting.get(each.name) for each in axes])
