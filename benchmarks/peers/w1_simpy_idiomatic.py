"""W1 as in SimPy's documentation: a process for each caller, a Resource, a request with a time-out."""

from __future__ import annotations

import random
from collections.abc import Iterator

import simpy
from w1_day import PATIENCE, Counts, arrivals, handling, main, slot_of


def caller(
    env: simpy.Environment, agents: simpy.Resource, draw: random.Random, counts: Counts
) -> Iterator[simpy.Event]:
    came = env.now
    with agents.request() as turn:
        result = yield turn | env.timeout(draw.expovariate(1 / PATIENCE))
        if turn not in result:
            counts.gave_up(slot_of(came), env.now - came)
            return
        counts.answered(slot_of(came), env.now - came)
        yield env.timeout(handling(draw))


def street(
    env: simpy.Environment, agents: simpy.Resource, draw: random.Random, days: int, counts: Counts
) -> Iterator[simpy.Event]:
    for at in arrivals(draw, days):
        yield env.timeout(at - env.now)
        env.process(caller(env, agents, draw, counts))


def simulate(seats: int, days: int, seed: int) -> Counts:
    env, draw, counts = simpy.Environment(), random.Random(seed), Counts()
    env.process(street(env, simpy.Resource(env, seats), draw, days, counts))
    env.run()
    return counts


main(simulate)
