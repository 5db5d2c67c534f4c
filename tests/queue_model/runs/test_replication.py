"""Replications: the same result on any number of threads, as many as the precision needs, and correct intervals."""

from __future__ import annotations

import numpy as np
import pytest

from queue_model.errors import ModelError
from queue_model.runs.measures.estimates import Estimate, ratio, student
from queue_model.runs.replication import precise, replicate
from queue_model.simulation.engines import engine
from tests.queue_model.example_scenarios import day, everything, study_of


def test_any_number_of_threads_gives_the_same_result() -> None:
    study = study_of(everything(days=5))
    one, three = (replicate(study, replications=6, jobs=jobs, parts=("topic",)) for jobs in (1, 3))
    assert one.estimates() == three.estimates()
    assert one.part("topic", "service_level") == three.part("topic", "service_level")
    assert [each.counts for each in one.sums] == [each.counts for each in three.sums]


def test_replications_until_the_precision() -> None:
    study = study_of(day(5, 5))
    result = replicate(study, replications=2, goal=precise(0.01))
    half = result.estimate("service_level").half
    assert half is not None
    assert half <= 0.01
    assert 10 <= result.replications < 200
    assert replicate(study, replications=result.replications).estimates() == result.estimates()


def test_too_much_precision_is_refused() -> None:
    with pytest.raises(ModelError, match=r"--precision: would take about [\d,]+ replications; ask for less"):
        replicate(study_of(day(5, 1)), replications=10, goal=precise(1e-5))


def test_precision_without_calls_is_refused() -> None:
    with pytest.raises(ModelError, match="no call was measured"):
        replicate(study_of(day(5, 1, arrivals={"per_day": 0})), replications=10, goal=precise(0.01))


def test_progress_is_reported() -> None:
    reports: list[tuple[int, int]] = []
    replicate(study_of(day(5, 1)), replications=3, progress=lambda done, needed: reports.append((done, needed)))
    assert reports == [(1, 3), (2, 3), (3, 3)]


def test_an_error_in_a_replication_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, replication: int, seed: int) -> None:
        raise ZeroDivisionError(replication)

    monkeypatch.setattr("queue_model.simulation.builder.Builder.inputs", broken)
    with pytest.raises(ZeroDivisionError):
        replicate(study_of(day(5, 1)), replications=3)


def test_the_seed_is_that_of_the_scenario_by_default() -> None:
    study = study_of(day(5, 2))
    assert replicate(study, replications=2).seed == 7
    assert replicate(study, replications=2).estimates() == replicate(study, replications=2, seed=7).estimates()
    assert replicate(study, replications=2).estimates() != replicate(study, replications=2, seed=8).estimates()


def test_engines_by_name() -> None:
    assert engine("simpy")[0] == "simpy"
    assert engine("kernel")[0] == "kernel"


# --- estimates -------------------------------------------------------------------------------------------------------


def test_a_ratio_is_the_ratio_of_the_sums() -> None:
    found = ratio("x", [1, 2, 3], [10, 10, 40])
    assert found.value == 0.1
    assert (found.numerator, found.denominator) == (6, 60)


def test_the_interval_of_a_mean() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0])
    found = ratio("x", values, np.ones(4))
    assert found.half == pytest.approx(3.182446 * values.std(ddof=1) / 2, rel=1e-6)  # Student's t, 3 degrees
    assert found.low == pytest.approx(5 - (found.half or 0))
    assert found.high == pytest.approx(5 + (found.half or 0))


def test_without_a_second_replication_there_is_no_interval_and_without_visits_no_value() -> None:
    assert ratio("x", [1], [4]) == Estimate(0.25, None, "x", 1, 4)
    assert ratio("x", [0, 0], [0, 0]).value is None
    assert ratio("x", [1], [4]).low is None


def test_intervals_cover_the_true_value_with_their_confidence() -> None:
    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(2000):
        visits = generator.poisson(50, 20)
        good = generator.binomial(visits, 0.8)
        found = ratio("x", good.astype(float), visits.astype(float))
        hits += (found.low or 0) <= 0.8 <= (found.high or 0)
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)


def test_students_quantile() -> None:
    assert student(10) == pytest.approx(2.228139, abs=1e-6)
    assert student(100_000) == pytest.approx(1.95998, abs=1e-4)
