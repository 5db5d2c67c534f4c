"""W1 on salabim: a component for each caller, a resource, a request that fails after a while."""

from __future__ import annotations

import random

import salabim as sim
from w1_day import PATIENCE, Counts, arrivals, handling, main, slot_of

sim.yieldless(False)


class Caller(sim.Component):  # type: ignore[misc]
    def setup(self, agents: sim.Resource, draw: random.Random, counts: Counts) -> None:
        self.agents, self.draw, self.counts = agents, draw, counts

    def process(self):  # type: ignore[no-untyped-def]
        came = self.env.now()
        yield self.request(self.agents, fail_delay=self.draw.expovariate(1 / PATIENCE))
        wait = self.env.now() - came
        if self.failed():
            self.counts.gave_up(slot_of(came), wait)
            return
        self.counts.answered(slot_of(came), wait)
        yield self.hold(handling(self.draw))
        self.release()


class Street(sim.Component):  # type: ignore[misc]
    def setup(self, agents: sim.Resource, draw: random.Random, days: int, counts: Counts) -> None:
        self.agents, self.draw, self.days, self.counts = agents, draw, days, counts

    def process(self):  # type: ignore[no-untyped-def]
        for at in arrivals(self.draw, self.days):
            yield self.hold(till=at)
            Caller(agents=self.agents, draw=self.draw, counts=self.counts)


def simulate(seats: int, days: int, seed: int) -> Counts:
    env = sim.Environment(trace=False, random_seed=seed)
    draw, counts = random.Random(seed), Counts()
    agents = sim.Resource("agents", capacity=seats, monitor=False)
    Street(agents=agents, draw=draw, days=days, counts=counts)
    env.run()
    return counts


main(simulate)
