"""Comparisons on common random numbers: paired differences, and a ranking that shows when it is undecided."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.runs import compare as module
from queue_model.runs.compare import Comparison, Samples, compare, paired
from queue_model.runs.measures.estimates import ratio, student
from queue_model.runs.measures.measurer import Sums
from queue_model.runs.replication import Result
from tests.queue_model.example_scenarios import day, study_of


def samples(tops: list[float], bottoms: list[float] | None = None) -> Samples:
    return Samples(np.array(tops, float), np.array(bottoms or [1.0] * len(tops)))


# --- the paired interval ---------------------------------------------------------------------------------------------


def test_the_interval_of_paired_means_is_that_of_their_differences() -> None:
    value, half = paired(samples([1, 2, 4]), samples([3, 3, 7]))
    apart = [2, 1, 3]
    assert value == pytest.approx(2)
    assert half == pytest.approx(student(2) * np.std(apart, ddof=1) / math.sqrt(3))


def test_common_variation_cancels_out() -> None:
    chance = np.random.default_rng(5).normal(0, 10, 50)
    one, other = samples(list(chance)), samples(list(chance + 1))
    value, half = paired(one, other)
    assert value == pytest.approx(1)
    assert half is not None
    assert half < 1e-9
    alone = ratio("x", one.tops, one.bottoms).half
    assert alone is not None
    assert alone > 1


def test_the_difference_is_that_of_the_ratios_of_sums() -> None:
    value, _ = paired(samples([1, 2], [10, 10]), samples([3, 3], [10, 20]))
    assert value == pytest.approx(6 / 30 - 3 / 20)


def test_a_paired_interval_covers_the_difference_with_its_confidence() -> None:
    chances, held = np.random.default_rng(11), 0
    for _ in range(400):
        calls, more = chances.poisson(50, (2, 12)) + 1.0, chances.poisson(50, 12)
        first = Samples(chances.binomial(calls[0].astype(int), 0.7).astype(float), calls[0])
        second = Samples(chances.binomial((calls[1] + more).astype(int), 0.8).astype(float), calls[1] + more)
        value, half = paired(first, second)
        assert value is not None
        assert half is not None
        held += abs(value - 0.1) <= half
    assert 360 <= held <= 396  # expected: 380 of 400; a correct interval fails this in about one seed of 10,000


def test_without_measurements_there_is_no_difference() -> None:
    assert paired(samples([1, 2]), samples([0, 0], [0.0, 0.0])) == (None, None)
    assert paired(samples([1]), samples([3])) == (2, None)


# --- verdicts and ranks ----------------------------------------------------------------------------------------------


def comparison(*values: list[float], lost: tuple[int, ...] = (), measure: str = "service_level") -> Comparison:
    """Scenarios with these values, one for each replication."""
    study = study_of(day(3, 1))
    results = [
        Result(study, None, "kernel", 1, [Sums({measure: (each, 1.0)}, {}, {}) for each in row])  # type: ignore[arg-type]
        for row in values
    ]
    return Comparison(results, [{measure: "too much"} if each in lost else {} for each in range(len(values))])


GOOD, LITTLE_LESS, BAD = [0.9, 0.8, 0.7, 0.8], [0.8, 0.9, 0.7, 0.79], [0.5, 0.4, 0.3, 0.4]


def test_an_interval_that_contains_zero_decides_nothing() -> None:
    found = comparison(GOOD, LITTLE_LESS)
    assert found.difference("service_level", 0, 1).verdict == "cannot tell"
    assert [(each.best, each.worst) for each in found.ranking("service_level")] == [(1, 2), (1, 2)]
    assert [(each.first, each.second) for each in found.undecided("service_level")] == [(0, 1)]


def test_a_clear_rank_is_a_single_place() -> None:
    found = comparison(BAD, GOOD, LITTLE_LESS)
    ranks = [(each.scenario, each.best, each.worst) for each in found.ranking("service_level")]
    assert ranks == [(1, 1, 2), (2, 1, 2), (0, 3, 3)]
    assert found.difference("service_level", 0, 1).verdict == "higher"
    assert found.difference("service_level", 1, 0).verdict == "lower"


def test_less_waiting_is_better() -> None:
    found = comparison(BAD, GOOD, measure="wait_mean_all")
    assert [each.scenario for each in found.ranking("wait_mean_all")] == [0, 1]


def test_equal_scenarios_are_the_same_not_undecided() -> None:
    found = comparison(GOOD, GOOD)
    assert found.difference("service_level", 0, 1).verdict == "the same"
    assert found.undecided("service_level") == []


def test_pairs_share_the_five_per_cent() -> None:
    assert comparison(GOOD, BAD).confidence == pytest.approx(0.95)
    assert comparison(GOOD, BAD, LITTLE_LESS, GOOD).confidence == pytest.approx(1 - 0.05 / 6)


def test_a_scenario_without_a_steady_state_is_not_ranked() -> None:
    found = comparison(GOOD, BAD, lost=(1,))
    assert found.difference("service_level", 0, 1).verdict == "nothing to compare"
    assert [each.scenario for each in found.ranking("service_level")] == [0]


def test_ranking_by_a_neutral_measure_is_refused() -> None:
    with pytest.raises(ModelError, match="--rank occupancy: neither more nor less"):
        comparison(GOOD, BAD, measure="occupancy").ranking("occupancy")


# --- whole scenarios -------------------------------------------------------------------------------------------------


def test_common_random_numbers_decide_what_separate_ones_cannot() -> None:
    studies = [study_of(day(8, 3)), study_of(day(8, 3, handling={"talk": {"law": "exponential", "mean": 370}}))]
    found = compare(studies, replications=16)
    apart = found.difference("wait_mean_all", 0, 1)
    assert apart.verdict == "higher"
    assert apart.half is not None
    halves = [result.estimate("wait_mean_all").half for result in found.results]
    assert all(half is not None and half > 2 * apart.half for half in halves)


def test_more_seats_rank_higher() -> None:
    found = compare([study_of(day(staff, 2)) for staff in (6, 8, 10)], replications=6)
    assert [each.scenario for each in found.ranking("wait_mean_all")] == [2, 1, 0]


def test_all_scenarios_run_with_one_seed() -> None:
    found = compare([study_of(day(5, 1)), study_of(day(5, 1, seed=99))], replications=3)
    assert found.difference("service_level", 0, 1).verdict == "the same"
    assert {result.seed for result in found.results} == {7}


def test_progress_covers_all_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[tuple[int, int]] = []
    compare([study_of(day(5, 1))] * 2, replications=2, progress=lambda done, needed: reports.append((done, needed)))
    assert reports == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_measures_with_different_definitions_are_refused() -> None:
    with pytest.raises(ModelError, match=r"targets.within: 30.*, but 20.*--set targets.within=20"):
        compare([study_of(day(5, 1)), study_of(day(5, 1, targets={"within": 30}))])
    with pytest.raises(ModelError, match=r"service.promises: not those of"):
        compare([study_of(day(5, 1)), study_of(day(5, 1, service={"promises": {"email_hours": 24}}))])
    with pytest.raises(ModelError, match="two scenarios or more"):
        module.compare([study_of(day(5, 1))])


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    names = []
    changes: dict[str, dict[str, Any]] = {
        "five": {},
        "six": {"title": "Six", "operators": {"seats": 6, "people": 6, "shifts": {"tutti": {"operators": 6}}}},
    }
    for name, change in changes.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(day(5, 1, **change)), encoding="utf-8")
        names.append(str(path))
    return names


def test_the_page(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *files, "--replications", "6"]) == 0
    said = capsys.readouterr().out
    assert "6 replications of each, seed 7, engine kernel; the same callers in all" in said
    assert " pp " in said
    assert said.splitlines()[-2].startswith("1      six")
    assert said.splitlines()[-1].startswith("2      five")


def test_the_document(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *files, "--replications", "6", "--json", "--rank", "wait_mean_all"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["title"] for each in said["scenarios"]] == ["W1", "Six"]
    assert [each["scenario"] for each in said["ranking"]["places"]] == [1, 0]
    level = next(each for each in said["differences"] if each["measure"] == "service_level")
    values = [each["values"]["service_level"] for each in said["scenarios"]]
    assert level["value"] == pytest.approx(values[1] - values[0])
    assert level["low"] < level["value"] < level["high"]
    assert level["verdict"] == "higher"


def test_one_replication_decides_nothing(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *files, "--replications", "1"]) == 0
    assert "Cannot tell five from six (difference -)." in capsys.readouterr().out


def test_different_days_are_mentioned(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = tmp_path / "later.yaml"
    later.write_text(
        yaml.safe_dump({"based_on": "five.yaml", "title": "x", "period": {"first": "2026-03-02"}}), encoding="utf-8"
    )
    assert main(["compare", files[0], str(later), "--replications", "2"]) == 0
    assert "later is simulated on other days (1 from 2026-03-02)" in capsys.readouterr().out


def test_a_missing_scenario(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", files[0], "nowhere.yaml"]) == 1
    assert "nowhere.yaml: no such scenario" in capsys.readouterr().err
