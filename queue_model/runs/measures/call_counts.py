"""Calls counted by group and class, and the measures of `charter.kpi` calculated from the counts."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charter import kpi
from queue_model.compiled import compiled_or_plain
from queue_model.simulation.records import Outcome, Rows

tally = compiled_or_plain("runs.measures.tally")

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

PERCENTS = {"median": 50, "p90": 90, "p95": 95}
REFUSED = (Outcome.VOICEMAIL_FULL, Outcome.VOICEMAIL_BUSY, Outcome.BLOCKED)  # these calls never wait


class CallCounts:
    """Calls counted by class: their outcome, whether they were in time, and whether they were short."""

    def __init__(self, calls: Rows, thresholds: kpi.Thresholds, end: float) -> None:
        self.calls, self.thresholds, self.end = calls, thresholds, end

    @cached_property
    def whole(self) -> tuple[Floats, Floats, Floats]:
        """Counts, waits and handling times of all calls."""
        return self.by_group(None, 1)

    def by_group(self, groups: Indices | None, count: int) -> tuple[Floats, Floats, Floats]:
        """Counts, waits and handling times, each [groups, outcomes, in time, short]."""
        found: tuple[Floats, Floats, Floats] = tally.classes(self.calls, groups, count, *self.thresholds, self.end)
        return found

    def by_outcome(self) -> list[int]:
        """The number of calls of each `Outcome`."""
        return [int(count) for count in self.whole[0][0].sum(axis=(1, 2))]

    def percentiles(self) -> dict[str, tuple[float, float]]:
        """Percentiles of the waits of all queued calls, and of the answered ones."""
        sets = {"all": [each for each in Outcome if each not in REFUSED], "answered": [Outcome.ANSWERED]}
        found: dict[str, tuple[float, float]] = {}
        for which, outcomes in sets.items():
            count = int(self.whole[0][0, outcomes].sum())
            some = tally.waits(self.calls, sum(1 << outcome for outcome in outcomes), self.end)
            values = zip(PERCENTS, _percentiles(some, count), strict=True)
            found |= {f"wait_{name}_{which}": (value, 1.0 if count else 0.0) for name, value in values}
        return found

    def shares(self, groups: Indices | None, count: int) -> dict[str, tuple[Floats, Floats]]:
        """Numerators and denominators [count] of all measures except percentiles, by group."""
        number, waited, handle = self.whole if groups is None else self.by_group(groups, count)
        waits = waited.sum(axis=(2, 3))
        by_outcome = number.sum(axis=(2, 3))
        offered, answered = by_outcome.sum(axis=1), by_outcome[:, Outcome.ANSWERED]
        good = number[:, Outcome.ANSWERED, 1].sum(axis=1)
        gone = by_outcome[:, Outcome.ABANDONED]
        early, short = number[:, Outcome.ABANDONED, 1].sum(axis=1), number[:, Outcome.ABANDONED, :, 1].sum(axis=1)
        refused = by_outcome[:, list(REFUSED)].sum(axis=1)
        overflow = by_outcome[:, Outcome.VOICEMAIL_KEY : Outcome.VOICEMAIL_BUSY + 1].sum(axis=1)
        return {
            "service_level": (good, offered),
            "service_level_without_short": (good, offered - short),
            "service_level_without_early": (good, offered - early),
            "service_level_with_early": (good + early, offered),
            "service_level_of_answered": (good, answered),
            "answer_rate": (answered, offered),
            "abandonment": (gone, offered),
            "abandonment_net": (gone - short, offered - short),
            "overflow": (overflow, offered),
            "blocking": (by_outcome[:, Outcome.BLOCKED], offered),
            "wait_mean_all": (waits.sum(axis=1), offered - refused),
            "wait_mean_answered": (waits[:, Outcome.ANSWERED], answered),
            "handling_time": (handle[:, Outcome.ANSWERED].sum(axis=(1, 2)), answered),
        }


def _percentiles(positive: Floats, count: int) -> list[float]:
    """The `PERCENTS` of `count` waits; `positive`: those above 0. Zeros are left out, as ties are slow to sort."""
    places = [kpi.rank(count, percent) - (count - len(positive)) for percent in PERCENTS.values()]
    above = [place for place in places if place >= 0] if count else []
    ordered = dict(zip(above, tally.ordered(positive, above), strict=True)) if above else {}
    return [ordered.get(place, 0.0) for place in places]
