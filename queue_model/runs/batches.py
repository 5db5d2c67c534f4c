"""A study's replications, split into portions that can run anywhere.

A `StudyRun` is a study with a seed, an engine and the parts to measure by. A portion is some of its replications and
holds everything needed to run them. The sums of a replication do not depend on where or in which order portions run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from queue_model.runs.measures.measurer import Measurer, Sums
from queue_model.runs.stability import no_steady_state
from queue_model.scenario.study import Study
from queue_model.simulation.builder import Builder
from queue_model.simulation.engines import EngineName, engine

# Rough seconds on one core. They determine the size of portions and nothing else.
SECONDS_PER_REPLICATION = 0.001
SECONDS_PER_CALL = {"kernel": 2e-6, "simpy": 2e-4}


@dataclass(frozen=True, eq=False)
class StudyRun:
    """A study to be simulated. What does not depend on random numbers is calculated once, on first use."""

    study: Study
    seed: int
    engine: EngineName
    parts: tuple[str, ...] = ()

    @cached_property
    def builder(self) -> Builder:
        return Builder(self.study)

    @cached_property
    def measurer(self) -> Measurer:
        return Measurer(self.study, self.parts)

    @property
    def seconds(self) -> float:
        """Rough duration of one replication."""
        scenario = self.study.scenario
        days = self.study.period.days
        calls = days * scenario.arrivals.per_day if self.study.trace is None else len(self.study.trace.at)
        mails = days * scenario.mails.per_day if scenario.mails is not None else 0.0
        return SECONDS_PER_REPLICATION + SECONDS_PER_CALL[self.engine] * (calls + mails)

    def sums(self, replication: int) -> Sums:
        """Simulate one replication."""
        built = self.builder.inputs(replication, self.seed)
        return self.measurer.sums(built, engine(self.engine)[1](built.inputs))

    def no_steady_state(self) -> dict[str, str]:
        """Measures without a steady state, each with the reason."""
        return no_steady_state(self.study, self.builder)

    def __reduce__(self) -> tuple[type[StudyRun], tuple[Any, ...]]:
        return StudyRun, (self.study, self.seed, self.engine, self.parts)


class Portion(NamedTuple):
    """Replications `first` to `last` - 1 of a run that goes up to `of`. `name` identifies the run to the caller."""

    name: str
    run: StudyRun
    first: int
    last: int
    of: int

    @property
    def seconds(self) -> float:
        return (self.last - self.first) * self.run.seconds


class PortionResult(NamedTuple):
    """The sums of a portion's replications. `no_steady_state` is filled in the first portion of a run only."""

    sums: list[Sums]
    no_steady_state: dict[str, str]


Task = tuple[Portion, ...]


def run_task(task: Task) -> list[PortionResult]:
    """Simulate every portion of a task."""
    return [_run_portion(portion) for portion in task]


def _run_portion(portion: Portion) -> PortionResult:
    run = portion.run
    sums = [run.sums(each) for each in range(portion.first, portion.last)]
    return PortionResult(sums, run.no_steady_state() if portion.first == 0 else {})


def split(name: str, run: StudyRun, first: int, of: int, min_seconds: float) -> Iterator[Portion]:
    """The replications from `first` on, in portions of at least `min_seconds` of work, if there are enough."""
    size = max(1, math.ceil(min_seconds / run.seconds))
    while first < of:
        last = first + size if first + 2 * size <= of else of  # a short remainder joins the portion before it
        yield Portion(name, run, first, last, of)
        first = last


def group(portions: Iterable[Portion], min_seconds: float) -> Iterator[Task]:
    """Tasks of at least `min_seconds` of work: small portions are sent together."""
    task: list[Portion] = []
    for portion in portions:
        task.append(portion)
        if sum(each.seconds for each in task) >= min_seconds:
            yield tuple(task)
            task = []
    if task:
        yield tuple(task)


def sums_in_order(results: Sequence[tuple[Portion, PortionResult]]) -> list[Sums]:
    """The sums of one run, by replication."""
    return [sums for _, result in sorted(results, key=lambda one: one[0].first) for sums in result.sums]
