"""All paths through the menu as tables, from which one random number chooses a path for each call."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from queue_model.compiled import compiled_or_plain
from queue_model.random.ziggurat import Flags, Indices, Shorts
from queue_model.scenario.laws import Floats
from queue_model.scenario.study import Study
from queue_model.simulation.menu_walks import Walk, all_walks

array_loops = compiled_or_plain("simulation.array_loops")

WALKED = ("service", "hours", "holidays", "recording", "voicemail", "limits")  # what a walk reads from service.yaml
STEADY = 600.0  # seconds without opening or closing, enough for any walk


@dataclass(frozen=True, eq=False)
class MenuPaths:
    """Every path, grouped by (topic, open or closed); arrays [paths]."""

    QUEUE: ClassVar[int] = 0
    MESSAGE: ClassVar[int] = 1
    GONE: ClassVar[int] = 2

    chance: Floats  # within the group
    first: NDArray[np.intp]  # path of each group, [2 * topics + 1]
    keep: Floats  # Walker's alias method: a path drawn uniformly is kept with this probability, else `other` is taken
    other: NDArray[np.intp]
    seconds: Floats
    ending: NDArray[np.uint8]
    topic: NDArray[np.int16]
    priority: NDArray[np.int16]
    informed: NDArray[np.bool_]

    @property
    def is_certain(self) -> bool:
        """Whether every group has a single path, so that no random number is needed."""
        return len(self.chance) == len(self.first) - 1

    @property
    def take_time(self) -> bool:
        """Whether paths differ in duration, so that callers may end them in another order."""
        return bool(np.ptp(self.seconds) > 0)

    def choose(self, topics: Shorts, step: Indices, opens: Flags, chance: Floats) -> Indices:
        """The path of each call, from its topic, its step, whether each step is open, and a uniform number per call."""
        found: Indices = array_loops.choose_paths(topics, step, opens, chance, self.first, self.keep, self.other)
        return found

    def reach(self, at: Floats, path: Indices, where: int) -> tuple[Floats, Indices]:
        """The calls that reach an ending: the instants, in order, and the index of each call."""
        if self.take_time:
            found: tuple[Floats, Indices] = array_loops.reach_ending(at, path, self.seconds, self.ending, where)
            return found
        rows = np.flatnonzero(self.ending[path] == where)
        if len(rows) == len(at):
            return at + self.seconds[0] if self.seconds[0] else at, rows
        return at[rows] + self.seconds[0], rows

    def count_exits(self, path: Indices) -> tuple[int, int]:
        """The number of calls that end in the menu without the information, and with it."""
        counts = np.bincount(path, minlength=len(self.seconds))[self.ending == MenuPaths.GONE]
        informed = self.informed[self.ending == MenuPaths.GONE]
        return int(counts[~informed].sum()), int(counts[informed].sum())


def _alias(chances: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Walker's alias tables, for a draw with unequal probabilities from one of n equal cells."""
    count = len(chances)
    keep, other = chances / chances.sum() * count, np.arange(count)
    small, large = [each for each in range(count) if keep[each] < 1], [each for each in range(count) if keep[each] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        other[poor] = rich
        keep[rich] -= 1 - keep[poor]
        if keep[rich] < 1:
            small.append(large.pop())
    keep[small + large] = 1.0  # left over by rounding
    return keep, other


def menu_paths(study: Study) -> MenuPaths:
    """All paths of a study. Without a menu in the scenario: straight into the queue, or to the voicemail."""
    found: list[list[Walk]] = []
    instants = {False: _instant(study, is_open=False), True: _instant(study, is_open=True)}
    for name, topic in study.scenario.topics.items():
        for is_open in (False, True):
            at = instants[is_open]
            if not study.scenario.menu.walk or at is None:
                found.append([Walk(1.0, 0.0, "queue" if is_open else "message", name, 0, False)])
            else:
                found.append(_walked(study, name, topic.satisfied, at))
    flat = [walk for group in found for walk in group]
    endings = {"queue": MenuPaths.QUEUE, "message": MenuPaths.MESSAGE}
    chances = [np.array([walk.chance for walk in group]) for group in found]
    first = np.cumsum([0, *map(len, found)])
    tables = [_alias(each) for each in chances]
    return MenuPaths(
        np.concatenate(chances),
        first,
        np.concatenate([keep for keep, _ in tables]),
        np.concatenate([other + begin for (_, other), begin in zip(tables, first, strict=False)]),
        np.array([walk.seconds for walk in flat]),
        np.array([endings.get(walk.ending, MenuPaths.GONE) for walk in flat], dtype=np.uint8),
        np.array([_number(study, walk.topic) for walk in flat], dtype=np.int16),
        np.array([walk.priority for walk in flat], dtype=np.int16),
        np.array([walk.informed and walk.ending in ("done", "gone") for walk in flat]),
    )


_cached: dict[bytes, list[Walk]] = {}  # of earlier studies: scenarios that are compared usually have the same menu
MOST_CACHED = 1000


def _walked(study: Study, topic: str, satisfied: float, at: float) -> list[Walk]:
    """Every walk of one topic, calculated once for all studies in which it is the same."""
    compiled, behaviour = study.compiled, study.scenario.menu
    service = {name: compiled["service"][name] for name in WALKED}  # type: ignore[literal-required]
    seconds = {name: prompt["seconds"] for name, prompt in compiled["prompts"].items()}
    text = msgspec.json.encode((service, compiled["menu"], seconds, behaviour, topic, satisfied, at))
    key = hashlib.sha256(text).digest()
    if key not in _cached:
        if len(_cached) >= MOST_CACHED:
            _cached.clear()
        _cached[key] = all_walks(compiled, behaviour, topic, satisfied, at)
    return _cached[key]


def _number(study: Study, topic: str) -> int:
    """The number of the topic that the menu reports; 0 if the scenario does not have it."""
    return study.topics.index(topic) if topic in study.topics else 0


def _instant(study: Study, *, is_open: bool) -> float | None:
    """An instant of the period (epoch seconds) at which the service is open or closed, and stays so for a while."""
    hours, at = study.hours, study.period.origin
    until = at + study.period.length
    while at < until:
        change = hours.next_change(at)
        if hours.is_open(at) == is_open and min(change, until) - at > STEADY:
            return at if math.isinf(change) else min((at + change) / 2, at + STEADY)
        at = change
    return None
