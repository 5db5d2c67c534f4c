"""Where chance comes from: named streams of random numbers, each value in a place of its own.

A value is found by seed, name of its purpose, replication, day of the period and number within the day: the patience
of the 17th caller of the third day is the same in every scenario, whoever else calls. So two scenarios meet the same
people (common random numbers), a new feature takes from a new name and shifts nothing, and a longer period begins like
a shorter one. Every value is reckoned from its place alone (`queue_model.random.variates`), so what happens to few is
drawn
for few.
"""

from __future__ import annotations

import hashlib
from typing import Protocol, cast

import numpy as np

from queue_model.compiled import compiled_or_plain
from queue_model.random.ziggurat import Floats, Indices, Words


class Maker(Protocol):
    """What `variates` and `variates_plain` both are."""

    def places(self, day: Indices, number: Indices) -> Words: ...

    def fill(self, key: int, kind: str, shape: float, where: Words, out: Floats) -> None: ...

    def arrivals(
        self,
        key: int,
        first: Indices,
        passed: Floats,
        edges: Floats,
        at: Floats,
        where: Words,
        step: Indices,
    ) -> int: ...


def maker() -> Maker:
    """The compiled maker of random numbers, or where there is none NumPy's: the same numbers."""
    return cast(Maker, compiled_or_plain("random.variates"))


def places(day: Indices, number: Indices) -> Words:
    """Where the values of these numbers of these days are, whatever the purpose, seed and replication."""
    return maker().places(day, number)


class Streams:
    """The chances of one replication."""

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication
        self._maker = maker()

    def key(self, name: str) -> int:
        """64 bits of a purpose's own."""
        said = f"{self.seed}/{self.replication}/{name}".encode()
        return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "little")

    def at(self, name: str, kind: str, where: Words) -> Floats:
        """Standard variates of these places; `kind` as in `queue_model.scenario.laws.standard`."""
        word, _, shape = kind.partition(" ")
        found = np.empty(len(where))
        self._maker.fill(self.key(f"{name}/{kind}"), word, float(shape or 0), where, found)
        return found

    def table(self, name: str, kind: str, days: int, count: int) -> Floats:
        """Standard variates of the first `count` places of every day, [days, count]."""
        where = self._maker.places(np.repeat(np.arange(days), count), np.tile(np.arange(count), days))
        return self.at(name, kind, where).reshape(days, count)

    def arrivals(self, name: str, first: Indices, passed: Floats, edges: Floats) -> tuple[Floats, Words, Indices]:
        """A Poisson process, a day at a time: its expected number is `passed` [steps + 1] at the `edges` of steps, of
        which `first` [days + 1] are the first of each day. Instant, place and step of each."""
        key, expected = self.key(f"{name}/exponential"), float(passed[-1])
        room = int(expected + 6 * np.sqrt(expected) + 16)
        while True:
            at, where, step = np.empty(room), np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.intp)
            made = self._maker.arrivals(key, first, passed, edges, at, where, step)
            if made >= 0:
                return at[:made], where[:made], step[:made]
            room *= 2
