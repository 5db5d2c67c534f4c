"""W1 with only SimPy's event loop: callbacks instead of processes; patience is checked when the caller's turn comes."""

from __future__ import annotations

import random
from collections import deque

import simpy
from w1_day import PATIENCE, Counts, arrivals, handling, main, slot_of


class Queue:
    def __init__(self, seats: int, days: int, seed: int) -> None:
        self.env, self.draw, self.counts = simpy.Environment(), random.Random(seed), Counts()
        self.idle = seats
        self.queue: deque[tuple[float, float]] = deque()  # came, gives up
        self.coming = arrivals(self.draw, days)
        self.next_call()

    def next_call(self) -> None:
        at = next(self.coming, None)
        if at is not None:
            self.env.timeout(at - self.env.now).callbacks.append(self.comes)

    def comes(self, _: simpy.Event) -> None:
        now = self.env.now
        if self.idle:
            self.idle -= 1
            self.counts.answered(slot_of(now), 0.0)
            self.env.timeout(handling(self.draw)).callbacks.append(self.ends)
        else:
            self.queue.append((now, now + self.draw.expovariate(1 / PATIENCE)))
        self.next_call()

    def ends(self, _: simpy.Event) -> None:
        now = self.env.now
        while self.queue:
            came, gives_up = self.queue.popleft()
            if gives_up < now:
                self.counts.gave_up(slot_of(came), gives_up - came)
                continue
            self.counts.answered(slot_of(came), now - came)
            self.env.timeout(handling(self.draw)).callbacks.append(self.ends)
            return
        self.idle += 1


def simulate(seats: int, days: int, seed: int) -> Counts:
    queue = Queue(seats, days, seed)
    queue.env.run()
    return queue.counts


main(simulate)
