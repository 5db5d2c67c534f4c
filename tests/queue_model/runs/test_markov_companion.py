"""The Markov companion: exponential times for any law of the scenario, and means that agree with theory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from queue_model.random.streams import Streams
from queue_model.runs.control_variates import Controls
from queue_model.runs.markov_companion import Companion, Reaching, deviation, score
from queue_model.scenario import study
from queue_model.scenario.laws import Duration, Empirical, Exponential, Gamma, Lognormal, Weibull, standard, values
from queue_model.simulation import kernel
from queue_model.simulation.builder import Builder
from tests.queue_model.example_scenarios import day, everything, study_of

ONCE_IN_TEN_THOUSAND = 3.89
LAWS: list[Duration] = [
    Exponential(200.0), Lognormal(300.0, 0.7), Gamma(240.0, 2.0), Gamma(240.0, 0.5), Weibull(90.0, 1.5),
    Empirical([300.0, 60.0, 120.0, 120.0]),
]  # fmt: skip


def variates(law: Duration, count: int = 20_000) -> Any:
    return Streams(5).table("x", standard(law), 1, count)[0]


@pytest.mark.parametrize("law", LAWS, ids=[type(each).__name__ for each in LAWS])
def test_scores_are_standard_normal_and_of_the_same_rank(law: Duration) -> None:
    drawn = variates(law)
    found, seconds = score(law, drawn), values(law, drawn.copy(), len(drawn))
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):
        spread = {1: 1, 2: 2, 3: 15, 4: 96}[power] ** 0.5 / len(drawn) ** 0.5
        assert np.mean(found**power) == pytest.approx(moment, abs=ONCE_IN_TEN_THOUSAND * spread)
    order = np.argsort(found)
    assert (np.diff(seconds[order]) >= 0).all()
    assert deviation(law) == pytest.approx(seconds.std(), rel=0.05)


def agrees(written: dict[str, Any], replications: int = 40) -> Controls:
    """Compare the mean of each control over replications with its exact mean."""
    builder = Builder(study_of(written))
    known = Controls(builder)
    rows = np.array([known.of(11, each, kernel.simulate) for each in range(replications)])
    error = rows.std(axis=0, ddof=1) / replications**0.5
    assert (np.abs(rows.mean(axis=0) - [*known.means.values()]) < ONCE_IN_TEN_THOUSAND * error).all()
    return known


def test_the_means_of_a_plain_day_are_exact() -> None:
    known = agrees(day(5, 3))
    assert known.lacks is None
    assert known.companion is not None and known.companion.agents == 5
    assert known.means["calls"] == pytest.approx(1200)
    assert known.means["work"] == pytest.approx(1200 * 360)


def test_the_means_are_exact_with_every_feature() -> None:
    """Topics with their own laws and hours, a menu, busy days, swings, breaks, warm-up days."""
    known = agrees(everything(days=4, period={"settle": 1}))
    assert known.lacks is None


def test_the_companion_of_a_markov_day_is_the_day_itself() -> None:
    builder = Builder(study_of(day(5, 2)))
    companion = Companion(builder)
    own = builder.inputs(3).inputs
    theirs, _ = companion.inputs(Streams(builder.study.scenario.seed, 3))
    assert np.array_equal(own.call_at, theirs.call_at)
    assert theirs.talk[:, 0] == pytest.approx(own.talk[:, 0])
    assert theirs.patience[:, 0] == pytest.approx(own.patience[:, 0])


def test_calls_that_reach_the_queue() -> None:
    """Half are satisfied with the information, and nobody else leaves in the menu."""
    topics = {"ALTRO": {"share": 0.5}, "ADR": {"share": 0.5, "satisfied": 1.0}}
    topics |= {name: {"share": 0} for name in ("DID", "INCENTIVI", "PORTALE")}
    calm: dict[str, Any] = {"walk": True, "reaction": 1.0}
    builder = Builder(study_of(day(days=4, topics=topics, menu=calm)))
    assert Reaching(builder).calls == pytest.approx(800, rel=1e-6)


def test_agents_are_those_at_work_when_callers_call() -> None:
    builder = Builder(study.load("scenarios/baseline.yaml"))
    assert Companion(builder).agents == 10  # 12, less breaks and absence


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"callers": {"patience": {"law": "never"}}}, "callers.patience: no caller gives up"),
        ({"arrivals": {"profile": {"from": "00:00", "step_minutes": 60, "weights": [1.0] * 24}},
          "service": {"hours": {day: ["00:00-24:00"] for day in ("monday", "tuesday")}}},
         "hours: the days have no long enough break between them"),
    ],
)  # fmt: skip
def test_the_reason_for_no_companion(change: dict[str, Any], why: str) -> None:
    known = Controls(Builder(study_of(day(5, 2, **change))))
    assert known.lacks == why
    assert [*known.means] == ["calls", "work"]
    assert known.of(1, 0, kernel.simulate).shape == (2,)
