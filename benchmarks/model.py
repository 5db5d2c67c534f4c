"""The speed of the model: beside other simulators on the workload W1, with every feature, as it grows, and as used.

W1: 400 calls a day by half-hour, lognormal talk (mean 300 s, sigma 0.7), exponential wrap-up (60 s) and patience
(180 s), first come, first served. At 12 seats almost nobody waits; at 5 most callers do. Ratios are calculated within a
round and are medians over the rounds (`model_programs`).
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.model_programs import FULL, KERNEL, QUICK, REFERENCE, Effort, programs, side_by_side, task
from benchmarks.model_w1 import w1_goals, w1_text
from benchmarks.report import Goal, Section, table

GROWTH = ((100, 10, 200), (1_000, 12, 100), (10_000, 122, 20), (100_000, 1222, 2), (1_000_000, 10_000, 1),
          (10_000_000, 10_000, 1))  # fmt: skip
REPLICATIONS = (5, 50)  # whose memory is compared


def run(quick: bool, quiet: str) -> Section:
    """Measure everything; takes about five minutes, less than one when `quick`."""
    effort = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        turns, spread, failed = side_by_side(programs(Path(folder)), effort)
    print("   the day with every feature", flush=True)
    full = [every_feature(number, effort) for number in range(effort.rounds)]
    print("   growth", flush=True)
    growth = [task("growth", *map(str, row)) for row in GROWTH[: effort.growth]]
    memory = [task("replications", str(count))["bytes"] for count in REPLICATIONS]
    print("   a year, and a rota", flush=True)
    years = [task("year", str(effort.year), "2", core=None) for _ in range(min(3, effort.rounds))]
    rota = task("rota", core=None)
    goals = [*w1_goals(turns), *full_goals(full), *growth_goals(growth, memory), *use_goals(years, rota, effort)]
    where = f"{machine.description()}; Python {sys.version.split()[0]}, NumPy {version('numpy')}; " \
            f"commit {machine.revision()}; {quiet}."  # fmt: skip
    parts = [where, w1_text(turns, spread, failed, effort), full_text(full), growth_text(growth, memory)]
    return Section("model", "The model", goals, "\n\n".join([*parts, use_text(years, rota, effort)]))


# --- every feature ---------------------------------------------------------------------------------------------------


def every_feature(number: int, effort: Effort) -> dict[str, dict[str, Any]]:
    """The results of one turn of both engines on the baseline."""
    kernel = task("full", "kernel", "364", str(number), str(max(1, round(5 * effort.share))))
    return {"kernel": kernel, "simpy": task("full", "simpy", "28", str(number), "1")}


def _rate(result: dict[str, Any], parts: Sequence[str] = ("draws", "engine")) -> float:
    return float(result["calls"] / sum(result[part] for part in parts))


def full_text(full: Sequence[dict[str, dict[str, Any]]]) -> str:
    rows = []
    for engine, name in (("kernel", KERNEL), ("simpy", REFERENCE)):
        microseconds = [
            statistics.median(1e6 * turn[engine][part] / turn[engine]["calls"] for turn in full)
            for part in ("draws", "engine", "statistics")
        ]
        rate = statistics.median(_rate(turn[engine]) for turn in full)
        whole = statistics.median(_rate(turn[engine], ("draws", "engine", "statistics")) for turn in full)
        rows.append([name, f"{rate:,.0f}", f"{whole:,.0f}", *(f"{value:.3f}" for value in microseconds)])
    head = ["baseline", "calls/s, draws included", "with statistics", "µs a call: draws", "engine", "statistics"]
    more = statistics.median(turn["kernel"]["intervals"] / turn["kernel"]["calls"] for turn in full)
    return (
        "Every feature: `scenarios/baseline.yaml`, a year (the reference: four weeks). Calls are those at the queue or "
        f"the voicemail; per call, {more:.1f} e-mails and intervals of operators are simulated as well.\n\n"
        f"{table(head, rows)}"
    )


def full_goals(full: Sequence[dict[str, dict[str, Any]]]) -> list[Goal]:
    rate = statistics.median(_rate(turn["kernel"]) for turn in full)
    times = statistics.median(_rate(turn["kernel"]) / _rate(turn["simpy"]) for turn in full)
    return [
        Goal(
            "every feature: at least 3 million calls/s, draws included", f"{rate / 1e6:.2f} million", rate >= 3e6,
            f"by {1 - rate / 3e6:.0%}: eleven numbers are drawn for each call, plus e-mails, breaks and put-downs",
        ),
        Goal(
            "every feature: at least 100 times the SimPy reference", f"{times:.0f} times", times >= 100,
            f"by {1 - times / 100:.0%}: the reference is more than twice as fast as the prototype behind this goal",
        ),
    ]  # fmt: skip


# --- growth ----------------------------------------------------------------------------------------------------------


def growth_text(growth: Sequence[dict[str, Any]], memory: Sequence[int]) -> str:
    rows = []
    for (calls, seats, days), result in zip(GROWTH, growth, strict=False):
        nanoseconds = 1e9 * result["seconds"] / result["calls"]
        megabytes, per_call = result["bytes"] / 2**20, result["bytes"] / (result["calls"] / result["repeats"])
        rows.append(
            [f"{calls:,}", f"{seats:,}", str(days), f"{nanoseconds:.0f}", f"{megabytes:.0f}", f"{per_call:.0f}"]
        )
    head = [
        "calls a day",
        "seats",
        "days",
        "ns a call, all included",
        "MB beyond start-up",
        "bytes a call of the period",
    ]
    few, many = (size / 2**20 for size in memory)
    return (
        "Growth: W1 with more of everything (at ten million calls most give up), by the general path of the kernel. "
        f"Replications keep only sums: {REPLICATIONS[0]} of four weeks took at most {few:.0f} MB, "
        f"{REPLICATIONS[1]} took {many:.0f} MB.\n\n{table(head, rows)}"
    )


def growth_goals(growth: Sequence[dict[str, Any]], memory: Sequence[int]) -> list[Goal]:
    seconds = [result["seconds"] / result["calls"] for result in growth]
    logs = [math.log(max(seats, 2)) for _, seats, _ in GROWTH]
    # The heap has an entry for each seat, so a call costs the logarithm of the seats.
    worst = max(value / log for value, log in zip(seconds[1:], logs[1:], strict=False)) / (seconds[0] / logs[0])
    more = (memory[1] - memory[0]) / 2**20
    return [
        Goal(
            "cost grows like n log n, from 10² to 10⁷ calls a day and 10 to 10⁴ seats",
            f"{worst:.2f} times n log n at worst, from 100 calls a day on", worst <= 2,
            f"{worst / 2:.2f} times the allowed growth; beyond the caches each call waits for memory",
        ),
        Goal(
            "memory does not grow with the replications", f"{more:.1f} MB more for ten times as many", more < 8,
            f"{more:.1f} MB",
        ),
    ]  # fmt: skip


# --- as it is used ---------------------------------------------------------------------------------------------------


def use_text(years: Sequence[dict[str, Any]], rota: dict[str, Any], effort: Effort) -> str:
    wall, cpu, start = (statistics.median(each[name] for each in years) for name in ("wall", "cpu", "start_wall"))
    return (
        f"As used, on two cores: a year of the baseline with {effort.year} replications and all "
        f"{years[0]['measures']} measures took {wall:.2f} s ({cpu:.2f} s of CPU) after {start:.1f} s of start-up, "
        f"{years[0]['calls'] / 1e6:.1f} million calls; medians of {len(years)}. A rota of {rota['days']} days for "
        f"{rota['people']} people took {rota['rota_wall']:.1f} s to a gap of {100 * rota['gap']:.2f} %, after "
        f"{rota['staff_wall']:.1f} s for the requirements."
    )


def use_goals(years: Sequence[dict[str, Any]], rota: dict[str, Any], effort: Effort) -> list[Goal]:
    scale = 100 / effort.year
    wall = scale * statistics.median(each["wall"] for each in years)
    cpu = scale * statistics.median(each["cpu"] for each in years)
    return [
        Goal(
            "a year of the baseline, 100 replications, all measures: under 2 s on two cores after start-up",
            f"{wall:.2f} s, of CPU {cpu:.2f} s", wall < 2,
            f"by {wall - 2:.2f} s; two undisturbed cores would need at least {cpu / 2:.2f} s",
        ),
        Goal(
            "a month's rota for 24 people: under 30 s to a gap of 1 %",
            f"{rota['rota_wall']:.1f} s, gap {100 * rota['gap']:.2f} %", rota["rota_wall"] < 30 and rota["gap"] <= 0.01,
            f"{rota['rota_wall']:.1f} s, gap {100 * rota['gap']:.2f} %",
        ),
    ]  # fmt: skip
