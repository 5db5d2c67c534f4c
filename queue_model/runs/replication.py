"""Many replications of one study: on all cores, until there are enough of them, the same whatever runs them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from charter.kpi_definitions import PUBLISHED
from queue_model.errors import ModelError
from queue_model.runs.batches import Measured, Order, Portion, Task, in_order, measured, portions, tasks
from queue_model.runs.executors import Executor, Threads
from queue_model.runs.measures.estimates import Estimate, ratio
from queue_model.runs.measures.measures import Measurer, Sums
from queue_model.scenario.study import Study
from queue_model.simulation.engines import engine

Progress = Callable[[int, int], None]

MOST_REPLICATIONS = 100_000
FEWEST = 10  # before the interval is trusted to say how many more are needed


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
        """One measure over everything."""
        pairs = [each.whole[name] for each in self.sums]
        return ratio(name, [top for top, _ in pairs], [bottom for _, bottom in pairs])

    def estimates(self) -> dict[str, Estimate]:
        """Every measure over everything, by name."""
        return {name: self.estimate(name) for name in self.sums[0].whole} if self.sums else {}

    def part(self, part: str, name: str) -> dict[str, Estimate]:
        """One measure by group: half-hour, weekday, day or topic. Groups in which nothing was counted are left out."""
        tops = np.array([each.parts[part][name][0] for each in self.sums])
        bottoms = np.array([each.parts[part][name][1] for each in self.sums])
        labels = self.measurer.labels(part)
        return {
            label: ratio(name, tops[:, group], bottoms[:, group])
            for group, label in enumerate(labels)
            if bottoms[:, group].any()
        }

    def count(self, name: str) -> float:
        """A count a replication, on average."""
        return sum(each.counts[name] for each in self.sums) / len(self.sums)


Goal = Callable[[Result], int]  # how many replications to have, from those that there are; not more: enough


def replicate(
    study: Study,
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine_name: str | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    goal: Goal | None = None,
    parts: tuple[str, ...] = (),
    progress: Progress = lambda done, wanted: None,
) -> Result:
    """Run a study's replications: as many as asked for (or as the scenario says), then on until the goal is reached.

    `executor` does the work; without one, `jobs` threads. The goal sees what was measured, never who ran it, so whoever
    does it gives the same result.
    """
    name, _ = engine(engine_name)
    order = Order(study, study.scenario.seed if seed is None else seed, name, parts)
    result = Result(study, order.measurer, name, order.seed)
    wanted = replications or study.scenario.replications
    with nullcontext(executor) if executor is not None else Threads(jobs) as chosen:
        while result.replications < wanted:
            _more(result, order, chosen, wanted, progress)
            wanted = goal(result) if goal is not None else wanted
    return result


def _more(result: Result, order: Order, executor: Executor, wanted: int, progress: Progress) -> None:
    """The replications that are wanting, in their order whoever is done first."""
    had = result.replications
    found: list[tuple[Portion, Measured]] = []

    def take(task: Task, several: list[Measured]) -> None:
        found.extend(zip(task, several, strict=True))
        progress(had + sum(len(each.sums) for _, each in found), wanted)

    executor.run(measured, tasks(portions("", order, had, wanted, executor.least), 0.0), take)
    result.sums.extend(in_order(found))


def precise(half_width: float, measure: str = PUBLISHED) -> Goal:
    """Until a share (the published service level) is known within so much: half of its interval.

    Raises ModelError when `MOST_REPLICATIONS` would not do.
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
            raise ModelError(f"--precision: would take some {needed:,} replications; {remedy}")
        return max(result.replications + FEWEST, min(needed, 4 * result.replications))

    return goal
