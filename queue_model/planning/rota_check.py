"""Checks a rota by simulation: its people are the operators of the scenario, with absence, lateness and callers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from queue_model.planning.rota import Duty, Rota
from queue_model.planning.staffing_trials import Goal, Levels, by_cell, combine
from queue_model.planning.staffing_trials import Sums as CellSums
from queue_model.planning.weekly_half_hours import HalfHours, half_hours
from queue_model.runs.measures.estimates import Estimate
from queue_model.runs.measures.measurer import Measurer, Sums
from queue_model.runs.measures.targets import Verdict, judge
from queue_model.runs.replication import Result
from queue_model.scenario.study import Study
from queue_model.simulation.builder import Builder
from queue_model.simulation.engines import engine
from queue_model.simulation.inputs import TOPICS
from queue_model.simulation.roster import Roster

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class GoalResult:
    """A goal over the whole period, and the half-hours of the week that miss it, surely or possibly."""

    goal: Goal
    whole: Estimate
    missed: tuple[tuple[str, Estimate], ...]
    close: tuple[tuple[str, Estimate], ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict by the interval, as in `queue-model check`."""
        return judge(self.whole, self.goal.value, at_least=self.goal.at_least)


@dataclass(frozen=True, eq=False)
class RotaCheck:
    """The result of the simulation of a rota."""

    result: Result
    verdicts: list[GoalResult]


def roster(study: Study, people: Sequence[str], duties: Sequence[Duty]) -> Roster:
    """The duties as instants, for `queue_model.simulation.roster.schedule_events`; everybody handles every topic."""
    period = study.period
    number = {code: index for index, code in enumerate(people)}
    most = max((len(duty.pattern.breaks) for duty in duties), default=0)
    rows = sorted(duties, key=lambda duty: (duty.day, number[duty.person]))
    day = np.array([(duty.day - period.first).days for duty in rows], dtype=np.intp)

    def instants(minutes: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        at = [period.seconds(int(d), m) if np.isfinite(m) else np.inf for d, m in zip(day, minutes, strict=True)]
        return np.array(at, dtype=np.float64)

    def edge(duty: Duty, n: int, end: int) -> float:
        return float(duty.pattern.breaks[n][end]) if n < len(duty.pattern.breaks) else np.inf

    return Roster(
        len(people),
        np.full(len(people), 2**TOPICS - 1, dtype=np.uint64),
        np.array([number[duty.person] for duty in rows], dtype=np.intp),
        day,
        instants([duty.pattern.shift.start for duty in rows]),
        instants([duty.pattern.shift.end for duty in rows]),
        tuple((instants([edge(d, n, 0) for d in rows]), instants([edge(d, n, 1) for d in rows])) for n in range(most)),
    )


def check_rota(
    rota: Rota,
    goals: Sequence[Goal],
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine_name: str | None = None,
    jobs: int | None = None,
    most: int = 0,
    progress: Progress = lambda done, wanted: None,
) -> RotaCheck:
    """Simulate the scenario's period with this rota instead of its shifts: every measure, and each goal by half-hour.

    While a goal over the whole period is too close to tell, the number of replications doubles, up to `most`.
    """
    study = rota.study
    name, run = engine(engine_name)
    chosen = study.scenario.seed if seed is None else seed
    builder, measurer, cells = Builder(study), Measurer(study), half_hours(study.period)
    builder.roster = roster(study, list(rota.force.people), rota.duties)
    count, measures = replications or study.scenario.replications, [goal.measure for goal in goals]
    result, parts = Result(study, measurer, name, chosen), []

    def one(replication: int) -> tuple[Sums, CellSums]:
        built = builder.inputs(replication, chosen)
        records = run(built.inputs)
        return measurer.sums(built, records), by_cell(study, cells, records, measures)

    with ThreadPoolExecutor(max(1, jobs or os.cpu_count() or 1)) as pool:
        while result.replications < count:
            for sums, part in pool.map(one, range(result.replications, count)):
                result.sums.append(sums)
                parts.append(part)
                progress(result.replications, count)
            if _too_close(goals, result):
                count = min(2 * count, max(most, count))
    levels = combine(measures, parts)
    return RotaCheck(result, [_judged(goal, result, levels, cells) for goal in goals])


def _too_close(goals: Sequence[Goal], result: Result) -> bool:
    return any(
        judge(result.estimate(goal.measure), goal.value, at_least=goal.at_least) == "too close to tell"
        for goal in goals
    )


def _judged(goal: Goal, result: Result, levels: Levels, cells: HalfHours) -> GoalResult:
    estimates = [(cells.name(cell), levels.estimate(goal.measure, cell)) for cell in range(len(cells))]
    verdicts = [judge(each, goal.value, at_least=goal.at_least) for _, each in estimates]
    missed, close = (
        tuple(each for each, verdict in zip(estimates, verdicts, strict=True) if verdict == kind)
        for kind in ("fails", "too close to tell")
    )
    return GoalResult(goal, result.estimate(goal.measure), missed, close)
