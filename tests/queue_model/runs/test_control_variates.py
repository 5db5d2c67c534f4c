"""Control variates give narrower intervals that still cover the true value with their stated confidence."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.stats import binom

from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.runs.control_variates import Controlled, Controls, control_values, controlled, controls, correct_ratio
from queue_model.runs.measures.estimates import Floats, ratio, student
from queue_model.runs.replication import Result, replicate
from queue_model.simulation import kernel
from queue_model.theory.transient import transient
from tests.queue_model.example_scenarios import W1, day, study_of

MEASURES = ("wait_mean_all", "abandonment", "service_level")
LOGNORMAL: dict[str, Any] = {
    "handling": {"talk": {"law": "lognormal", "mean": 300, "sigma": 0.7}, "wrap": {"law": "exponential", "mean": 60}}
}
# Four agents from nine and three more from noon: solved exactly by the forward equations. The companion has six.
RISING: dict[str, Any] = {
    "seats": 7, "people": 7,
    "shifts": {"tutti": {"hours": "09:00-22:00", "operators": 4}, "dopo": {"hours": "12:00-22:00", "operators": 3}},
}  # fmt: skip
GROUP = 10


def pairs(result: Result, name: str) -> tuple[Floats, Floats]:
    both = np.array([each.whole[name] for each in result.sums])
    return both[:, 0], both[:, 1]


@cache
def rising() -> tuple[Result, Controls, Floats]:
    study = study_of(day(4, 1, operators=RISING, seed=20261122))
    result = replicate(study, replications=300)
    known = controls(study, result.replications)
    return result, known, control_values(known, result.seed, result.replications, kernel.simulate)


@pytest.mark.parametrize("name", MEASURES)
def test_intervals_cover_the_exact_value_with_their_confidence(name: str) -> None:
    """Thirty groups of ten days; the test fails by chance once in 10,000 seeds."""
    exact = transient(W1, [4] * 6 + [7] * 12, 360.0, 180.0).whole
    truth = {"wait_mean_all": exact.mean_wait, "abandonment": exact.abandoned, "service_level": exact.service_level}
    result, known, values = rising()
    assert known.companion is not None and known.companion.agents == 6
    top, bottom = pairs(result, name)
    covered = 0
    for start in range(0, len(top), GROUP):
        mine = slice(start, start + GROUP)
        found = controlled(known, values[mine], name, top[mine], bottom[mine]).estimate
        assert found.low is not None and found.high is not None
        covered += found.low <= truth[name] <= found.high
    groups = len(top) // GROUP
    assert covered >= binom.ppf(1e-4, groups, 0.95)
    whole = controlled(known, values, name, top, bottom)
    assert whole.estimate.value is not None and whole.estimate.half is not None
    # All replications together show no bias.
    assert abs(whole.estimate.value - truth[name]) < 2 * whole.estimate.half
    assert whole.narrower is not None and whole.narrower > 1.3


@pytest.mark.parametrize("staff", [5, 12])
def test_intervals_become_narrower_on_the_known_day(staff: int) -> None:
    study = study_of(day(staff, 10, seed=20261122, **LOGNORMAL))
    result = replicate(study, replications=25)
    known = controls(study, result.replications)
    values = control_values(known, result.seed, result.replications, kernel.simulate)
    for name in MEASURES:
        found = controlled(known, values, name, *pairs(result, name))
        assert found.narrower is not None and found.narrower > 1.2


def test_a_correction_is_a_regression() -> None:
    """The corrected value is the regression's at the controls' means, and its error that of the intercept."""
    source = np.random.default_rng(3)
    values = source.normal(size=(30, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]]) + [10.0, 500.0]
    means = np.array([10.1, 499.0])
    top = 5 + (values - means) @ [0.8, 0.3] + source.normal(0, 0.4, 30)
    found = correct_ratio("x", top, np.ones(30), values, means)
    design = np.column_stack((np.ones(30), values - means))
    weights, squares, *_ = np.linalg.lstsq(design, top, rcond=None)
    error = (squares[0] / 27 * np.linalg.inv(design.T @ design)[0, 0]) ** 0.5
    assert found.value == pytest.approx(weights[0])
    assert found.half == pytest.approx(student(27) * error)


def test_redundant_controls_count_once() -> None:
    source = np.random.default_rng(4)
    calls = source.normal(100, 10, (20, 1))
    top, bottom = calls[:, 0] + source.normal(0, 1, 20), np.full(20, 2.0)
    once = correct_ratio("x", top, bottom, calls, np.array([100.0]))
    thrice = correct_ratio(
        "x", top, bottom, np.hstack((calls, 3 * calls, np.full((20, 1), 7.0))), np.array([100, 300, 7.0])
    )
    assert (thrice.value, thrice.half) == pytest.approx((once.value, once.half))


def test_no_denominator_no_residuals_and_too_few_replications() -> None:
    some = np.random.default_rng(5).normal(size=(12, 1))
    assert correct_ratio("x", np.zeros(12), np.zeros(12), some, np.zeros(1)).value is None
    exact = correct_ratio("x", 3 + some[:, 0], np.ones(12), some, np.zeros(1))
    assert exact.value == pytest.approx(3)
    assert exact.half == pytest.approx(0, abs=1e-12)
    few = correct_ratio("x", some[:2, 0], np.ones(2), some[:2], np.zeros(1))
    assert few == ratio("x", some[:2, 0], np.ones(2))


def test_measures_of_e_mails_are_not_corrected() -> None:
    result, known, values = rising()
    top, bottom = pairs(result, "on_time_email")
    found = controlled(known, values, "on_time_email", top, bottom)
    assert found == Controlled(ratio("on_time_email", top, bottom), None)


def test_a_study_without_controls_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"9 replications are too few.*--replications 10 or more"):
        controls(study_of(day(5, 1)), 9)
    (tmp_path / "calls.csv").write_text("at\n2026-02-02T09:00:30\n")
    with pytest.raises(ModelError, match="the calls of a trace"):
        controls(study_of(day(5, 1, arrivals={"trace": str(tmp_path / "calls.csv")})), 10)
    with pytest.raises(ModelError, match="no call reaches the queue"):
        controls(study_of(day(5, 1, arrivals={"per_day": 0})), 10)


# --- the command -----------------------------------------------------------------------------------------------------


def run_command(tmp_path: Path, *words: str, **changes: Any) -> int:
    (tmp_path / "day.yaml").write_text(yaml.safe_dump(day(5, 2, **{**LOGNORMAL, **changes})), encoding="utf-8")
    return main(["run", str(tmp_path / "day.yaml"), "--replications", "12", "--control-variates", *words])


def test_the_page_shows_how_much_narrower_intervals_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(tmp_path) == 0
    said = capsys.readouterr().out
    assert "With control variates (calls, work, a Markov companion with 5 agents):" in said
    assert "times narrower" in said


def test_the_page_says_why_there_is_no_companion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(tmp_path, callers={"patience": {"law": "never"}}, operators={"seats": 8, "people": 8}) == 0
    said = capsys.readouterr().out
    assert "With control variates (calls, work):" in said
    assert "No Markov companion: callers.patience: no caller gives up." in said


def test_the_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(tmp_path, "--json") == 0
    found = json.loads(capsys.readouterr().out)["control_variates"]
    assert [*found["controls"]] == ["calls", "work", "waits", "abandoned", "in_time"]
    assert found["controls"]["calls"] == pytest.approx(800)
    assert found["companion"] == {"agents": 5, "lacks": None}
    level = found["measures"]["service_level"]
    assert level["low"] < level["value"] < level["high"]
    assert level["narrower"] > 1
