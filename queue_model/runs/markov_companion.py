"""The Markov companion of a scenario: a simpler queue with the same callers, whose means are known exactly.

It is M(t)/M/s+M: a constant number of agents, exponential handling and patience, calls at the rates that reach the
queue, and days as busy as in the scenario. Everything else is left out. Its callers are those of the scenario, with
their random numbers converted to exponential ones of the same rank: a caller who talks long there talks long here. So
bad days are bad in both. The forward equations give the companion's means (`transient`), so its deviation from them
estimates that of the scenario: `queue_model.runs.control_variates`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import gammaincc, log_ndtr, ndtri

from queue_model.random.streams import Streams
from queue_model.scenario.laws import Empirical, Floats, Gamma, Lognormal, Patience, Weibull, mean, standard
from queue_model.simulation import inputs
from queue_model.simulation.arrivals import DrawnArrivals
from queue_model.simulation.builder import Builder, IncomingCalls, Variates
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.menu_paths import MenuPaths
from queue_model.simulation.records import Outcome, Records
from queue_model.theory.transient import Arrivals, transient

NIGHT = 40  # mean handling times between two days; by then all callers have left, with negligible exceptions
MOST_KINDS = 60  # different days; the equations take up to a second for each
MEASURES = ("waits", "abandoned", "in_time")


@dataclass(frozen=True, eq=False)
class Reaching:
    """Calls expected to reach the queue, [steps, topics]; exact, since random factors of a day have mean 1."""

    builder: Builder

    @cached_property
    def expected(self) -> Floats:
        calls, period = self.builder.calls, self.builder.study.period
        shares = np.diff(self.builder.shares, prepend=0.0)
        by_step = shares[calls.slot] if shares.ndim == 2 else np.broadcast_to(shares, (len(calls.rate), len(shares)))
        is_open = period.is_open(calls.edges[:-1]).astype(np.intp)
        return np.asarray(calls.expected[:, None] * by_step * self._reach[is_open])

    @cached_property
    def _reach(self) -> Floats:
        """The probability that a call reaches the queue, [closed or open, topics]."""
        paths, topics = self.builder.menu_paths, len(self.builder.study.topics)
        found = np.empty((2, topics))
        for group in range(2 * topics):
            mine = slice(paths.first[group], paths.first[group + 1])
            queued = paths.chance[mine][paths.ending[mine] == MenuPaths.QUEUE]
            found[group % 2, group // 2] = queued.sum() / paths.chance[mine].sum()
        return found

    @cached_property
    def handling(self) -> Floats:
        """Mean talk and wrap-up by topic, s."""
        scenario = self.builder.study.scenario
        handle = scenario.handling
        return np.array([mean(each.talk or handle.talk) + mean(each.wrap or handle.wrap)
                         for each in scenario.topics.values()])  # fmt: skip

    @property
    def calls(self) -> float:
        return float(self.expected.sum())

    @property
    def work(self) -> float:
        """Seconds of talk and wrap-up of these calls."""
        return float((self.expected @ self.handling).sum())


class Companion:
    """The companion of one study."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.reaching = builder, Reaching(builder)
        self.study, self.period = builder.study, builder.study.period
        scenario = self.study.scenario
        self.handle = self.reaching.work / self.reaching.calls
        self.patience = mean(scenario.callers.patience)
        self._rate = self.reaching.expected.sum(axis=1) / np.diff(builder.calls.edges)
        self.slot = self._slot()
        self.within = min(scenario.targets.within, self.slot)
        self.agents = self._agents()

    # its parameters
    def _busy(self, day: int) -> tuple[Floats, Floats] | None:
        """(edges, rates) of a day from the first step with calls to the last; None without calls."""
        calls = self.builder.calls
        steps = np.arange(calls.first[day], calls.first[day + 1])
        used = steps[self._rate[steps] > 0]
        if not len(used):
            return None
        mine = slice(used[0], used[-1] + 1)
        return calls.edges[used[0] : used[-1] + 2], self._rate[mine]

    @cached_property
    def _days(self) -> dict[int, tuple[Floats, Floats]]:
        found = {day: self._busy(day) for day in range(self.period.days)}
        return {day: each for day, each in found.items() if each is not None}

    def _slot(self) -> float:
        """The length in seconds of equal slots into which every day can be divided."""
        lengths = {round(each) for edges, _ in self._days.values() for each in np.diff(edges).tolist()}
        return float(math.gcd(*lengths))

    def _agents(self) -> int:
        """The mean number at work at the times of calls."""
        calls, plan = self.builder.calls, self.builder.roster
        middle, weight = (calls.edges[:-1] + calls.edges[1:]) / 2, self.reaching.expected.sum(axis=1)
        at_work = _covering(middle, plan.start, plan.end)
        for begins, until in plan.breaks:
            at_work -= _covering(middle, begins[np.isfinite(begins)], until[np.isfinite(begins)])
        seats = self.study.scenario.operators.seats or int(self.study.compiled["service"]["queue"]["seats"])
        share = 1 - self.study.scenario.operators.absence
        return max(1, round(float(np.minimum(at_work, seats) @ weight) / float(weight.sum()) * share))

    def unavailable(self) -> str | None:
        """Why this scenario has no companion: the key and the reason. None if it has one."""
        if not math.isfinite(self.patience):
            return "callers.patience: no caller gives up"
        edges = [each for each, _ in self._days.values()]
        if any(after[0] - before[-1] < NIGHT * self.handle for before, after in pairwise(edges)):
            return "hours: the days have no long enough break between them"
        if len(self._kinds) > MOST_KINDS:
            return f"period: {len(self._kinds)} different days, more than the {MOST_KINDS} that are calculated"
        return None

    # its exact means
    @cached_property
    def _kinds(self) -> dict[tuple[float, ...], int]:
        """The calls of each slot of a day, with the number of measured days that are the same."""
        found: dict[tuple[float, ...], int] = {}
        for day, (edges, rates) in self._days.items():
            if day >= self.study.scenario.period.settle:
                pieces = np.rint(np.diff(edges) / self.slot).astype(np.intp)
                key = tuple(np.repeat(np.round(rates * self.slot, 12), pieces).tolist())
                found[key] = found.get(key, 0) + 1
        return found

    @cached_property
    def means(self) -> Floats:
        """The exact means of `MEASURES` over the measured days of a replication."""
        whole = np.zeros(len(MEASURES))
        for calls, days in self._kinds.items():
            whole += days * np.array(_sums(self._exactly(calls)))
        return whole

    def _exactly(self, calls: Sequence[float]) -> Arrivals:
        busyness = self.study.scenario.arrivals.busyness
        return transient(
            calls, self.agents, self.handle, self.patience, slot=self.slot, within=self.within, busyness=busyness
        ).whole

    # its values in a replication
    def inputs(self, streams: Streams, incoming: IncomingCalls | None = None) -> tuple[Inputs, DrawnArrivals]:
        """The callers of a replication, and their arrivals in the same order.

        `incoming`: the scenario's arrivals, if they were drawn already.
        """
        if incoming is None or self.study.scenario.arrivals.swings is not None:
            incoming = self.builder.incoming_calls(streams, swings=False)  # with swings the mean is unknown
        who = np.flatnonzero(self.builder.menu_paths.ending[incoming.paths] == MenuPaths.QUEUE)
        patience = self._patience(incoming, who)
        come = incoming.arrivals
        drawn = DrawnArrivals(come.at[who], come.where[who], come.step[who])
        made = inputs.build(
            call_at=drawn.at, talk=self._handling(incoming, who), patience=patience,
            **inputs.constant_staff(self.agents),
        )  # fmt: skip
        return made, drawn

    def measured(self, records: Records, drawn: DrawnArrivals) -> Floats:
        """The values of `MEASURES` in a replication."""
        calls = records.calls[drawn.at >= self.study.period.midnights[self.study.scenario.period.settle]]
        answered = calls["outcome"] == Outcome.ANSWERED
        in_time = np.count_nonzero(answered & (calls["wait"] <= self.within))
        return np.array([calls["wait"].sum(), len(calls) - np.count_nonzero(answered), in_time], dtype=np.float64)

    def _handling(self, incoming: IncomingCalls, who: Any) -> Floats:
        """Exponential times with the rank of talk and wrap-up: normal scores weighted by standard deviations."""
        scenario = self.study.scenario
        score, square = np.zeros(len(who)), np.zeros(len(who))
        for purpose, common in (("talk", scenario.handling.talk), ("wrap", scenario.handling.wrap)):
            laws = [getattr(each, purpose) or common for each in scenario.topics.values()]
            weight = np.array([deviation(law) for law in laws])[incoming.topics[who]]
            score += weight * _scores(incoming.variates, f"calls/{purpose}", laws, incoming.topics[who], who)
            square += weight**2
        own = ndtri(incoming.variates("calls/companion", "uniform")[who])
        normal = np.where(square > 0, score / np.sqrt(np.where(square > 0, square, 1.0)), own)
        return np.asarray(-self.handle * log_ndtr(-normal))

    def _patience(self, incoming: IncomingCalls, who: Any) -> Floats:
        law = self.study.scenario.callers.patience
        if not deviation(law):
            return np.asarray(self.patience * incoming.variates("calls/companion patience", "exponential")[who])
        normal = score(law, incoming.variates("calls/patience/0", standard(law))[who])
        return np.asarray(-self.patience * log_ndtr(-normal))


def _sums(day: Arrivals) -> tuple[float, float, float]:
    return day.calls * day.mean_wait, day.calls * day.abandoned, day.calls * day.service_level


def _covering(at: Floats, begins: Floats, ends: Floats) -> Floats:
    """How many intervals contain each instant."""
    return np.asarray(
        np.searchsorted(np.sort(begins), at, "right") - np.searchsorted(np.sort(ends), at, "right"), dtype=np.float64
    )


# --- normal scores of random variates --------------------------------------------------------------------------------


def deviation(law: Patience) -> float:
    """The standard deviation of a law, s; 0 if its values are not random."""
    if isinstance(law, Lognormal):
        return law.mean * math.sqrt(math.expm1(law.sigma**2))
    if isinstance(law, Gamma):
        return law.mean / math.sqrt(law.shape)
    if isinstance(law, Weibull):
        ratio = math.lgamma(1 + 2 / law.shape) - 2 * math.lgamma(1 + 1 / law.shape)
        return law.mean * math.sqrt(math.expm1(ratio))
    if isinstance(law, Empirical):
        return float(np.std(law.values))
    return mean(law) if standard(law) else 0.0


def score(law: Patience, variates: Floats) -> Floats:
    """Standard normal numbers with the same rank as the law's values, from its standard variates."""
    if isinstance(law, Lognormal):
        return variates
    if isinstance(law, Gamma):
        return np.asarray(-ndtri(gammaincc(law.shape, variates)))
    if isinstance(law, Empirical):
        size = len(law.values)
        place = variates * size
        index = np.minimum(place.astype(np.intp), size - 1)
        rank = np.argsort(np.argsort(law.values, kind="stable"), kind="stable")
        return np.asarray(ndtri((rank[index] + (place - index)) / size))
    return np.asarray(-ndtri(np.exp(-variates)))


def _scores(variates: Variates, name: str, laws: Sequence[Patience], wants: Any, who: Any) -> Floats:
    """The normal score of each caller's value under the law of its topic; 0 if the value is not random."""
    found = np.zeros(len(who))
    known: dict[str, Floats] = {}
    for topic, law in enumerate(laws):
        kind = standard(law)
        if kind and deviation(law):
            if kind not in known:
                known[kind] = variates(name, kind)[who]
            mine = wants == topic
            found[mine] = score(law, known[kind][mine])
    return found
