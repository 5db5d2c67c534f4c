"""Compare scenarios on the same callers: what differs, how certain it is, and which is better.

All scenarios are simulated with one seed, so they have the same callers (`queue_model.random.streams`), and differences
are taken replication by replication. Random variation that affects both scenarios cancels out, so the interval of a
difference is usually much narrower than those of the two values. If several scenarios are compared, all intervals of a
measure hold together with 95 % (Bonferroni): each pair gets its share of the 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Unpack

import numpy as np

from charter.kpi_definitions import DEFINITIONS
from queue_model.errors import ModelError
from queue_model.runs.executors import Executor
from queue_model.runs.measures.estimates import CONFIDENCE, Floats, Interval, student
from queue_model.runs.replication import Result, replicate
from queue_model.runs.run_arguments import RunArguments, executor_of, no_progress, replications_of, seed_of
from queue_model.runs.stability import no_steady_state
from queue_model.scenario.study import Study
from queue_model.simulation.builder import Builder

Verdict = Literal["higher", "lower", "the same", "cannot tell", "nothing to compare"]

LESS_IS_BETTER = ("abandonment", "overflow", "blocking", "wait_")
NEITHER = ("occupancy", "handling_time")  # neither more nor less of it is better


class Samples(NamedTuple):
    """Numerators and denominators of one measure, one of each for every replication."""

    tops: Floats
    bottoms: Floats


@dataclass(frozen=True)
class Difference(Interval):
    """The second scenario's value minus the first's."""

    measure: str
    first: int
    second: int

    @property
    def verdict(self) -> Verdict:
        """What the interval says about the second scenario; if it contains zero, it says nothing."""
        if self.value is None:
            return "nothing to compare"
        if self.low is None or self.high is None:
            return "cannot tell"
        if self.low == self.high == 0:
            return "the same"
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "cannot tell"


class Rank(NamedTuple):
    """A scenario's place, 1 the best: between `best` and `worst`, which are equal if all others differ clearly."""

    scenario: int
    value: float
    best: int
    worst: int


def paired(first: Samples, second: Samples, confidence: float = CONFIDENCE) -> tuple[float | None, float | None]:
    """The difference of two ratios of sums with common random numbers, and the half-width of its interval.

    Both ratios are linearised, as in `estimates.ratio`, and subtracted replication by replication; Student's t. Both
    are None if one has nothing to measure; the half-width is None with a single replication.
    """
    if not first.bottoms.sum() or not second.bottoms.sum():
        return None, None
    value = float(second.tops.sum() / second.bottoms.sum() - first.tops.sum() / first.bottoms.sum())
    count = len(first.tops)
    if count < 2:
        return value, None
    apart = _influence(second) - _influence(first)
    return value, student(count - 1, confidence) * math.sqrt(float(apart @ apart) / (count - 1) / count)


def _influence(samples: Samples) -> Floats:
    """How far each replication moves the ratio from its value."""
    ratio = samples.tops.sum() / samples.bottoms.sum()
    return np.asarray((samples.tops - ratio * samples.bottoms) / samples.bottoms.mean())


def more_is_better(measure: str) -> bool:
    """Whether a higher value is better. Raises `ModelError` for a measure that is neither good nor bad."""
    if measure in NEITHER:
        raise ModelError(f"--rank {measure}: neither more nor less of it is better; rank by service_level, for example")
    return not measure.startswith(LESS_IS_BETTER)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios simulated with common random numbers. `no_steady_state`: of each, the measures with the reason."""

    results: Sequence[Result]
    no_steady_state: Sequence[dict[str, str]]

    @property
    def pairs(self) -> int:
        return len(self.results) * (len(self.results) - 1) // 2

    @property
    def confidence(self) -> float:
        """The confidence of each interval, so that all intervals of a measure hold together."""
        return 1 - (1 - CONFIDENCE) / self.pairs

    @property
    def measures(self) -> list[str]:
        """The measures that every scenario has."""
        return [name for name in DEFINITIONS if all(name in result.sums[0].whole for result in self.results)]

    def value(self, scenario: int, measure: str) -> float | None:
        """A measure of one scenario; None without a steady state, or if nothing was measured."""
        return None if measure in self.no_steady_state[scenario] else self.results[scenario].estimate(measure).value

    def difference(self, measure: str, first: int, second: int) -> Difference:
        """The difference of one pair in one measure."""
        value: float | None = None
        half: float | None = None
        if not any(measure in self.no_steady_state[scenario] for scenario in (first, second)):
            value, half = paired(self._samples(first, measure), self._samples(second, measure), self.confidence)
        return Difference(value, half, measure, first, second)

    def ranking(self, measure: str) -> list[Rank]:
        """From the best to the worst; scenarios without a value are left out. Raises `ModelError`."""
        sign = 1 if more_is_better(measure) else -1
        values = {each: self.value(each, measure) for each in range(len(self.results))}
        known = {each: value for each, value in values.items() if value is not None}
        better: Verdict = "higher" if sign > 0 else "lower"

        def clearly_better(than: int) -> int:
            others = (each for each in known if each != than)
            return sum(self.difference(measure, than, each).verdict == better for each in others)

        def clearly_worse(than: int) -> int:
            others = (each for each in known if each != than)
            return sum(self.difference(measure, each, than).verdict == better for each in others)

        ranks = [
            Rank(each, value, 1 + clearly_better(each), len(known) - clearly_worse(each))
            for each, value in known.items()
        ]
        return sorted(ranks, key=lambda rank: (-sign * rank.value, rank.scenario))

    def undecided(self, measure: str) -> list[Difference]:
        """The pairs for which it cannot be told which is better."""
        scenarios = range(len(self.results))
        pairs = ((first, second) for first in scenarios for second in scenarios if first < second)
        differences = (self.difference(measure, first, second) for first, second in pairs)
        return [each for each in differences if each.verdict == "cannot tell"]

    def _samples(self, scenario: int, measure: str) -> Samples:
        pairs = np.array([each.whole[measure] for each in self.results[scenario].sums])
        return Samples(pairs[:, 0], pairs[:, 1])


def compare(studies: Sequence[Study], **arguments: Unpack[RunArguments]) -> Comparison:
    """Simulate all studies with common random numbers.

    By default they run with the seed of the first one and the highest number of replications that one of them asks
    for. Raises `ModelError` if their measures do not mean the same.
    """
    if len(studies) < 2:
        raise ModelError("compare: needs two scenarios or more")
    _require_same_definitions(studies)
    seed = seed_of(arguments, studies[0])
    replications = max(replications_of(arguments, study) for study in studies)
    needed, report = replications * len(studies), arguments.get("progress", no_progress)

    def run(number: int, study: Study, executor: Executor) -> Result:
        def progress(done: int, _: int) -> None:
            report(number * replications + done, needed)

        return replicate(
            study, replications=replications, seed=seed, engine_name=arguments.get("engine_name"), executor=executor,
            progress=progress,
        )  # fmt: skip

    with executor_of(arguments) as executor:
        results = [run(number, study, executor) for number, study in enumerate(studies)]
    return Comparison(results, [no_steady_state(study, Builder(study)) for study in studies])


def _require_same_definitions(studies: Sequence[Study]) -> None:
    """A service level within 20 s cannot be subtracted from one within 30 s."""
    first = studies[0]
    for study in studies[1:]:
        for key in ("within", "short", "email_clock"):
            here, there = (getattr(each.scenario.targets, key) for each in (study, first))
            if here != there:
                what = f"targets.{key}: {here}, but {there} in {first.path}, so their measures do not mean the same"
                raise ModelError(f"{study.path}: {what}; set the same value for all: --set targets.{key}={there}")
        if study.promises != first.promises:
            what = f"service.promises: not those of {first.path}, so the shares on time do not mean the same"
            raise ModelError(f"{study.path}: {what}; compare the scenarios under the same promises")
