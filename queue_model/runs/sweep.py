"""Sweeps: simulate one scenario with many settings, the points of a grid or of a list, on all cores.

All points have the same callers (one seed), so neighbouring points differ only by their settings. Each point is kept as
soon as it is finished (`queue_model.runs.cache`). So an interrupted sweep resumes where it stopped, and a larger grid
simulates only its new points.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Unpack

from common.documents import Unreadable, parse
from common.places import Places
from queue_model.errors import ModelError
from queue_model.runs.batches import Portion, PortionResult, StudyRun, Task, group, run_task, split, sums_in_order
from queue_model.runs.cache import RunCache, key
from queue_model.runs.measures.estimates import Estimate
from queue_model.runs.replication import Result
from queue_model.runs.run_arguments import RunArguments, executor_of, no_progress, replications_of, seed_of
from queue_model.scenario import study as studies
from queue_model.scenario.changes import KEY, put
from queue_model.scenario.study import ScenarioError, Study
from queue_model.simulation.engines import engine

MOST_POINTS = 10_000
# Short names of the settings that supervisors change most. `seats` also reduces shifts larger than the seats.
SHORT_NAMES = {
    "calls": "arrivals.per_day",
    "emails": "mails.per_day",
    "seats": "operators.seats",
    "queue.seats": "operators.seats",
    "reserve": "operators.reserve",
    "talk": "handling.talk.mean",
    "patience": "callers.patience.mean",
}


class Axis(NamedTuple):
    """A setting and its values. Several keys joined by + get the same value."""

    name: str
    values: list[Any]


Setting = dict[str, Any]  # the value of each axis, by name


# --- points ----------------------------------------------------------------------------------------------------------


def parse_axis(text: str) -> Axis:
    """An axis from `operators.reserve=0,2,4`; values are YAML. Raises `ModelError`."""
    name, equals, values = text.partition("=")
    _check_name(name, f"--set {text}")
    if not equals or not values.strip():
        raise ModelError(f"--set {text}: write a key and its values: operators.reserve=0,2,4")
    return Axis(name, list(_parse_value(f"[{values}]", f"--set {text}")))


def grid(axes: Sequence[Axis]) -> list[Setting]:
    """Every combination; the last axis changes fastest. Raises `ModelError` for a repeated key or too many points."""
    names = [each.name for each in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"--set {twice}: given twice; write all its values in one --set")
    count = 1
    for each in axes:
        count *= len(each.values)
    if count > MOST_POINTS:
        raise ModelError(f"--set: {count:,} points, more than {MOST_POINTS:,}; leave out some values")
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(each.values for each in axes))]


def read_points(path: str) -> list[Setting]:
    """The points of a CSV file whose first row has the keys. An empty cell keeps the scenario's value.

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
        raise ModelError(f"{path}: not a CSV table: {problem}; save it as CSV again") from None
    if len(rows) < 2:
        raise ModelError(f"{path}: no points; write the keys in the first row and one point in each further row")
    head = [cell.strip() for cell in rows[0]]
    for name in head:
        _check_name(name, f"{path}: row 1")
    points = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            what = f"{len(row)} cells, but the first row has {len(head)}; give each row as many"
            raise ModelError(f"{path}: row {number}: {what}")
        cells = zip(head, row, strict=True)
        points.append({name: _parse_value(cell, f"{path}: row {number}") for name, cell in cells if cell.strip()})
    if len(points) > MOST_POINTS:
        raise ModelError(f"{path}: {len(points):,} points, more than {MOST_POINTS:,}; split the list")
    return points


def _check_name(name: str, where: str) -> None:
    for each in name.split("+"):
        if not KEY.fullmatch(each):
            raise ModelError(f"{where}: {each!r} is not a key; write its parts joined by dots: operators.reserve")


def _parse_value(text: str, where: str) -> Any:
    try:
        return parse(text.encode())
    except Unreadable as problem:
        raise ModelError(f"{where}: {problem}") from None


def setting_changes(base: Study, setting: Setting) -> dict[str, Any]:
    """The changes to the scenario at a point. Raises `ModelError` if a key is set twice or lies within another."""
    changes: dict[str, Any] = {}
    for name, value in setting.items():
        for each in name.split("+"):
            path = SHORT_NAMES.get(each, each)
            if path == "operators.seats" and each != path and isinstance(value, int):
                for shift, spec in base.scenario.operators.shifts.items():
                    if spec.operators > value:
                        put(changes, f"operators.shifts.{shift}.operators", value, once=True)
            put(changes, path, value, once=True)
    return changes


def studies_of(
    path: str, settings: Sequence[Setting], places: Places, common: Mapping[str, Any] | None = None
) -> list[Study]:
    """The studies of all points. `common` changes apply to all of them; those of a point override them.

    Raises `ModelError` for the first impossible point.
    """
    base = studies.load(path, places, common)
    found = []
    for setting in settings:
        try:
            found.append(studies.load(path, places, studies.merged(dict(common or {}), setting_changes(base, setting))))
        except ScenarioError as problem:
            raise ModelError(f"at {setting_text(setting)}:\n{problem}") from None
    return found


def setting_text(setting: Setting) -> str:
    """`seats=6, calls=400`"""
    return ", ".join(f"{name}={value}" for name, value in setting.items()) or "the base"


# --- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """What a point measured. `no_steady_state`: measures with the reason; `cached`: from an earlier sweep."""

    measures: dict[str, Estimate]
    counts: dict[str, float]
    no_steady_state: dict[str, str]
    replications: int
    seed: int
    cached: bool

    def value(self, measure: str) -> float | None:
        found = self.measures.get(measure)
        return None if found is None or measure in self.no_steady_state else found.value


class Interrupted(KeyboardInterrupt):
    """The sweep was stopped; `kept` of `total` points are finished and kept."""

    def __init__(self, kept: int, total: int) -> None:
        super().__init__()
        self.kept = kept
        self.total = total


def sweep(points: Sequence[Study], cache: RunCache, **arguments: Unpack[RunArguments]) -> list[Point]:
    """Simulate the points that are not in the cache, and keep each as soon as it is finished.

    The result does not depend on the executor. Raises `Interrupted` on `KeyboardInterrupt`; finished points are kept.
    """
    name, _ = engine(arguments.get("engine_name"))
    keys = [
        key(study, seed=seed_of(arguments, study), replications=replications_of(arguments, study), engine=name)
        for study in points
    ]
    done = {each: run for each in set(keys) if (run := cache.get(each)) is not None}
    cached = frozenset(done)
    todo = {each: study for each, study in zip(keys, points, strict=True) if each not in done}
    total, progress = len(done) + len(todo), arguments.get("progress", no_progress)
    unfinished = _Unfinished(cache, done, lambda: progress(len(done), total))

    def portions(min_seconds: float) -> Iterator[Portion]:
        for each, study in todo.items():
            run = StudyRun(study, seed_of(arguments, study), name)
            yield from split(each, run, 0, replications_of(arguments, study), min_seconds)

    with executor_of(arguments) as executor:
        try:
            progress(len(done), total)
            least = executor.min_task_seconds
            executor.run(run_task, group(portions(least), least), unfinished.receive)
        except KeyboardInterrupt:
            raise Interrupted(sum(cache.get(each) is not None for each in set(keys)), total) from None
    return [_point(done[each], cached=each in cached) for each in keys]


class _Unfinished:
    """Points whose portions arrive in any order. Each point is kept as soon as it is complete."""

    def __init__(self, cache: RunCache, done: dict[str, dict[str, Any]], report: Callable[[], None]) -> None:
        self.cache, self.done, self.report = cache, done, report
        self.results: dict[str, dict[int, tuple[Portion, PortionResult]]] = {}

    def receive(self, task: Task, results: list[PortionResult]) -> None:
        """After an interrupt the same task may be received again: a portion counts once."""
        for portion, result in zip(task, results, strict=True):
            name = portion.name
            if name in self.done:
                continue
            of_point = self.results.setdefault(name, {})
            of_point[portion.first] = portion, result
            if sum(len(each.sums) for _, each in of_point.values()) == portion.of:
                run = _summary(portion.run, list(of_point.values()))
                self.cache.put(name, run)
                self.done[name] = run
                del self.results[name]
                self.report()


def _summary(run: StudyRun, results: Sequence[tuple[Portion, PortionResult]]) -> dict[str, Any]:
    """A finished point as plain values."""
    result = Result(run.study, run.measurer, run.engine, run.seed, sums_in_order(results))
    estimates = result.estimates().values()
    return {
        "title": run.study.scenario.title,
        "replications": result.replications,
        "seed": run.seed,
        "measures": {each.name: [each.value, each.half, each.numerator, each.denominator] for each in estimates},
        "counts": {name: result.count(name) for name in result.sums[0].counts},
        "no_steady_state": next(each.no_steady_state for portion, each in results if portion.first == 0),
    }


def _point(run: Mapping[str, Any], *, cached: bool) -> Point:
    measures = {
        name: Estimate(value, half, name, numerator, denominator)
        for name, (value, half, numerator, denominator) in run["measures"].items()
    }
    return Point(measures, run["counts"], run["no_steady_state"], run["replications"], run["seed"], cached)


# --- axes and maps ---------------------------------------------------------------------------------------------------


def varied_axes(settings: Sequence[Setting]) -> list[Axis]:
    """The settings that differ between points, with their values in order of appearance."""
    names = dict.fromkeys(name for setting in settings for name in setting)
    found = [Axis(name, _distinct(setting.get(name) for setting in settings)) for name in names]
    return [each for each in found if len(each.values) > 1]


def _distinct(values: Iterator[Any]) -> list[Any]:
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return distinct


def panels(settings: Sequence[Setting], axes: Sequence[Axis]) -> Iterator[tuple[Setting, list[list[int | None]]]]:
    """A map for each combination of all axes but the last two: the point numbers, by the last two axes."""
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
