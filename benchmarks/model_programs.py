"""The programs that simulate the workload W1, each in its own process, and their turns.

In each round every program has a turn, pinned to one core, and reports its own CPU seconds without start-up and
imports, so other work on the machine hardly matters.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine
from benchmarks.servers import Failure, peers_python
from common.places import ROOT

HERE = Path(__file__).parent
PATIENCE_SECONDS = 240.0  # for one program
SEATS = (12, 5)
KERNEL, REFERENCE, LIMIT = "ours: kernel", "ours: SimPy reference", "C, one pass (limit)"
IDIOMATIC, LEAN, CIW, SALABIM = "SimPy idiomatic", "SimPy lean", "Ciw", "salabim"


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    share: float  # of the days that a program simulates
    growth: int  # rows of `model.GROWTH`
    year: int  # replications


FULL, QUICK = Effort(5, 1.0, 6, 100), Effort(1, 0.3, 4, 20)


class Program(NamedTuple):
    """A row of the table. `command` is for seats, days and seed; `days` are simulated in a turn."""

    name: str
    version: str
    days: int
    command: Callable[[int, int, int], list[str]]


class Turn(NamedTuple):
    """The counts of a program in its turn, and the CPU seconds that it took."""

    seconds: float
    calls: float
    good: float
    abandoned: float
    days: int

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds


Turns = dict[tuple[str, int], list[Turn]]


def task(name: str, *numbers: str, core: int | None = 1) -> dict[str, Any]:
    """The result of a task of `benchmarks.model_tasks`, run in its own process."""
    return run_program([sys.executable, "-m", "benchmarks.model_tasks", name, *numbers], core)


def run_program(command: list[str], core: int | None = 1) -> dict[str, Any]:
    """The JSON that a program prints. Raises RuntimeError if the program fails."""
    pinned = machine.on_core(core) if core is not None else []
    environment = {**os.environ, "PYTHONPATH": ROOT}
    try:
        outcome = subprocess.run(
            [*pinned, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(command[-6:])}: not done in {PATIENCE_SECONDS:g} s") from None
    if outcome.returncode:
        raise RuntimeError(f"{' '.join(command[-6:])}: {(outcome.stderr.strip().splitlines() or ['it failed'])[-1]}")
    result: dict[str, Any] = json.loads(outcome.stdout.splitlines()[-1])
    return result


def programs(folder: Path) -> list[Program]:
    """All rows: the limit first, our programs last."""
    limit = machine.compiled(HERE / "peers" / "w1_limit.c", folder, "-O3", "-march=native")

    def one_pass(seats: int, days: int, seed: int) -> list[str]:
        return [str(limit), *map(str, (seats, 250, seed, days // 250))]

    def peer(file: str, python: Callable[[], str] = lambda: sys.executable) -> Callable[[int, int, int], list[str]]:
        return lambda *numbers: [python(), str(HERE / "peers" / file), *map(str, numbers)]

    def ours(engine: str, repeats: int) -> Callable[[int, int, int], list[str]]:
        def command(seats: int, days: int, seed: int) -> list[str]:
            days_each = max(1, days // repeats)
            program = [sys.executable, "-m", "benchmarks.model_tasks", "w1", engine]
            return [*program, *map(str, (seats, days_each, seed, repeats))]

        return command

    return [
        Program(LIMIT, _compiler(), 5000, one_pass),
        Program(SALABIM, "26.0.9", 6, peer("w1_salabim.py", peers_python)),
        Program(CIW, version("ciw"), 60, peer("w1_ciw.py")),
        Program(IDIOMATIC, version("simpy"), 125, peer("w1_simpy_idiomatic.py")),
        Program(LEAN, version("simpy"), 250, peer("w1_simpy_lean.py")),
        Program(REFERENCE, version("simpy"), 125, ours("simpy", 1)),
        Program(KERNEL, "", 5000, ours("kernel", 20)),
    ]  # fmt: skip


def _compiler() -> str:
    outcome = subprocess.run(["cc", "-dumpfullversion"], capture_output=True, text=True, check=False)
    return f"gcc {outcome.stdout.strip()}, -O3 -march=native"


def side_by_side(rows: Sequence[Program], effort: Effort) -> tuple[Turns, dict[int, Turn], dict[str, str]]:
    """The turns of every program by seats, the variation of one day of W1 by seats, and the programs that failed."""
    turns: Turns = defaultdict(list)
    replications: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    failed: dict[str, str] = {}
    for number in range(effort.rounds):
        print(f"   W1, round {number + 1}", flush=True)
        for seats in SEATS:
            for row in rows:
                days = max(250 if row.days >= 5000 else 5, round(row.days * effort.share) // 5 * 5)
                days = days // 250 * 250 if row.days >= 5000 else days
                if row.name in failed:
                    continue
                try:
                    counts = run_program(row.command(seats, days, 1000 * number + seats))
                except (Failure, RuntimeError) as problem:
                    failed[row.name] = str(problem)[:120]
                    continue
                if row.name == KERNEL:
                    replications[seats] += zip(counts["each"], counts["good"], counts["abandoned"], strict=True)
                good, abandoned = (_sum(counts[name]) for name in ("good", "abandoned"))
                turns[row.name, seats].append(Turn(counts["seconds"], counts["calls"], good, abandoned, days))
    return turns, {seats: _day(several) for seats, several in replications.items()}, failed


def _sum(value: float | list[float]) -> float:
    return float(sum(value)) if isinstance(value, list) else float(value)


def _day(replications: Sequence[tuple[float, float, float]]) -> Turn:
    """Standard deviations of the two shares for one day, calculated from those of 250 days; as a `Turn` of shares."""
    levels, abandonment = zip(*((good / calls, lost / calls) for calls, good, lost in replications), strict=True)
    wider = math.sqrt(250)
    return Turn(0.0, 1.0, statistics.stdev(levels) * wider, statistics.stdev(abandonment) * wider, 1)
