"""How fast the model is: against other simulators on the workload W1, with every feature on, as it grows, and as used.

Every program runs in a process of its own, pinned to one core, and counts its own CPU seconds without start-up and
imports, so who else uses the machine hardly matters. In each round all take turns; ratios are taken within a round and
are medians over the rounds. W1: 400 calls a day by half-hour, log-normal talk (mean 300 s, sigma 0.7) and exponential
wrap-up (60 s) and patience (180 s), first come, first served; at 12 seats almost nobody waits, at 5 most do.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine
from benchmarks.report import Goal, Section, table
from benchmarks.servers import Failure, peers_python
from common.places import ROOT

HERE = Path(__file__).parent
PATIENCE_SECONDS = 240.0  # for one program
SEATS = (12, 5)
KERNEL, REFERENCE, LIMIT = "ours: kernel", "ours: SimPy reference", "C, one pass (limit)"
IDIOMATIC, LEAN, CIW, SALABIM = "SimPy idiomatic", "SimPy lean", "Ciw", "salabim"
GROWTH = ((100, 10, 200), (1_000, 12, 100), (10_000, 122, 20), (100_000, 1222, 2), (1_000_000, 10_000, 1),
          (10_000_000, 10_000, 1))  # fmt: skip
REPLICATIONS = (5, 50)  # whose memory is compared
DISAGREEMENT = 4.0  # standard errors


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    share: float  # of the days that a program simulates
    growth: int  # rows of GROWTH
    year: int  # replications


FULL, QUICK = Effort(5, 1.0, len(GROWTH), 100), Effort(1, 0.3, 4, 20)


class Program(NamedTuple):
    """A row of the table: its command for seats, days and seed, and how many days it simulates in a turn."""

    name: str
    version: str
    days: int
    command: Callable[[int, int, int], list[str]]


class Turn(NamedTuple):
    """What a program counted in its turn, and the CPU seconds that it took."""

    seconds: float
    calls: float
    good: float
    abandoned: float
    days: int

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


Turns = dict[tuple[str, int], list[Turn]]


def run(quick: bool, quiet: str) -> Section:
    """Measure everything; takes about five minutes, less than one when `quick`."""
    effort = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        turns, spread, lost = side_by_side(programs(Path(folder)), effort)
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
    parts = [where, w1_text(turns, spread, lost, effort), full_text(full), growth_text(growth, memory)]
    return Section("model", "The model", goals, "\n\n".join([*parts, use_text(years, rota, effort)]))


# --- running ---------------------------------------------------------------------------------------------------------


def task(name: str, *numbers: str, core: int | None = 1) -> dict[str, Any]:
    """One task of `benchmarks.model_tasks`, in a process of its own."""
    return printed([sys.executable, "-m", "benchmarks.model_tasks", name, *numbers], core)


def printed(command: list[str], core: int | None = 1) -> dict[str, Any]:
    """The JSON that a program prints. Raises RuntimeError when it fails."""
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
    found: dict[str, Any] = json.loads(outcome.stdout.splitlines()[-1])
    return found


def programs(folder: Path) -> list[Program]:
    """All rows, the limit first, ours last."""
    limit = machine.compiled(HERE / "peers" / "w1_limit.c", folder, "-O3", "-march=native")

    def one_pass(seats: int, days: int, seed: int) -> list[str]:
        return [str(limit), *map(str, (seats, 250, seed, days // 250))]

    def peer(file: str, python: Callable[[], str] = lambda: sys.executable) -> Callable[[int, int, int], list[str]]:
        return lambda *asked: [python(), str(HERE / "peers" / file), *map(str, asked)]

    def ours(engine: str, repeats: int) -> Callable[[int, int, int], list[str]]:
        def command(seats: int, days: int, seed: int) -> list[str]:
            each = max(1, days // repeats)
            program = [sys.executable, "-m", "benchmarks.model_tasks", "w1", engine]
            return [*program, *map(str, (seats, each, seed, repeats))]

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
    """Every program's turns at every number of seats; how one day of W1 varies, by seats; who could not be run."""
    turns: Turns = defaultdict(list)
    replications: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    lost: dict[str, str] = {}
    for number in range(effort.rounds):
        print(f"   W1, round {number + 1}", flush=True)
        for seats in SEATS:
            for row in rows:
                days = max(250 if row.days >= 5000 else 5, round(row.days * effort.share) // 5 * 5)
                days = days // 250 * 250 if row.days >= 5000 else days
                if row.name in lost:
                    continue
                try:
                    found = printed(row.command(seats, days, 1000 * number + seats))
                except (Failure, RuntimeError) as problem:
                    lost[row.name] = str(problem)[:120]
                    continue
                if row.name == KERNEL:
                    replications[seats] += zip(found["each"], found["good"], found["abandoned"], strict=True)
                good, gone = (_sum(found[name]) for name in ("good", "abandoned"))
                turns[row.name, seats].append(Turn(found["seconds"], found["calls"], good, gone, days))
    return turns, {seats: _day(several) for seats, several in replications.items()}, lost


def _sum(value: float | list[float]) -> float:
    return float(sum(value)) if isinstance(value, list) else float(value)


def _day(replications: Sequence[tuple[float, float, float]]) -> Turn:
    """Standard deviations of the two shares over single days, from those over 250; as a `Turn` of shares."""
    levels, gone = zip(*((good / calls, lost / calls) for calls, good, lost in replications), strict=True)
    wider = math.sqrt(250)
    return Turn(0.0, 1.0, statistics.stdev(levels) * wider, statistics.stdev(gone) * wider, 1)


# --- W1 --------------------------------------------------------------------------------------------------------------


def ratio(turns: Turns, name: str, other: str, seats: int) -> float:
    """Median over the rounds of how many times as fast as the other."""
    pairs = zip(turns[name, seats], turns[other, seats], strict=False)
    found = [mine.rate / theirs.rate for mine, theirs in pairs]
    return statistics.median(found) if found else math.nan


def shares(turns: Sequence[Turn]) -> tuple[float, float, int]:
    """P(wait <= 20 s), P(abandons), and days, of all rounds together."""
    calls = sum(each.calls for each in turns)
    good, gone = sum(each.good for each in turns), sum(each.abandoned for each in turns)
    return good / calls, gone / calls, sum(each.days for each in turns)


def disagreements(turns: Turns, spread: dict[int, Turn]) -> dict[tuple[str, int], float]:
    """By how many standard errors each program differs from the C program, the worse of the two shares."""
    found = {}
    for (name, seats), mine in turns.items():
        theirs = turns.get((LIMIT, seats), [])
        if name == LIMIT or not theirs or seats not in spread:
            continue
        level, gone, days = shares(mine)
        their_level, their_gone, their_days = shares(theirs)
        narrower = math.sqrt(1 / days + 1 / their_days)
        found[name, seats] = max(
            abs(level - their_level) / (spread[seats].good * narrower),
            abs(gone - their_gone) / (spread[seats].abandoned * narrower),
        )
    return found


def w1_text(turns: Turns, spread: dict[int, Turn], lost: dict[str, str], effort: Effort) -> str:
    rows, apart = [], disagreements(turns, spread)
    names = [*dict.fromkeys(name for name, _ in turns)]
    for name in sorted(names, key=lambda each: -statistics.median(turn.rate for turn in turns[each, SEATS[0]])):
        line = [name]
        for seats in SEATS:
            rate = statistics.median(each.rate for each in turns[name, seats])
            level, gone, _ = shares(turns[name, seats])
            against = f"{ratio(turns, name, CIW, seats):,.2f} · {1 / ratio(turns, name, LIMIT, seats):,.2f}"
            line += [f"{rate:,.0f}", against, f"{100 * level:.2f} · {100 * gone:.3f}"]
            line += [f"{apart[name, seats]:.1f}" if (name, seats) in apart else "–"]
        rows.append(line)
    head = ["W1"]
    for seats in SEATS:
        head += [
            f"{seats} seats: calls/s",
            "times Ciw · C is faster by",
            "in 20 s · abandon, %",
            "standard errors from C",
        ]
    worst = max(apart.values(), default=math.nan)
    agree = "all agree" if worst < DISAGREEMENT else "**NOT all agree**"
    missing = "".join(f" {name} could not be run: {why}." for name, why in lost.items())
    return (
        f"W1, {effort.rounds} rounds. Ours draws, simulates, keeps a record of every call and operator's interval, and "
        "works out every measure; the others count calls, answers in time, abandons and waits by half-hour. "
        f"Statistically {agree}: the farthest is {worst:.1f} standard errors from the C program.{missing}\n\n"
        f"{table(head, rows)}"
    )


def w1_goals(turns: Turns) -> list[Goal]:
    behind = {seats: 1 / ratio(turns, KERNEL, LIMIT, seats) for seats in SEATS}
    ahead = {seats: ratio(turns, KERNEL, CIW, seats) for seats in SEATS}
    reference = {seats: ratio(turns, REFERENCE, IDIOMATIC, seats) for seats in SEATS}
    return [
        Goal(
            "W1: within 1.5 times of the C program, records and statistics included",
            _told(behind, "{:.2f} times its time"), max(behind.values()) <= 1.5,
            f"{max(behind.values()) / 1.5:.2f} times too slow at worst: of a call's time some 42 % go to draws that "
            "can be found again by their place, 40 % to the engine and its records, 18 % to 23 measures; without any "
            "engine it would be as fast as wanted",
        ),
        Goal(
            "W1: at least 500 times Ciw", _told(ahead, "{:.0f} times"), min(ahead.values()) >= 500,
            f"{500 / min(ahead.values()):.2f} times too slow at worst",
        ),
        Goal(
            "the SimPy reference at least as fast as an idiomatic SimPy program",
            _told(reference, "{:.2f} times"), min(reference.values()) >= 1,
            f"by {1 - min(reference.values()):.0%} at worst",
        ),
    ]  # fmt: skip


def _told(values: dict[int, float], words: str) -> str:
    return ", ".join(f"{words.format(value)} at {seats}" for seats, value in values.items())


# --- every feature ---------------------------------------------------------------------------------------------------


def every_feature(number: int, effort: Effort) -> dict[str, dict[str, Any]]:
    """A turn of both engines on the baseline."""
    kernel = task("full", "kernel", "364", str(number), str(max(1, round(5 * effort.share))))
    return {"kernel": kernel, "simpy": task("full", "simpy", "28", str(number), "1")}


def _rate(found: dict[str, Any], parts: Sequence[str] = ("draws", "engine")) -> float:
    return float(found["calls"] / sum(found[part] for part in parts))


def full_text(full: Sequence[dict[str, dict[str, Any]]]) -> str:
    rows = []
    for engine, name in (("kernel", KERNEL), ("simpy", REFERENCE)):
        each = [
            statistics.median(1e6 * turn[engine][part] / turn[engine]["calls"] for turn in full)
            for part in ("draws", "engine", "statistics")
        ]
        rate = statistics.median(_rate(turn[engine]) for turn in full)
        whole = statistics.median(_rate(turn[engine], ("draws", "engine", "statistics")) for turn in full)
        rows.append([name, f"{rate:,.0f}", f"{whole:,.0f}", *(f"{value:.3f}" for value in each)])
    head = ["baseline", "calls/s, draws included", "statistics, too", "µs a call: draws", "engine", "statistics"]
    more = statistics.median(turn["kernel"]["intervals"] / turn["kernel"]["calls"] for turn in full)
    return (
        "Every feature: `scenarios/baseline.yaml`, a year (the reference: four weeks). Calls are those at the queue or "
        f"the voicemail; to each come {more:.1f} e-mails and intervals of operators, which are simulated as well.\n\n"
        f"{table(head, rows)}"
    )


def full_goals(full: Sequence[dict[str, dict[str, Any]]]) -> list[Goal]:
    rate = statistics.median(_rate(turn["kernel"]) for turn in full)
    times = statistics.median(_rate(turn["kernel"]) / _rate(turn["simpy"]) for turn in full)
    return [
        Goal(
            "every feature: at least 3 million calls/s, draws included", f"{rate / 1e6:.2f} million", rate >= 3e6,
            f"by {1 - rate / 3e6:.0%}: eleven chances a call are drawn, and e-mails, breaks and put-downs come to it",
        ),
        Goal(
            "every feature: at least 100 times the SimPy reference", f"{times:.0f} times", times >= 100,
            f"by {1 - times / 100:.0%}: the reference is more than twice as fast as the prototype that this was set by",
        ),
    ]  # fmt: skip


# --- growth ----------------------------------------------------------------------------------------------------------


def growth_text(growth: Sequence[dict[str, Any]], memory: Sequence[int]) -> str:
    rows = []
    for (calls, seats, days), found in zip(GROWTH, growth, strict=False):
        each = 1e9 * found["seconds"] / found["calls"]
        mine = found["bytes"] / (found["calls"] / found["repeats"])
        rows.append(
            [f"{calls:,}", f"{seats:,}", str(days), f"{each:.0f}", f"{found['bytes'] / 2**20:.0f}", f"{mine:.0f}"]
        )
    head = [
        "calls a day",
        "seats",
        "days",
        "ns a call, all included",
        "MB beyond start-up",
        "bytes a call of the period",
    ]
    few, many = (each / 2**20 for each in memory)
    return (
        "Growth: W1 with more of everything (at ten million calls most give up), by the general way of the kernel. "
        f"Replications keep nothing but sums: {REPLICATIONS[0]} of four weeks took {few:.0f} MB at most, "
        f"{REPLICATIONS[1]} took {many:.0f} MB.\n\n{table(head, rows)}"
    )


def growth_goals(growth: Sequence[dict[str, Any]], memory: Sequence[int]) -> list[Goal]:
    each = [found["seconds"] / found["calls"] for found in growth]
    logs = [math.log(max(seats, 2)) for _, seats, _ in GROWTH]
    # n log n of what the heap holds: an entry for each seat.
    worst = max(value / log for value, log in zip(each[1:], logs[1:], strict=False)) / (each[0] / logs[0])
    more = (memory[1] - memory[0]) / 2**20
    return [
        Goal(
            "cost grows like n log n, from 10² to 10⁷ calls a day and 10 to 10⁴ seats",
            f"{worst:.2f} times n log n at worst, from 100 calls a day on", worst <= 2,
            f"{worst / 2:.2f} times too fast a growth; beyond the caches each call waits for memory",
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
