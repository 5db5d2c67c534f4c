"""Where chance comes from: named streams of random numbers, each value in a place of its own.

A value is found by seed, name of its purpose, replication, day of the period and number within the day: the patience
of the 17th caller of the third day is the same in every scenario, whoever else calls. So two scenarios meet the same
people (common random numbers), a new feature takes from a new name and shifts nothing, and a longer period begins like
a shorter one.

One generator a day and purpose would cost more than the numbers themselves. Instead a generator fills a *layer*, the
same few numbers of every day; layers grow by a quarter, so that days of any size waste little.
"""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from queue_model.laws import draw

Floats = NDArray[np.float64]

FIRST_LAYERS = (16, 48)  # columns: for what happens a few times a day, and up to 64 times


@cache
def _layers(count: int) -> tuple[tuple[int, int], ...]:
    """Columns of each layer, as (from, until), as many as hold `count` numbers a day; never another division."""
    layers: list[tuple[int, int]] = []
    start = 0
    while start < count:
        width = FIRST_LAYERS[len(layers)] if len(layers) < len(FIRST_LAYERS) else max(64, start // 4 // 8 * 8)
        layers.append((start, start + width))
        start += width
    return tuple(layers)


class Streams:
    """The chances of one replication."""

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def generator(self, name: str, layer: int = 0) -> np.random.Generator:
        """The generator of one purpose, fresh."""
        words = [self.seed, zlib.crc32(name.encode()), self.replication, layer]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    def table(self, name: str, kind: str, days: int, count: int) -> Floats:
        """Standard variates [days, at least `count`]; `kind` as in `queue_model.laws.standard`.

        A value depends on its row and column only, not on how many of either are asked for.
        """
        layers = _layers(max(count, 1))
        table = np.empty((days, layers[-1][1]))
        for number, (start, until) in enumerate(layers):
            part = np.empty((days, until - start))
            draw(self.generator(f"{name}/{kind}", number), kind, part)
            table[:, start:until] = part
        return table
