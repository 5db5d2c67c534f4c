"""The table and the goals of the workload W1: speed beside other simulators, and agreement with them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from benchmarks.model_programs import CIW, IDIOMATIC, KERNEL, LIMIT, REFERENCE, SEATS, Effort, Turn, Turns
from benchmarks.report import Goal, table

DISAGREEMENT = 4.0  # standard errors


def ratio(turns: Turns, name: str, other: str, seats: int) -> float:
    """How many times as fast as the other: the median over the rounds."""
    pairs = zip(turns[name, seats], turns[other, seats], strict=False)
    ratios = [first.rate / second.rate for first, second in pairs]
    return statistics.median(ratios) if ratios else math.nan


def shares(turns: Sequence[Turn]) -> tuple[float, float, int]:
    """P(wait <= 20 s), P(abandonment), and the days, of all rounds together."""
    calls = sum(turn.calls for turn in turns)
    good, abandoned = sum(turn.good for turn in turns), sum(turn.abandoned for turn in turns)
    return good / calls, abandoned / calls, sum(turn.days for turn in turns)


def disagreements(turns: Turns, spread: dict[int, Turn]) -> dict[tuple[str, int], float]:
    """The difference of each program from the C program in standard errors, the larger of the two shares."""
    differences = {}
    for (name, seats), program_turns in turns.items():
        limit_turns = turns.get((LIMIT, seats), [])
        if name == LIMIT or not limit_turns or seats not in spread:
            continue
        level, abandoned, days = shares(program_turns)
        limit_level, limit_abandoned, limit_days = shares(limit_turns)
        narrower = math.sqrt(1 / days + 1 / limit_days)
        differences[name, seats] = max(
            abs(level - limit_level) / (spread[seats].good * narrower),
            abs(abandoned - limit_abandoned) / (spread[seats].abandoned * narrower),
        )
    return differences


def w1_text(turns: Turns, spread: dict[int, Turn], failed: dict[str, str], effort: Effort) -> str:
    rows, apart = [], disagreements(turns, spread)
    names = [*dict.fromkeys(name for name, _ in turns)]
    for name in sorted(names, key=lambda row: -statistics.median(turn.rate for turn in turns[row, SEATS[0]])):
        line = [name]
        for seats in SEATS:
            rate = statistics.median(turn.rate for turn in turns[name, seats])
            level, abandoned, _ = shares(turns[name, seats])
            against = f"{ratio(turns, name, CIW, seats):,.2f} · {1 / ratio(turns, name, LIMIT, seats):,.2f}"
            line += [f"{rate:,.0f}", against, f"{100 * level:.2f} · {100 * abandoned:.3f}"]
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
    missing = "".join(f" {name} could not be run: {why}." for name, why in failed.items())
    return (
        f"W1, {effort.rounds} rounds. Ours draws, simulates, keeps a record of every call and operator's interval, and "
        "calculates every measure; the others count calls, answers in time, abandonments and waits by half-hour. "
        f"Statistically {agree}: the largest difference from the C program is {worst:.1f} standard errors."
        f"{missing}\n\n"
        f"{table(head, rows)}"
    )


def w1_goals(turns: Turns) -> list[Goal]:
    behind = {seats: 1 / ratio(turns, KERNEL, LIMIT, seats) for seats in SEATS}
    ahead = {seats: ratio(turns, KERNEL, CIW, seats) for seats in SEATS}
    reference = {seats: ratio(turns, REFERENCE, IDIOMATIC, seats) for seats in SEATS}
    return [
        Goal(
            "W1: within 1.5 times of the C program, records and statistics included",
            _by_seats(behind, "{:.2f} times its time"), max(behind.values()) <= 1.5,
            f"{max(behind.values()) / 1.5:.2f} times too slow at worst: of a call's time some 42 % go to draws that "
            "are calculated from their place, 40 % to the engine and its records, 18 % to 23 measures; without any "
            "engine it would reach the goal",
        ),
        Goal(
            "W1: at least 500 times Ciw", _by_seats(ahead, "{:.0f} times"), min(ahead.values()) >= 500,
            f"{500 / min(ahead.values()):.2f} times too slow at worst",
        ),
        Goal(
            "the SimPy reference at least as fast as an idiomatic SimPy program",
            _by_seats(reference, "{:.2f} times"), min(reference.values()) >= 1,
            f"by {1 - min(reference.values()):.0%} at worst",
        ),
    ]  # fmt: skip


def _by_seats(values: dict[int, float], pattern: str) -> str:
    return ", ".join(f"{pattern.format(value)} at {seats}" for seats, value in values.items())
