"""The tasks by which the model is measured: `python -m benchmarks.model_tasks TASK NUMBERS...` prints a line of JSON.

Each task runs in its own process. Seconds are CPU seconds of this process unless the name contains `wall`.

    w1 ENGINE SEATS DAYS SEED REPEATS    the workload W1: draws, records and statistics
    full ENGINE DAYS SEED REPEATS        the baseline with every feature on
    growth CALLS SEATS DAYS              W1 with this many calls a day and seats
    replications COUNT                   the peak memory of this many replications
    year REPLICATIONS JOBS               a year of the baseline, all measures
    rota                                 a month for the 24 people of scenarios/people.yaml
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import resource
import sys
import time
from datetime import date
from typing import Any

from benchmarks.peers.w1_day import PATIENCE, PROFILE, TALK_SIGMA, WRAP
from common.places import ROOT
from queue_model.planning import rota, staffing, workforce
from queue_model.runs import replication
from queue_model.runs.measures.measurer import Measurer, Sums
from queue_model.scenario import study
from queue_model.scenario.study import Study
from queue_model.simulation import allocator, engines, inputs
from queue_model.simulation.builder import Builder, ReplicationInputs

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIRST = date(2026, 1, 5)  # a Monday
OPEN, UNTIL = "09:00", "22:00"


def w1_study(seats: int, days: int, calls: float = 400.0) -> Study:
    """W1 as a scenario: callers with patience and operators; no menu, no limits."""
    document: dict[str, Any] = {
        "title": "W1",
        "period": {"first": FIRST.isoformat(), "days": days},
        "arrivals": {"per_day": calls, "profile": {"from": OPEN, "step_minutes": 30, "weights": list(PROFILE)}},
        "topics": {"ALTRO": {"share": 1.0}},
        "menu": {"walk": False},
        "callers": {"patience": {"law": "exponential", "mean": PATIENCE}},
        "handling": {
            "talk": {"law": "lognormal", "mean": 300, "sigma": TALK_SIGMA},
            "wrap": {"law": "exponential", "mean": WRAP},
        },
        "operators": {
            "seats": seats,
            "people": seats,
            "shifts": {"tutti": {"hours": f"{OPEN}-{UNTIL}", "operators": seats}},
        },
        "queue": {"unlimited": True},
        "service": {"hours": {day: [f"{OPEN}-{UNTIL}"] for day in WEEKDAYS}, "holidays": {"calendar": "none"}},
        "seed": 1,
        "replications": 1,
    }
    return study.of(document)


class Runs:
    """Replications of a study, one after the other: drawn, simulated, measured."""

    def __init__(self, studied: Study, engine: str) -> None:
        self.builder, self.measurer = Builder(studied), Measurer(studied)
        self.simulate = engines.engine(engine)[1]

    def draw(self, number: int, seed: int) -> ReplicationInputs:
        return self.builder.inputs(number, seed)

    def run(self, number: int, seed: int) -> Sums:
        drawn = self.draw(number, seed)
        return self.measurer.sums(drawn, self.simulate(drawn.inputs))


class ConstantStaffRuns(Runs):
    """W1: the operators are always at work, like the agents of the peers."""

    def __init__(self, studied: Study, engine: str, seats: int) -> None:
        super().__init__(studied, engine)
        staff = inputs.build(**inputs.constant_staff(seats))
        names = ("n_operators", "skills", "event_at", "event_kind", "event_operator")
        self.staff = {name: getattr(staff, name) for name in names}

    def draw(self, number: int, seed: int) -> ReplicationInputs:
        drawn = super().draw(number, seed)
        staffed = copy.copy(drawn.inputs)  # no check is needed: both parts were checked when they were made
        for name, value in self.staff.items():
            object.__setattr__(staffed, name, value)
        return dataclasses.replace(drawn, inputs=staffed)


def do_w1(engine: str, seats: str, days: str, seed: str, repeats: str) -> dict[str, Any]:
    runs = ConstantStaffRuns(w1_study(int(seats), int(days)), engine, int(seats))
    runs.run(0, int(seed) + 1_000_000)  # warm-up: imports and memory
    begun = time.process_time()
    sums = [runs.run(number, int(seed)) for number in range(int(repeats))]
    seconds = time.process_time() - begun
    calls, good = ([replication.whole["service_level"][part] for replication in sums] for part in (1, 0))
    abandoned = [replication.whole["abandonment"][0] for replication in sums]
    # One value per replication, so that the variation between them is known.
    return {"seconds": seconds, "calls": sum(calls), "good": good, "abandoned": abandoned, "each": calls}


def do_full(engine: str, days: str, seed: str, repeats: str) -> dict[str, Any]:
    runs = Runs(baseline(int(days)), engine)
    runs.run(0, int(seed) + 1_000_000)  # warm-up
    spent = {"draws": 0.0, "engine": 0.0, "statistics": 0.0}
    calls = events = 0
    for number in range(int(repeats)):
        marks = [time.process_time()]
        drawn = runs.draw(number, int(seed))
        marks.append(time.process_time())
        record = runs.simulate(drawn.inputs)
        marks.append(time.process_time())
        runs.measurer.sums(drawn, record)
        marks.append(time.process_time())
        for name, one, other in zip(spent, marks, marks[1:], strict=False):
            spent[name] += other - one
        calls += len(record.calls)
        events += len(record.work) + len(record.mails)
    return {"calls": calls, "intervals": events, **spent}


def do_growth(calls: str, seats: str, days: str) -> dict[str, Any]:
    runs = Runs(w1_study(int(seats), int(days), float(calls)), "kernel")
    before = peak_memory()
    repeats = max(1, min(20, 200_000 // (int(calls) * int(days))))
    if repeats > 1:
        runs.run(0, 2)
    begun = time.process_time()
    done = sum(runs.run(number, 1).counts["offered"] for number in range(repeats))
    seconds = time.process_time() - begun
    return {"seconds": seconds, "calls": done, "bytes": peak_memory() - before, "repeats": repeats}


def do_replications(count: str) -> dict[str, Any]:
    result = replication.replicate(baseline(28), replications=int(count), jobs=1)
    return {"bytes": peak_memory(), "replications": result.replications}


def do_year(replications: str, jobs: str) -> dict[str, Any]:
    begun = time.monotonic()
    year = baseline(365)
    replication.replicate(year, replications=1, jobs=1)  # walks the menu, calculates the rates
    ready, spent = time.monotonic(), time.process_time()
    result = replication.replicate(year, replications=int(replications), jobs=int(jobs))
    return {
        "start_wall": ready - begun,
        "wall": time.monotonic() - ready,
        "cpu": time.process_time() - spent,
        "calls": result.count("offered") * result.replications,
        "measures": len(result.estimates()),
    }


def do_rota() -> dict[str, Any]:
    month, force = baseline(28), workforce.load(os.path.join(ROOT, "scenarios", "people.yaml")).workforce
    begun = time.monotonic()
    required = staffing.find_staffing(month, replications=4).requirements()
    staffed = time.monotonic()
    made = rota.make_rota(month, force, required, gap=0.01, seconds=30.0)
    return {
        "staff_wall": staffed - begun,
        "rota_wall": time.monotonic() - staffed,
        "people": len(force.people),
        "days": len(made.days),
        "gap": made.gap,
    }


def baseline(days: int) -> Study:
    changes = {"period": {"first": FIRST.isoformat(), "days": days}}
    return study.load(os.path.join(ROOT, "scenarios", "baseline.yaml"), changes=changes)


def peak_memory() -> int:
    """The peak memory of this process, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


TASKS = {
    "w1": do_w1, "full": do_full, "growth": do_growth, "replications": do_replications, "year": do_year, "rota": do_rota
}  # fmt: skip

if __name__ == "__main__":
    allocator.keep_freed_memory()
    task, *numbers = sys.argv[1:]
    print(json.dumps(TASKS[task](*numbers)))
