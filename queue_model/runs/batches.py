"""What is to be simulated, in portions that anybody can work on: everything that a portion needs is in it.

An order is a study with a seed, an engine and the parts to measure by; a portion is some of its replications. Whoever
works on it, wherever, in whatever order: the sums of a replication depend on nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from queue_model.runs.measures.measures import Measurer, Sums
from queue_model.runs.stability import growing
from queue_model.scenario.study import Study
from queue_model.simulation.build import Builder
from queue_model.simulation.engines import EngineName, engine

# Seconds on one core, roughly: only the size of portions depends on them.
SECONDS_A_REPLICATION = 0.001
SECONDS_A_CALL = {"kernel": 2e-6, "simpy": 2e-4}


@dataclass(frozen=True, eq=False)
class Order:
    """A study to be simulated. What no chance touches is worked out once, where it is first needed."""

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
        """What one replication takes, roughly."""
        scenario = self.study.scenario
        days = self.study.period.days
        calls = days * scenario.arrivals.per_day if self.study.trace is None else len(self.study.trace.at)
        mails = days * scenario.mails.per_day if scenario.mails is not None else 0.0
        return SECONDS_A_REPLICATION + SECONDS_A_CALL[self.engine] * (calls + mails)

    def sums(self, replication: int) -> Sums:
        """Simulate one replication."""
        built = self.builder.inputs(replication, self.seed)
        return self.measurer.sums(built, engine(self.engine)[1](built.inputs))

    def lost(self) -> dict[str, str]:
        """Measures without a steady state, with the reason."""
        return {name: each.why for each in growing(self.study, self.builder) for name in each.measures}

    def __reduce__(self) -> tuple[type[Order], tuple[Any, ...]]:
        return Order, (self.study, self.seed, self.engine, self.parts)


class Portion(NamedTuple):
    """The replications `first` up to but not including `last` of an order that goes up to `of`; `name` is what the
    order is called by whoever made it."""

    name: str
    order: Order
    first: int
    last: int
    of: int

    @property
    def seconds(self) -> float:
        return (self.last - self.first) * self.order.seconds


class Measured(NamedTuple):
    """What became of a portion. `lost`: measures without a steady state; told with the first portion of an order."""

    sums: list[Sums]
    lost: dict[str, str]


Task = tuple[Portion, ...]


def measured(task: Task) -> list[Measured]:
    """The work itself."""
    return [_measured(portion) for portion in task]


def _measured(portion: Portion) -> Measured:
    order = portion.order
    sums = [order.sums(each) for each in range(portion.first, portion.last)]
    return Measured(sums, order.lost() if portion.first == 0 else {})


def portions(name: str, order: Order, first: int, of: int, least: float) -> Iterator[Portion]:
    """The replications from `first` on, in portions of at least so many seconds of work if there are enough."""
    many = max(1, math.ceil(least / order.seconds))
    while first < of:
        last = first + many if first + 2 * many <= of else of  # what would be left over joins the one before it
        yield Portion(name, order, first, last, of)
        first = last


def tasks(every: Iterable[Portion], least: float) -> Iterator[Task]:
    """Portions too small to be worth their way, several together."""
    task: list[Portion] = []
    for portion in every:
        task.append(portion)
        if sum(each.seconds for each in task) >= least:
            yield tuple(task)
            task = []
    if task:
        yield tuple(task)


def in_order(found: Sequence[tuple[Portion, Measured]]) -> list[Sums]:
    """The sums of one order, by replication."""
    return [sums for _, each in sorted(found, key=lambda one: one[0].first) for sums in each.sums]
