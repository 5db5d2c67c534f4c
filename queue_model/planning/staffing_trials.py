"""What a staff would make of the week: one set of drawn callers, tried with one staff after another.

Callers, e-mails and their work are drawn once, so all staffs meet the same chances (common random numbers), and one
person more or fewer is seen where it matters and nowhere else.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter.kpi import Thresholds
from charter.kpi_definitions import PUBLISHED
from queue_model.planning.weekly_half_hours import Counts, HalfHours, half_hours, staff_schedule
from queue_model.runs.measures.call_counts import CallCounts
from queue_model.runs.measures.estimates import Estimate, ratio
from queue_model.scenario.study import Study
from queue_model.simulation.build import Builder
from queue_model.simulation.engines import engine
from queue_model.simulation.inputs import UNLIMITED, Inputs
from queue_model.simulation.records import Outcome, Records

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Sums = dict[str, tuple[Floats, Floats]]


@dataclass(frozen=True)
class Goal:
    """What a measure must reach, or must not exceed."""

    measure: str
    value: float
    at_least: bool

    def margin(self, tops: Floats, bottoms: Floats) -> Floats:
        """By how much it is met, in calls or seconds, from sums; 0 where nothing was counted."""
        over = tops - self.value * bottoms
        return over if self.at_least else -over


def goals(study: Study) -> list[Goal]:
    """What the scenario's `targets` ask of the telephone; empty when they ask for nothing."""
    targets = study.scenario.targets
    asked = (
        (PUBLISHED, targets.service_level, True),
        ("answer_rate", targets.answer_rate, True),
        ("abandonment", targets.abandonment, False),
        ("wait_mean_answered", targets.wait_mean, False),
    )
    return [Goal(name, value, at_least) for name, value, at_least in asked if value is not None]


@dataclass(frozen=True, eq=False)
class Levels:
    """What was measured by half-hour of the week: numerators and denominators [replications, cells]."""

    sums: dict[str, tuple[Floats, Floats]]

    def margin(self, wanted: Sequence[Goal]) -> Floats:
        """By how much each goal is met, [goals, cells]."""
        return np.array([goal.margin(*(each.sum(axis=0) for each in self.sums[goal.measure])) for goal in wanted])

    def met(self, wanted: Sequence[Goal]) -> Flags:
        """Where all goals are met, [cells]."""
        # A share that is the target to the last digit meets it.
        return np.asarray((self.margin(wanted) >= -1e-6).all(axis=0))

    def estimate(self, measure: str, cell: int) -> Estimate:
        tops, bottoms = self.sums[measure]
        return ratio(measure, tops[:, cell], bottoms[:, cell])


class Trials:
    """A study's callers, drawn once; try a staff with `levels`. Use it as a context: it holds threads."""

    def __init__(
        self,
        study: Study,
        measures: Sequence[str],
        *,
        replications: int | None = None,
        seed: int | None = None,
        engine_name: str | None = None,
        jobs: int | None = None,
    ) -> None:
        self.study, self.measures = study, tuple(measures)
        self.cells: HalfHours = half_hours(study.period)
        self.engine, self._simulate = engine(engine_name)
        self.seed = study.scenario.seed if seed is None else seed
        self.tried = 0
        self._pool = ThreadPoolExecutor(max(1, jobs or os.cpu_count() or 1))
        builder = Builder(study)
        numbers = range(replications or study.scenario.replications)
        self.drawn: list[Inputs] = list(
            self._pool.map(lambda each: _front(builder.inputs(each, self.seed).inputs), numbers)
        )

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *problem: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def levels(self, staff: Counts) -> Levels:
        """What so many people at work in each half-hour make of it, [cells]."""
        self.tried += 1
        schedule = staff_schedule(self.cells, staff)
        found = list(self._pool.map(lambda each: self._one(each, schedule), self.drawn))
        return combine(self.measures, found)

    def _one(self, drawn: Inputs, schedule: dict[str, Any]) -> Sums:
        records = self._simulate(dataclasses.replace(drawn, seats=UNLIMITED, **schedule))
        return by_cell(self.study, self.cells, records, self.measures)

    def calls(self) -> Floats:
        """Calls that come to the queue for the first time, on average each time the half-hour comes about, [cells]."""
        at = np.concatenate([each.call_at for each in self.drawn])
        cell = self.cells.cells_at(at)
        times = np.bincount(self.cells.cell, minlength=len(self.cells)) * len(self.drawn)
        return np.asarray(np.bincount(cell[cell >= 0], minlength=len(self.cells)) / times)

    def handling(self) -> float:
        """Seconds of talk and wrap-up of a call, on average."""
        talk = np.concatenate([each.talk[:, 0] + each.wrap[:, 0] for each in self.drawn])
        return float(talk.mean()) if len(talk) else 0.0


def by_cell(study: Study, cells: HalfHours, records: Records, measures: Sequence[str]) -> Sums:
    """Numerators and denominators of each measure by half-hour of the week, [cells]."""
    settled = float(study.period.midnights[study.scenario.period.settle])
    calls = records.calls
    cell = cells.cells_at(calls["entered"])
    # Who gets through the menu after closing time is nobody's to staff for.
    mine = (cell >= 0) & (calls["entered"] >= settled) & (calls["outcome"] != Outcome.VOICEMAIL_CLOSED)
    cell = cell[mine]
    targets = study.scenario.targets
    classes = CallCounts(calls[mine], Thresholds(targets.within, targets.short), study.period.length)
    shares = classes.shares(cell, len(cells))
    return {name: shares[name] for name in measures}


def combine(measures: Sequence[str], found: Sequence[Sums]) -> Levels:
    """The sums of all replications, one below the other."""
    return Levels({
        name: (np.array([each[name][0] for each in found]), np.array([each[name][1] for each in found]))
        for name in measures
    })  # fmt: skip


def _front(drawn: Inputs) -> Inputs:
    """Without the second level: it takes nobody's time at the seats."""
    never = np.broadcast_to(np.bool_(False), drawn.patience.shape)
    mails = np.broadcast_to(np.bool_(False), drawn.mail_at.shape)
    return dataclasses.replace(drawn, second_level=never, mail_second_level=mails, office_people=0)
