"""Simulates a week with different staffing levels and the same callers.

Callers, e-mails and their work are drawn once, so all levels have the same random numbers (common random numbers). The
effect of one person more or fewer is then visible where it occurs and nowhere else.
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
from queue_model.simulation.builder import Builder
from queue_model.simulation.engines import engine
from queue_model.simulation.inputs import UNLIMITED, Inputs
from queue_model.simulation.records import Outcome, Records

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Sums = dict[str, tuple[Floats, Floats]]


@dataclass(frozen=True)
class Goal:
    """A minimum or maximum for a measure."""

    measure: str
    value: float
    at_least: bool

    def margin(self, tops: Floats, bottoms: Floats) -> Floats:
        """The margin by which it is met, in calls or seconds, from sums; 0 where nothing was counted."""
        over = tops - self.value * bottoms
        return over if self.at_least else -over


def goals(study: Study) -> list[Goal]:
    """The telephone goals in the scenario's `targets`; empty if it sets none."""
    targets = study.scenario.targets
    possible = (
        (PUBLISHED, targets.service_level, True),
        ("answer_rate", targets.answer_rate, True),
        ("abandonment", targets.abandonment, False),
        ("wait_mean_answered", targets.wait_mean, False),
    )
    return [Goal(name, value, at_least) for name, value, at_least in possible if value is not None]


@dataclass(frozen=True, eq=False)
class Levels:
    """Measures by half-hour of the week: numerators and denominators [replications, cells]."""

    sums: dict[str, tuple[Floats, Floats]]

    def margin(self, wanted: Sequence[Goal]) -> Floats:
        """The margin of each goal, [goals, cells]."""
        return np.array([goal.margin(*(each.sum(axis=0) for each in self.sums[goal.measure])) for goal in wanted])

    def met(self, wanted: Sequence[Goal]) -> Flags:
        """Where all goals are met, [cells]."""
        # A share that equals the target up to rounding meets it.
        return np.asarray((self.margin(wanted) >= -1e-6).all(axis=0))

    def estimate(self, measure: str, cell: int) -> Estimate:
        tops, bottoms = self.sums[measure]
        return ratio(measure, tops[:, cell], bottoms[:, cell])


class Trials:
    """The callers of a study, drawn once. `levels` simulates a staffing level. A context manager: it holds threads."""

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
            self._pool.map(lambda each: _without_second_level(builder.inputs(each, self.seed).inputs), numbers)
        )

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *problem: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def levels(self, staff: Counts) -> Levels:
        """Simulate with this many people at work in each half-hour, [cells]."""
        self.tried += 1
        schedule = staff_schedule(self.cells, staff)
        sums = list(self._pool.map(lambda each: self._one(each, schedule), self.drawn))
        return combine(self.measures, sums)

    def _one(self, drawn: Inputs, schedule: dict[str, Any]) -> Sums:
        records = self._simulate(dataclasses.replace(drawn, seats=UNLIMITED, **schedule))
        return by_cell(self.study, self.cells, records, self.measures)

    def calls(self) -> Floats:
        """First attempts that reach the queue, the mean per occurrence of the half-hour, [cells]."""
        at = np.concatenate([each.call_at for each in self.drawn])
        cell = self.cells.cells_at(at)
        times = np.bincount(self.cells.cell, minlength=len(self.cells)) * len(self.drawn)
        return np.asarray(np.bincount(cell[cell >= 0], minlength=len(self.cells)) / times)

    def handling(self) -> float:
        """The mean talk and wrap-up time of a call, s."""
        talk = np.concatenate([each.talk[:, 0] + each.wrap[:, 0] for each in self.drawn])
        return float(talk.mean()) if len(talk) else 0.0


def by_cell(study: Study, cells: HalfHours, records: Records, measures: Sequence[str]) -> Sums:
    """Numerators and denominators of each measure by half-hour of the week, [cells]."""
    settled = float(study.period.midnights[study.scenario.period.settle])
    calls = records.calls
    cell = cells.cells_at(calls["entered"])
    # No staff is planned for callers who leave the menu after closing time.
    counted = (cell >= 0) & (calls["entered"] >= settled) & (calls["outcome"] != Outcome.VOICEMAIL_CLOSED)
    cell = cell[counted]
    targets = study.scenario.targets
    classes = CallCounts(calls[counted], Thresholds(targets.within, targets.short), study.period.length)
    shares = classes.shares(cell, len(cells))
    return {name: shares[name] for name in measures}


def combine(measures: Sequence[str], sums: Sequence[Sums]) -> Levels:
    """The sums of all replications as rows."""
    return Levels({
        name: (np.array([each[name][0] for each in sums]), np.array([each[name][1] for each in sums]))
        for name in measures
    })  # fmt: skip


def _without_second_level(drawn: Inputs) -> Inputs:
    """The inputs without the second level, which takes no time at the seats."""
    never = np.broadcast_to(np.bool_(False), drawn.patience.shape)
    mails = np.broadcast_to(np.bool_(False), drawn.mail_at.shape)
    return dataclasses.replace(drawn, second_level=never, mail_second_level=mails, office_people=0)
