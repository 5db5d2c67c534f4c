"""Run a study's replications on all cores, until there are enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Unpack

import numpy as np

from charter.kpi_definitions import PUBLISHED
from queue_model.errors import ModelError
from queue_model.runs.batches import Portion, PortionResult, StudyRun, Task, group, run_task, split, sums_in_order
from queue_model.runs.executors import Executor
from queue_model.runs.measures.estimates import Estimate, ratio
from queue_model.runs.measures.measurer import Measurer, Sums
from queue_model.runs.run_arguments import (
    Progress,
    RunArguments,
    executor_of,
    no_progress,
    replications_of,
    seed_of,
)
from queue_model.scenario.study import Study
from queue_model.simulation.engines import engine

MOST_REPLICATIONS = 100_000
FEWEST = 10  # before the interval is used to calculate how many more are needed


@dataclass(frozen=True, eq=False)
class Result:
    """What a study's replications measured."""

    study: Study
    measurer: Measurer
    engine: str
    seed: int
    sums: list[Sums] = field(default_factory=list)

    @property
    def replications(self) -> int:
        return len(self.sums)

    def estimate(self, name: str) -> Estimate:
        """One measure of the whole period."""
        pairs = [each.whole[name] for each in self.sums]
        return ratio(name, [top for top, _ in pairs], [bottom for _, bottom in pairs])

    def estimates(self) -> dict[str, Estimate]:
        """Every measure of the whole period, by name."""
        return {name: self.estimate(name) for name in self.sums[0].whole} if self.sums else {}

    def part(self, part: str, name: str) -> dict[str, Estimate]:
        """One measure by group: half-hour, weekday, day or topic. Groups without any count are left out."""
        tops = np.array([each.parts[part][name][0] for each in self.sums])
        bottoms = np.array([each.parts[part][name][1] for each in self.sums])
        labels = self.measurer.labels(part)
        return {
            label: ratio(name, tops[:, group], bottoms[:, group])
            for group, label in enumerate(labels)
            if bottoms[:, group].any()
        }

    def count(self, name: str) -> float:
        """A count per replication, on average."""
        return sum(each.counts[name] for each in self.sums) / len(self.sums)


# Returns how many replications to have in all, given the result so far; the present number means that it is enough.
Goal = Callable[[Result], int]


def replicate(
    study: Study, *, goal: Goal | None = None, parts: tuple[str, ...] = (), **arguments: Unpack[RunArguments]
) -> Result:
    """Run as many replications as requested (or as the scenario says), then more until the goal is reached.

    The goal depends on what was measured, so the result does not depend on the executor.
    """
    name, _ = engine(arguments.get("engine_name"))
    run = StudyRun(study, seed_of(arguments, study), name, parts)
    result = Result(study, run.measurer, name, run.seed)
    needed = replications_of(arguments, study)
    with executor_of(arguments) as executor:
        while result.replications < needed:
            _run_up_to(needed, result, run, executor, arguments.get("progress", no_progress))
            needed = goal(result) if goal is not None else needed
    return result


def _run_up_to(needed: int, result: Result, run: StudyRun, executor: Executor, progress: Progress) -> None:
    """Run the missing replications and append them in order."""
    before = result.replications
    finished: list[tuple[Portion, PortionResult]] = []

    def receive(task: Task, results: list[PortionResult]) -> None:
        finished.extend(zip(task, results, strict=True))
        progress(before + sum(len(each.sums) for _, each in finished), needed)

    executor.run(run_task, group(split("", run, before, needed, executor.min_task_seconds), 0.0), receive)
    result.sums.extend(sums_in_order(finished))


def precise(half_width: float, measure: str = PUBLISHED) -> Goal:
    """A goal: half of the interval of a share (the published service level) is at most `half_width`.

    The goal raises `ModelError` if more than `MOST_REPLICATIONS` would be needed.
    """

    def goal(result: Result) -> int:
        half = result.estimate(measure).half
        if result.replications < FEWEST:
            return FEWEST
        if half is None:
            raise ModelError("--precision: no call was measured, so no interval can be reached")
        if half <= half_width:
            return result.replications
        # The interval narrows with the square root; a tenth more, because it is itself an estimate.
        needed = math.ceil(result.replications * (half / half_width) ** 2 * 1.1)
        if needed > MOST_REPLICATIONS:
            remedy = "ask for less precision or for longer periods (--days)"
            raise ModelError(f"--precision: would take about {needed:,} replications; {remedy}")
        return max(result.replications + FEWEST, min(needed, 4 * result.replications))

    return goal
