"""The ways through the menu of all callers, laid out for drawing: one random number a call chooses among them."""

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

passes = compiled_or_plain("simulation.passes")

WALKED = ("service", "hours", "holidays", "recording", "voicemail", "limits")  # what a walk reads of service.yaml
STEADY = 600.0  # seconds that a walk may take without meeting the closing


@dataclass(frozen=True, eq=False)
class Ways:
    """Every way, grouped by (topic, open or closed); arrays [ways]."""

    QUEUE: ClassVar[int] = 0
    MESSAGE: ClassVar[int] = 1
    GONE: ClassVar[int] = 2

    chance: Floats  # within the group
    first: NDArray[np.intp]  # of each group, [2 * topics + 1]
    keep: Floats  # Walker's alias method: a way drawn evenly is kept with this chance, else it is the other one
    other: NDArray[np.intp]
    seconds: Floats
    ending: NDArray[np.uint8]
    topic: NDArray[np.int16]
    priority: NDArray[np.int16]
    informed: NDArray[np.bool_]

    @property
    def one_each(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.chance) == len(self.first) - 1

    @property
    def take_time(self) -> bool:
        """Whether callers may come to their end in another order than they called."""
        return bool(np.ptp(self.seconds) > 0)

    def choose(self, topics: Shorts, step: Indices, opens: Flags, chance: Floats) -> Indices:
        """The way of each caller, from his topic, the step in which he calls, whether the service is open in it, and a
        uniform number where there is something to choose."""
        found: Indices = passes.taken(topics, step, opens, chance, self.first, self.keep, self.other)
        return found

    def lead(self, at: Floats, way: Indices, where: int) -> tuple[Floats, Indices]:
        """Who comes to that ending, by the instant at which he does: the instants, and which call each is."""
        if self.take_time:
            found: tuple[Floats, Indices] = passes.led(at, way, self.seconds, self.ending, where)
            return found
        rows = np.flatnonzero(self.ending[way] == where)
        if len(rows) == len(at):
            return at + self.seconds[0] if self.seconds[0] else at, rows
        return at[rows] + self.seconds[0], rows

    def end(self, way: Indices) -> tuple[int, int]:
        """How many end in the menu without having heard the information, and with it."""
        counts = np.bincount(way, minlength=len(self.seconds))[self.ending == Ways.GONE]
        told = self.informed[self.ending == Ways.GONE]
        return int(counts[~told].sum()), int(counts[told].sum())


def _alias(chances: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Walker's tables: what a draw from n equally likely places makes of chances that are not equal."""
    count = len(chances)
    keep, other = chances / chances.sum() * count, np.arange(count)
    small, large = [each for each in range(count) if keep[each] < 1], [each for each in range(count) if keep[each] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        other[poor] = rich
        keep[rich] -= 1 - keep[poor]
        if keep[rich] < 1:
            small.append(large.pop())
    keep[small + large] = 1.0  # what rounding left over
    return keep, other


def ways(study: Study) -> Ways:
    """All ways of a study; straight into the queue, or to the voicemail, where the scenario knows no menu."""
    found: list[list[Walk]] = []
    moments = {False: _moment(study, is_open=False), True: _moment(study, is_open=True)}
    for name, topic in study.scenario.topics.items():
        for is_open in (False, True):
            at = moments[is_open]
            if not study.scenario.menu.walk or at is None:
                found.append([Walk(1.0, 0.0, "queue" if is_open else "message", name, 0, False)])
            else:
                found.append(_walked(study, name, topic.satisfied, at))
    flat = [walk for group in found for walk in group]
    endings = {"queue": Ways.QUEUE, "message": Ways.MESSAGE}
    chances = [np.array([walk.chance for walk in group]) for group in found]
    first = np.cumsum([0, *map(len, found)])
    tables = [_alias(each) for each in chances]
    return Ways(
        np.concatenate(chances),
        first,
        np.concatenate([keep for keep, _ in tables]),
        np.concatenate([other + begin for (_, other), begin in zip(tables, first, strict=False)]),
        np.array([walk.seconds for walk in flat]),
        np.array([endings.get(walk.ending, Ways.GONE) for walk in flat], dtype=np.uint8),
        np.array([_number(study, walk.topic) for walk in flat], dtype=np.int16),
        np.array([walk.priority for walk in flat], dtype=np.int16),
        np.array([walk.informed and walk.ending in ("done", "gone") for walk in flat]),
    )


_known: dict[bytes, list[Walk]] = {}  # of earlier studies: scenarios that are compared mostly have the same menu
MOST_KNOWN = 1000


def _walked(study: Study, topic: str, satisfied: float, at: float) -> list[Walk]:
    """Every way of one topic, walked once for all studies in which it is the same."""
    compiled, behaviour = study.compiled, study.scenario.menu
    service = {name: compiled["service"][name] for name in WALKED}  # type: ignore[literal-required]
    seconds = {name: sheet["seconds"] for name, sheet in compiled["prompts"].items()}
    said = msgspec.json.encode((service, compiled["menu"], seconds, behaviour, topic, satisfied, at))
    key = hashlib.sha256(said).digest()
    if key not in _known:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = all_walks(compiled, behaviour, topic, satisfied, at)
    return _known[key]


def _number(study: Study, topic: str) -> int:
    """A caller whose topic the menu never learnt of is counted under what he wants."""
    return study.topics.index(topic) if topic in study.topics else 0


def _moment(study: Study, *, is_open: bool) -> float | None:
    """A moment of the period at which the service is, and stays for a while, open or closed; epoch seconds."""
    hours, at = study.hours, study.period.origin
    until = at + study.period.length
    while at < until:
        change = hours.next_change(at)
        if hours.is_open(at) == is_open and min(change, until) - at > STEADY:
            return at if math.isinf(change) else min((at + change) / 2, at + STEADY)
        at = change
    return None
