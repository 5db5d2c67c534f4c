"""Named streams of random numbers, in which every value has an address.

The address is seed, name of the purpose, replication, day of the period and number within the day: the patience of the
17th caller of the third day is the same in every scenario, whatever the other calls are. So scenarios meet the same
people (common random numbers), a new feature uses a new name and shifts nothing, and a longer period starts like a
shorter one. Every value is calculated from its address alone (`queue_model.random.variates`), so a value that few
callers need is drawn for few.
"""

from __future__ import annotations

import hashlib
from typing import Protocol, cast

import numpy as np

from queue_model.compiled import compiled_or_plain
from queue_model.random.ziggurat import Floats, Indices, Words


class Maker(Protocol):
    """The interface of `variates` and `variates_plain`."""

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
    """The compiled maker of random numbers, or the one in NumPy: the same numbers."""
    return cast(Maker, compiled_or_plain("random.variates"))


def places(day: Indices, number: Indices) -> Words:
    """The places of these numbers within these days, for any purpose, seed and replication."""
    return maker().places(day, number)


class Streams:
    """The random numbers of one replication."""

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication
        self._maker = maker()

    def key(self, name: str) -> int:
        """The 64-bit key of a purpose."""
        address = f"{self.seed}/{self.replication}/{name}".encode()
        return int.from_bytes(hashlib.blake2b(address, digest_size=8).digest(), "little")

    def at(self, name: str, kind: str, where: Words) -> Floats:
        """Standard variates at these places; `kind` as in `queue_model.scenario.laws.standard`."""
        word, _, shape = kind.partition(" ")
        values = np.empty(len(where))
        self._maker.fill(self.key(f"{name}/{kind}"), word, float(shape or 0), where, values)
        return values

    def table(self, name: str, kind: str, days: int, count: int) -> Floats:
        """Standard variates of the first `count` places of every day, [days, count]."""
        where = self._maker.places(np.repeat(np.arange(days), count), np.tile(np.arange(count), days))
        return self.at(name, kind, where).reshape(days, count)

    def arrivals(self, name: str, first: Indices, passed: Floats, edges: Floats) -> tuple[Floats, Words, Indices]:
        """A Poisson process, day by day. `passed` [steps + 1]: the expected number until each of the `edges` of steps;
        `first` [days + 1]: the first step of each day. Returns instant, place and step of each arrival."""
        key, expected = self.key(f"{name}/exponential"), float(passed[-1])
        size = int(expected + 6 * np.sqrt(expected) + 16)
        while True:
            at, where, step = np.empty(size), np.empty(size, dtype=np.uint64), np.empty(size, dtype=np.intp)
            made = self._maker.arrivals(key, first, passed, edges, at, where, step)
            if made >= 0:
                return at[:made], where[:made], step[:made]
            size *= 2
