"""The Markov companion of a scenario: a simpler service whose means are known exactly, with the same callers.

It is M(t)/M/s+M: a constant number of agents, exponential handling and patience, calls at the rates that reach the
queue, days that are busy as the scenario says; everything else is left out. Its callers are those of the scenario, each
with his own chances turned into exponential ones of the same rank: who talks long there talks long here. So both have
their bad days together, and because the forward equations say what the companion has on average (`transient`), its
luck tells the luck of the scenario: `queue_model.runs.control_variates`.
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
from queue_model.simulation.arrivals import Drawn
from queue_model.simulation.build import Arrived, Builder, Tables
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.menu_paths import Ways
from queue_model.simulation.records import Outcome, Records
from queue_model.theory.transient import Arrivals, transient

NIGHT = 40  # mean handling times between two days: by then the last caller has left, but for chances that nobody sees
MOST_KINDS = 60  # of days, each of which takes the equations up to a second
MEASURES = ("waits", "abandoned", "in_time")


@dataclass(frozen=True, eq=False)
class Reaching:
    """Calls expected to reach the queue, [steps, topics], exactly: a random factor of the day has mean 1."""

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
        """The chance of getting from the number to the queue, [closed or open, topics]."""
        ways, topics = self.builder.ways, len(self.builder.study.topics)
        found = np.empty((2, topics))
        for group in range(2 * topics):
            mine = slice(ways.first[group], ways.first[group + 1])
            queued = ways.chance[mine][ways.ending[mine] == Ways.QUEUE]
            found[group % 2, group // 2] = queued.sum() / ways.chance[mine].sum()
        return found

    @cached_property
    def handling(self) -> Floats:
        """Mean talk and wrap-up of each topic, s."""
        scenario = self.builder.study.scenario
        handle = scenario.handling
        return np.array([mean(each.talk or handle.talk) + mean(each.wrap or handle.wrap)
                         for each in scenario.topics.values()])  # fmt: skip

    @property
    def calls(self) -> float:
        return float(self.expected.sum())

    @property
    def work(self) -> float:
        """Seconds of talk and wrap-up that they bring."""
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

    # what it is like
    def _busy(self, day: int) -> tuple[Floats, Floats] | None:
        """The steps of a day in which somebody calls, as (edges, rates), from the first to the last; None: nobody."""
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
        """Seconds of equal slots into which every day can be cut."""
        lengths = {round(each) for edges, _ in self._days.values() for each in np.diff(edges).tolist()}
        return float(math.gcd(*lengths))

    def _agents(self) -> int:
        """As many as are at work on average when somebody calls."""
        calls, plan = self.builder.calls, self.builder.roster
        middle, weight = (calls.edges[:-1] + calls.edges[1:]) / 2, self.reaching.expected.sum(axis=1)
        at_work = _covering(middle, plan.start, plan.end)
        for begins, until in plan.breaks:
            at_work -= _covering(middle, begins[np.isfinite(begins)], until[np.isfinite(begins)])
        seats = self.study.scenario.operators.seats or int(self.study.compiled["service"]["queue"]["seats"])
        share = 1 - self.study.scenario.operators.absence
        return max(1, round(float(np.minimum(at_work, seats) @ weight) / float(weight.sum()) * share))

    def lacks(self) -> str | None:
        """Why there is none for this scenario, by name; None: there is one."""
        if not math.isfinite(self.patience):
            return "callers.patience: nobody gives up"
        edges = [each for each, _ in self._days.values()]
        if any(after[0] - before[-1] < NIGHT * self.handle for before, after in pairwise(edges)):
            return "hours: the days run into each other"
        if len(self._kinds) > MOST_KINDS:
            return f"period: {len(self._kinds)} different days, more than the {MOST_KINDS} that are reckoned exactly"
        return None

    # what it has on average
    @cached_property
    def _kinds(self) -> dict[tuple[float, ...], int]:
        """Calls of each slot of a day, and how many measured days are like that."""
        found: dict[tuple[float, ...], int] = {}
        for day, (edges, rates) in self._days.items():
            if day >= self.study.scenario.period.settle:
                pieces = np.rint(np.diff(edges) / self.slot).astype(np.intp)
                key = tuple(np.repeat(np.round(rates * self.slot, 12), pieces).tolist())
                found[key] = found.get(key, 0) + 1
        return found

    @cached_property
    def means(self) -> Floats:
        """Of `MEASURES`, over the measured days of a replication, exactly."""
        whole = np.zeros(len(MEASURES))
        for calls, days in self._kinds.items():
            whole += days * np.array(_sums(self._exactly(calls)))
        return whole

    def _exactly(self, calls: Sequence[float]) -> Arrivals:
        busyness = self.study.scenario.arrivals.busyness
        return transient(
            calls, self.agents, self.handle, self.patience, slot=self.slot, within=self.within, busyness=busyness
        ).whole

    # what it has in a replication
    def inputs(self, streams: Streams, arrived: Arrived | None = None) -> tuple[Inputs, Drawn]:
        """Its callers, who are those of that replication; `Drawn` numbers them in the same order. `arrived`: those of
        the scenario, if they are drawn already."""
        if arrived is None or self.study.scenario.arrivals.swings is not None:
            arrived = self.builder.arrive(streams, swings=False)  # with swings nobody knows the mean
        who = np.flatnonzero(self.builder.ways.ending[arrived.way] == Ways.QUEUE)
        patience = self._patience(arrived, who)
        come = arrived.drawn
        drawn = Drawn(come.at[who], come.where[who], come.step[who])
        made = inputs.build(
            call_at=drawn.at, talk=self._handling(arrived, who), patience=patience,
            **inputs.constant_staff(self.agents),
        )  # fmt: skip
        return made, drawn

    def measured(self, records: Records, drawn: Drawn) -> Floats:
        """`MEASURES` of a replication."""
        calls = records.calls[drawn.at >= self.study.period.midnights[self.study.scenario.period.settle]]
        answered = calls["outcome"] == Outcome.ANSWERED
        in_time = np.count_nonzero(answered & (calls["wait"] <= self.within))
        return np.array([calls["wait"].sum(), len(calls) - np.count_nonzero(answered), in_time], dtype=np.float64)

    def _handling(self, arrived: Arrived, who: Any) -> Floats:
        """Exponential, of the rank of talk and wrap-up together: their normal scores, weighted by how they vary."""
        scenario = self.study.scenario
        score, square = np.zeros(len(who)), np.zeros(len(who))
        for purpose, common in (("talk", scenario.handling.talk), ("wrap", scenario.handling.wrap)):
            laws = [getattr(each, purpose) or common for each in scenario.topics.values()]
            weight = np.array([deviation(law) for law in laws])[arrived.wants[who]]
            score += weight * _scores(arrived.table, f"calls/{purpose}", laws, arrived.wants[who], who)
            square += weight**2
        own = ndtri(arrived.table("calls/companion", "uniform")[who])
        normal = np.where(square > 0, score / np.sqrt(np.where(square > 0, square, 1.0)), own)
        return np.asarray(-self.handle * log_ndtr(-normal))

    def _patience(self, arrived: Arrived, who: Any) -> Floats:
        law = self.study.scenario.callers.patience
        if not deviation(law):
            return np.asarray(self.patience * arrived.table("calls/companion patience", "exponential")[who])
        normal = score(law, arrived.table("calls/patience/0", standard(law))[who])
        return np.asarray(-self.patience * log_ndtr(-normal))


def _sums(day: Arrivals) -> tuple[float, float, float]:
    return day.calls * day.mean_wait, day.calls * day.abandoned, day.calls * day.service_level


def _covering(at: Floats, begins: Floats, ends: Floats) -> Floats:
    """How many of the stretches are under way at each instant."""
    return np.asarray(
        np.searchsorted(np.sort(begins), at, "right") - np.searchsorted(np.sort(ends), at, "right"), dtype=np.float64
    )


# --- normal scores of what the streams drew --------------------------------------------------------------------------


def deviation(law: Patience) -> float:
    """The standard deviation of a law, s; 0 where its values come from no chance."""
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
    """Standard normal numbers of the same rank as the law's values, from its standard variates."""
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


def _scores(table: Tables, name: str, laws: Sequence[Patience], wants: Any, who: Any) -> Floats:
    """Of each caller's value by the law of his topic; 0 where no chance is in it."""
    found = np.zeros(len(who))
    known: dict[str, Floats] = {}
    for topic, law in enumerate(laws):
        kind = standard(law)
        if kind and deviation(law):
            if kind not in known:
                known[kind] = table(name, kind)[who]
            mine = wants == topic
            found[mine] = score(law, known[kind][mine])
    return found
