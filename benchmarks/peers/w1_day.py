"""The workload W1 for all its programs in Python: callers in one queue with equal agents, day after day.

Each program is started as `w1_NAME.py SEATS DAYS SEED`. It prints its counts and its CPU seconds without start-up and
imports: {"seconds", "calls", "good", "abandoned", "waited"}.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator

PROFILE = (14, 22, 28, 32, 32, 28, 22, 18, 18, 22, 26, 28, 28, 26, 22, 16, 11, 7)  # calls by half-hour from nine on
HALF_HOUR, OPENS, DAY = 1800.0, 9 * 3600.0, 86400.0
TALK_MU, TALK_SIGMA = math.log(300.0) - 0.7**2 / 2, 0.7  # lognormal of mean 300 s
WRAP, PATIENCE = 60.0, 180.0  # exponential, mean s
SLOTS = len(PROFILE)
IN_TIME = 20.0


class Counts:
    """By half-hour of the day: calls, calls answered within 20 s, abandoned calls, seconds waited."""

    def __init__(self) -> None:
        self.calls, self.good, self.abandoned = [0] * SLOTS, [0] * SLOTS, [0] * SLOTS
        self.waited = [0.0] * SLOTS

    def answered(self, slot: int, wait: float) -> None:
        self.calls[slot] += 1
        self.good[slot] += wait <= IN_TIME
        self.waited[slot] += wait

    def gave_up(self, slot: int, wait: float) -> None:
        self.calls[slot] += 1
        self.abandoned[slot] += 1
        self.waited[slot] += wait


def slot_of(instant: float) -> int:
    return int((instant % DAY - OPENS) // HALF_HOUR)


def arrivals(draw: random.Random, days: int) -> Iterator[float]:
    """The times of calls: a Poisson process with a rate for each half-hour."""
    for day in range(days):
        for slot, calls in enumerate(PROFILE):
            begin = day * DAY + OPENS + slot * HALF_HOUR
            at = begin + draw.expovariate(calls / HALF_HOUR)
            while at < begin + HALF_HOUR:
                yield at
                at += draw.expovariate(calls / HALF_HOUR)


def handling(draw: random.Random) -> float:
    return draw.lognormvariate(TALK_MU, TALK_SIGMA) + draw.expovariate(1 / WRAP)


def main(simulate: Callable[[int, int, int], Counts]) -> None:
    """Run `simulate(seats, days, seed)` with the numbers of the command line."""
    seats, days, seed = map(int, sys.argv[1:4])
    begun = time.process_time()
    counts = simulate(seats, days, seed)
    seconds = time.process_time() - begun
    sums = {name: sum(getattr(counts, name)) for name in ("calls", "good", "abandoned", "waited")}
    print(json.dumps({"seconds": seconds, **sums}))
