"""Control variates: correct each measure by what is known about the callers of each replication.

A control is a sum whose mean is known exactly: the calls that reach the queue, their work, and measures of the Markov
companion (`queue_model.runs.markov_companion`). A measure R = sum X / sum Y is a ratio of two means. Each mean is
corrected by regression on the controls C with the means m:

    X' = mean X - b (mean C - m),    R' = X' / Y'.

With Z = X - R' Y and its residuals e after regression on q controls in n replications, the interval of R' is

    R' +- t(n - q - 1; 0.975) sqrt( (e e / (n - q - 1)) (1/n + d S^-1 d) ) / Y',     d = mean C - m

where S is the matrix of sums of squares of C about its mean (Lavenberg and Welch 1981). It is exact if Z and C are
jointly normal. The bias decreases with 1/n, as that of the ratio itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from queue_model.errors import ModelError
from queue_model.random.streams import Streams
from queue_model.runs.markov_companion import MEASURES, Companion, Reaching
from queue_model.runs.measures.estimates import Estimate, Floats, ratio, student
from queue_model.runs.replication import Result
from queue_model.scenario.study import Study
from queue_model.simulation.builder import Builder
from queue_model.simulation.engines import engine
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.menu_paths import MenuPaths
from queue_model.simulation.records import Records

FEWEST = 10  # replications; with fewer, the estimated weights of the controls are mostly noise
ALWAYS = ("calls", "work")
# The measure of the companion that correlates best; all other measures are corrected by calls and work alone.
COMPANION_CONTROL = {
    **dict.fromkeys(("wait_mean_all", "wait_mean_answered", "wait_p90_all", "wait_p95_all"), "waits"),
    **dict.fromkeys(("wait_p90_answered", "wait_p95_answered"), "waits"),
    **dict.fromkeys(("abandonment", "abandonment_net", "answer_rate"), "abandoned"),
    **dict.fromkeys(("service_level", "service_level_without_short", "service_level_without_early"), "in_time"),
    **dict.fromkeys(("service_level_with_early", "service_level_of_answered"), "in_time"),
}


class Controlled(NamedTuple):
    """A measure with its corrected interval."""

    estimate: Estimate
    narrower: float | None  # how many times narrower the interval became; None without an interval or a control


@dataclass(frozen=True, eq=False)
class Controls:
    """The controls of a study, with their exact means. `lacks`: why there is no companion, if there is none."""

    builder: Builder
    lacks: str | None = field(init=False)
    companion: Companion | None = field(init=False)
    means: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        study = self.builder.study
        if study.scenario.arrivals.trace is not None:
            raise ModelError(
                "--control-variates: the calls of a trace (arrivals.trace) are not random; leave the option out"
            )
        reaching = Reaching(self.builder)
        if not reaching.calls:
            raise ModelError("--control-variates: no call reaches the queue in this period; choose another period")
        known, companion = dict(zip(ALWAYS, (reaching.calls, reaching.work), strict=True)), Companion(self.builder)
        lacks = companion.unavailable()
        if lacks is None:
            known |= dict(zip(MEASURES, companion.means.tolist(), strict=True))
        for name, value in (("lacks", lacks), ("companion", companion if lacks is None else None), ("means", known)):
            object.__setattr__(self, name, value)

    def of(self, seed: int, replication: int, simulate: Callable[[Inputs], Records]) -> Floats:
        """The values of the controls in a replication, in the order of `means`."""
        streams = Streams(seed, replication)
        incoming = self.builder.incoming_calls(streams)
        who = np.flatnonzero(self.builder.menu_paths.ending[incoming.paths] == MenuPaths.QUEUE)
        scenario, topics = self.builder.study.scenario, incoming.topics[who]
        work = 0.0
        for purpose, common in (("talk", scenario.handling.talk), ("wrap", scenario.handling.wrap)):
            laws = [getattr(each, purpose) or common for each in scenario.topics.values()]
            work += float(incoming.variates.laws(f"calls/{purpose}", laws, topics, who).sum())
        found = np.array([len(who), work], dtype=np.float64)
        if self.companion is None:
            return found
        given, mine = self.companion.inputs(streams, incoming)
        return np.concatenate((found, self.companion.measured(simulate(given), mine)))

    def used(self, measure: str) -> list[str]:
        """The names of the controls of a measure; none for e-mails and requests, which calls hardly affect."""
        if measure.startswith("on_time"):
            return []
        companion = COMPANION_CONTROL.get(measure)
        return [*ALWAYS, *([companion] if companion in self.means and companion is not None else [])]


@dataclass(frozen=True, eq=False)
class ControlledMeasures:
    """The corrected measures of a run."""

    known: Controls
    measures: dict[str, Controlled]


def apply_controls(known: Controls, result: Result, jobs: int | None = None) -> ControlledMeasures:
    """Correct every measure of the whole period."""
    values = control_values(known, result.seed, result.replications, engine(result.engine)[1], jobs)
    found = {}
    for name in result.sums[0].whole:
        pairs = [each.whole[name] for each in result.sums]
        found[name] = controlled(known, values, name, [top for top, _ in pairs], [bottom for _, bottom in pairs])
    return ControlledMeasures(known, found)


def controls(study: Study, replications: int) -> Controls:
    """The controls of a study to be run with so many replications. Raises `ModelError`."""
    if replications < FEWEST:
        raise ModelError(
            f"--control-variates: {replications} replications are too few to estimate the controls' weights; "
            f"use --replications {FEWEST} or more"
        )
    return Controls(Builder(study))


def control_values(
    known: Controls, seed: int, replications: int, simulate: Callable[[Inputs], Records], jobs: int | None = None
) -> Floats:
    """The values of the controls, [replications, controls]."""
    with ThreadPoolExecutor(max(1, jobs or os.cpu_count() or 1)) as pool:
        return np.array(list(pool.map(lambda each: known.of(seed, each, simulate), range(replications))))


def controlled(
    known: Controls, values: Floats, name: str, tops: Sequence[float] | Floats, bottoms: Sequence[float] | Floats
) -> Controlled:
    """Correct a measure, given by the numerators and denominators of these replications."""
    plain, used, names = ratio(name, tops, bottoms), known.used(name), list(known.means)
    if not used:
        return Controlled(plain, None)
    means = np.array([known.means[each] for each in used])
    found = correct_ratio(name, tops, bottoms, values[:, [names.index(each) for each in used]], means)
    return Controlled(found, plain.half / found.half if plain.half and found.half else None)


def correct_ratio(
    name: str, tops: Sequence[float] | Floats, bottoms: Sequence[float] | Floats, values: Floats, means: Floats
) -> Estimate:
    """The ratio of two means, each corrected by controls with `values` [n, q] and exact `means` [q]."""
    top, bottom = np.asarray(tops, dtype=np.float64), np.asarray(bottoms, dtype=np.float64)
    count, sums = len(top), (float(top.sum()), float(bottom.sum()))
    if not sums[1]:
        return Estimate(None, None, name, *sums)
    centre = values.mean(axis=0)
    spread = values - centre
    scale = np.sqrt((spread**2).sum(axis=0))
    used = scale > 1e-9 * (np.abs(centre) + 1.0)  # a control that never varies is useless
    left, right, sizes = _axes(spread[:, used] / scale[used])
    offset = right.T @ ((centre - means)[used] / scale[used]) / sizes  # in the space of the controls' axes
    above, below = (float(each.mean() - (left.T @ each) @ offset) for each in (top, bottom))
    degrees = count - 1 - len(sizes)
    if below <= 0 or degrees < 1:
        return ratio(name, top, bottom)
    value = above / below
    rest = top - value * bottom
    rest = rest - rest.mean()
    rest -= left @ (left.T @ rest)
    error = np.sqrt(float(rest @ rest) / degrees * (1 / count + float(offset @ offset))) / below
    return Estimate(value, student(degrees) * float(error), name, *sums)


def _axes(spread: Floats) -> tuple[Floats, Floats, Floats]:
    """Orthonormal axes of the controls; controls that are linear combinations of others add none."""
    left, sizes, right = np.linalg.svd(spread, full_matrices=False)
    used = sizes > 1e-8
    return left[:, used], right[used].T, sizes[used]
