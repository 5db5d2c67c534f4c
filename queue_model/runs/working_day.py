"""How many operators are at work and busy in each half-hour of an average day, from the records of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from queue_model.runs.measures.measurer import SLOT_MINUTES
from queue_model.runs.replication import Result
from queue_model.scenario.period import Period
from queue_model.simulation.builder import Builder
from queue_model.simulation.engines import engine
from queue_model.simulation.records import Rows, Work

Floats = NDArray[np.float64]

SLOTS = 24 * 60 // SLOT_MINUTES
MOST = 10  # replications; enough for a mean over days


@dataclass(frozen=True, eq=False)
class WorkingDay:
    """The mean number of operators in each half-hour from midnight, over the open days."""

    at_work: Floats  # seated and not on a break
    on_calls: Floats  # talk and wrap-up
    on_other: Floats  # e-mails and call-backs
    replications: int


def working_day(result: Result) -> WorkingDay:
    """Simulate the first replications of a result again and count their operators."""
    _, simulate = engine(result.engine)
    builder, period = Builder(result.study), result.study.period
    days = np.flatnonzero(period.opens & (np.arange(period.days) >= result.study.scenario.period.settle))
    edges = np.array([[period.seconds(int(day), SLOT_MINUTES * n) for n in range(SLOTS + 1)] for day in days])
    count = min(MOST, result.replications)
    total = np.zeros((len(Work), SLOTS))
    for replication in range(count if len(days) else 0):
        work = simulate(builder.inputs(replication, result.seed).inputs).work
        for kind in Work:
            total[kind] += _people(work[work["kind"] == kind], edges, period.length)
    mean = total / max(1, count)
    other = mean[Work.EMAIL] + mean[Work.CALLBACK]
    return WorkingDay(mean[Work.SEATED] - mean[Work.BREAK], mean[Work.CALL], other, count)


def _people(rows: Rows, edges: Floats, length: float) -> Floats:
    """The mean number of simultaneous intervals in each slot, over the days. `edges`: [days, slots + 1]."""
    starts = np.sort(np.clip(rows["start"], 0, length))
    ends = np.sort(np.clip(np.where(np.isnan(rows["end"]), length, rows["end"]), 0, length))
    spent = _since(starts, edges) - _since(ends, edges)
    return np.asarray(np.mean(np.diff(spent, axis=1) / np.maximum(np.diff(edges, axis=1), 1.0), axis=0))


def _since(instants: Floats, edges: Floats) -> Floats:
    """At each edge, the sum of the seconds since all earlier instants."""
    sums = np.concatenate(([0.0], np.cumsum(instants)))
    before = np.searchsorted(instants, edges)
    return np.asarray(before * edges - sums[before])


def open_slots(period: Period) -> list[int]:
    """The half-hours in whose middle the service is open on at least one day."""
    days = np.flatnonzero(period.opens)
    middles = ((n, [period.seconds(int(day), SLOT_MINUTES * (n + 0.5)) for day in days]) for n in range(SLOTS))
    return [n for n, at in middles if bool(period.is_open(np.array(at, dtype=np.float64)).any())]
