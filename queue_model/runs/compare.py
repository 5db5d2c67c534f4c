"""Scenarios side by side, on the same callers: what differs, how surely, and which is better.

All scenarios are simulated with one seed, so they meet the same people (`queue_model.random.streams`), and a
difference is
taken replication by replication. What chance does to both cancels out, and the interval is mostly much narrower than
those of the two values. Where several are compared, all intervals hold together with 95 % (Bonferroni): each pair gets
its part of the 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from charter.kpi_definitions import DEFINITIONS
from queue_model.errors import ModelError
from queue_model.runs.executors import Executor, Threads
from queue_model.runs.measures.estimates import CONFIDENCE, Floats, student
from queue_model.runs.replication import Result, replicate
from queue_model.runs.stability import growing
from queue_model.scenario.study import Study
from queue_model.simulation.build import Builder

Verdict = Literal["higher", "lower", "the same", "cannot tell", "nothing to compare"]

LESS_IS_BETTER = ("abandonment", "overflow", "blocking", "wait_")
NEITHER = ("occupancy", "handling_time")  # a figure to know, not to be high or low in


class Sums(NamedTuple):
    """Numerators and denominators of one measure, one of each a replication."""

    tops: Floats
    bottoms: Floats


class Difference(NamedTuple):
    """The second scenario's value less the first's, with the half-width of its interval."""

    measure: str
    first: int
    second: int
    value: float | None
    half: float | None

    @property
    def low(self) -> float | None:
        return None if self.value is None or self.half is None else self.value - self.half

    @property
    def high(self) -> float | None:
        return None if self.value is None or self.half is None else self.value + self.half

    @property
    def verdict(self) -> Verdict:
        """What the whole interval says of the second; with zero inside it says nothing."""
        if self.value is None:
            return "nothing to compare"
        if self.low is None or self.high is None:
            return "cannot tell"
        if self.low == self.high == 0:
            return "the same"
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "cannot tell"


class Rank(NamedTuple):
    """A scenario's place, 1 the best: between `best` and `worst`, one number when all others are surely apart."""

    scenario: int
    value: float
    best: int
    worst: int


def paired(first: Sums, second: Sums, confidence: float = CONFIDENCE) -> tuple[float | None, float | None]:
    """The difference of two ratios of sums that share their chances, and the half-width of its interval.

    Both ratios are linearised, as in `estimates.ratio`, and subtracted replication by replication; Student's t. None
    where one has nothing to measure, or for the half-width with but one replication.
    """
    if not first.bottoms.sum() or not second.bottoms.sum():
        return None, None
    value = float(second.tops.sum() / second.bottoms.sum() - first.tops.sum() / first.bottoms.sum())
    count = len(first.tops)
    if count < 2:
        return value, None
    apart = _influence(second) - _influence(first)
    return value, student(count - 1, confidence) * math.sqrt(float(apart @ apart) / (count - 1) / count)


def _influence(sums: Sums) -> Floats:
    """How much each replication pulls the ratio away from its value."""
    ratio = sums.tops.sum() / sums.bottoms.sum()
    return np.asarray((sums.tops - ratio * sums.bottoms) / sums.bottoms.mean())


def more_is_better(measure: str) -> bool:
    """Whether a higher value is the better one. Raises `ModelError` for a measure of which neither can be said."""
    if measure in NEITHER:
        raise ModelError(f"--rank {measure}: neither more nor less of it is better; rank by service_level, for example")
    return not measure.startswith(LESS_IS_BETTER)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios that were simulated on the same chances. `lost`: measures without a steady state, with the reason."""

    results: Sequence[Result]
    lost: Sequence[dict[str, str]]

    @property
    def pairs(self) -> int:
        return len(self.results) * (len(self.results) - 1) // 2

    @property
    def confidence(self) -> float:
        """Of each single interval, so that all of a measure hold together."""
        return 1 - (1 - CONFIDENCE) / self.pairs

    @property
    def measures(self) -> list[str]:
        """Those that every scenario has."""
        return [name for name in DEFINITIONS if all(name in result.sums[0].whole for result in self.results)]

    def value(self, scenario: int, measure: str) -> float | None:
        """A measure of one scenario; None without a steady state, or where nothing was measured."""
        return None if measure in self.lost[scenario] else self.results[scenario].estimate(measure).value

    def difference(self, measure: str, first: int, second: int) -> Difference:
        """One pair in one measure."""
        if any(measure in self.lost[each] for each in (first, second)):
            return Difference(measure, first, second, None, None)
        apart = paired(self._sums(first, measure), self._sums(second, measure), self.confidence)
        return Difference(measure, first, second, *apart)

    def ranking(self, measure: str) -> list[Rank]:
        """From the best to the worst; scenarios without a value are left out. Raises `ModelError`."""
        sign = 1 if more_is_better(measure) else -1
        valued = {each: self.value(each, measure) for each in range(len(self.results))}
        known = {each: value for each, value in valued.items() if value is not None}
        better: Verdict = "higher" if sign > 0 else "lower"

        def surely_better(than: int) -> int:
            others = (each for each in known if each != than)
            return sum(self.difference(measure, than, each).verdict == better for each in others)

        def surely_worse(than: int) -> int:
            others = (each for each in known if each != than)
            return sum(self.difference(measure, each, than).verdict == better for each in others)

        ranks = [
            Rank(each, value, 1 + surely_better(each), len(known) - surely_worse(each)) for each, value in known.items()
        ]
        return sorted(ranks, key=lambda rank: (-sign * rank.value, rank.scenario))

    def undecided(self, measure: str) -> list[Difference]:
        """The pairs of which nobody can say which is better."""
        many = range(len(self.results))
        found = [self.difference(measure, first, second) for first in many for second in many if first < second]
        return [each for each in found if each.verdict == "cannot tell"]

    def _sums(self, scenario: int, measure: str) -> Sums:
        pairs = np.array([each.whole[measure] for each in self.results[scenario].sums])
        return Sums(pairs[:, 0], pairs[:, 1])


def compare(
    studies: Sequence[Study],
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine_name: str | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] = lambda done, wanted: None,
) -> Comparison:
    """Simulate all on the same chances: by default the first one's seed, and as many replications as the one that asks
    for most. Raises `ModelError` when their measures do not mean the same."""
    if len(studies) < 2:
        raise ModelError("compare: needs two scenarios or more")
    _same_yardstick(studies)
    chosen = studies[0].scenario.seed if seed is None else seed
    many = replications or max(study.scenario.replications for study in studies)
    whole = many * len(studies)

    def one(number: int, study: Study, hands: Executor) -> Result:
        def told(done: int, _: int) -> None:
            progress(number * many + done, whole)

        return replicate(study, replications=many, seed=chosen, engine_name=engine_name, executor=hands, progress=told)

    with nullcontext(executor) if executor is not None else Threads(jobs) as hands:
        results = [one(number, study, hands) for number, study in enumerate(studies)]
    lost = [{name: each.why for each in growing(study, Builder(study)) for name in each.measures} for study in studies]
    return Comparison(results, lost)


def _same_yardstick(studies: Sequence[Study]) -> None:
    """A service level within 20 s and one within 30 s cannot be subtracted."""
    first = studies[0]
    for study in studies[1:]:
        for key in ("within", "short", "email_clock"):
            here, there = (getattr(each.scenario.targets, key) for each in (study, first))
            if here != there:
                what = f"targets.{key}: {here}, but {there} in {first.path}, so their measures do not mean the same"
                raise ModelError(f"{study.path}: {what}; give all the same: --set targets.{key}={there}")
        if study.promises != first.promises:
            what = f"service.promises: not those of {first.path}, so the shares on time do not mean the same"
            raise ModelError(f"{study.path}: {what}; compare the scenarios under one promise")
