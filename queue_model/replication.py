"""Many replications of one study: on all cores, until there are enough of them, the same whatever runs them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from charter.definitions import PUBLISHED
from queue_model.build import Builder
from queue_model.errors import ModelError
from queue_model.estimates import Estimate, ratio
from queue_model.inputs import Inputs
from queue_model.measures import Measurer, Sums
from queue_model.records import Records
from queue_model.study import Study

EngineName = Literal["simpy", "kernel"]
Engine = Callable[[Inputs], Records]

MOST_REPLICATIONS = 100_000
FEWEST = 10  # before the interval is trusted to say how many more are needed


def engine(name: str | None = None) -> tuple[EngineName, Engine]:
    """The engine of that name; without a name the compiled one, or where there is none the reference."""
    if name == "simpy":
        from queue_model import model

        return "simpy", model.simulate
    from queue_model import kernel

    if name is None and not kernel.compiled:
        from queue_model import model

        return "simpy", model.simulate
    return "kernel", kernel.simulate


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
    goal: Goal | None = None,
    parts: tuple[str, ...] = (),
    progress: Callable[[int, int], None] = lambda done, wanted: None,
) -> Result:
    """Run a study's replications: as many as asked for (or as the scenario says), then on until the goal is reached.

    The goal sees what was measured, never who ran it, so any number of `jobs` gives the same result.
    """
    name, simulate = engine(engine_name)
    chosen = study.scenario.seed if seed is None else seed
    result = Result(study, Measurer(study, parts), name, chosen)
    builder = Builder(study)

    def one(replication: int) -> Sums:
        built = builder.inputs(replication, chosen)
        return result.measurer.sums(built, simulate(built.inputs))

    wanted = replications or study.scenario.replications
    with ThreadPoolExecutor(max(1, jobs or os.cpu_count() or 1)) as pool:
        while result.replications < wanted:
            try:
                for sums in pool.map(one, range(result.replications, wanted)):
                    result.sums.append(sums)
                    progress(result.replications, wanted)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            wanted = goal(result) if goal is not None else wanted
    return result


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
