"""Compare the day W1, from scenario to measures, with the exact and published rows of ground-truth.csv.

Each comparison is a statistical test that fails by chance once in 10,000 seeds; the seeds are fixed.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from queue_model.runs.replication import Result, replicate
from tests.queue_model.example_scenarios import day, study_of

ONCE_IN_TEN_THOUSAND = 3.89  # standard errors, both sides
STUDENT = 2.093  # of 20 replications, in the intervals
TRUTH = Path(__file__).parents[1] / "ground-truth.csv"

LOGNORMAL: dict[str, Any] = {
    "handling": {"talk": {"law": "lognormal", "mean": 300, "sigma": 0.7}, "wrap": {"law": "exponential", "mean": 60}}
}
PATIENT: dict[str, Any] = {"callers": {"patience": {"law": "exponential", "mean": 360}}}
BUSY: dict[str, Any] = {"arrivals": {"busyness": 25}}
MEASURES = ("wait_mean_all", "abandonment", "service_level")


@cache
def truth() -> dict[str, str]:
    with open(TRUTH, encoding="utf-8", newline="") as file:
        return {row["id"]: row["your_exact_value"] for row in csv.DictReader(file)}


def simulated(staff: int, changes: dict[str, Any], replications: int = 20) -> Result:
    return replicate(study_of(day(staff, 60, seed=20261122, **changes)), replications=replications)


def assert_agrees(result: Result, name: str, value: float, error: float = 0.0) -> None:
    """`error`: the standard error of the value itself."""
    estimate = result.estimate(name)
    assert estimate.value is not None
    assert estimate.half is not None
    spread = ((estimate.half / STUDENT) ** 2 + error**2) ** 0.5
    assert abs(estimate.value - value) < ONCE_IN_TEN_THOUSAND * spread, (name, estimate, value)
    assert spread < 0.1 * max(value, 1e-3) + 0.05  # otherwise the test proves nothing


@pytest.mark.parametrize(
    ("row", "staff", "changes"),
    [
        ("O-DAY-c12-pat180", 12, {}),
        ("O-DAY-c12-theta=mu", 12, PATIENT),
        ("O-DAY-c5-pat180", 5, {}),
        ("O-DAY-c5-theta=mu", 5, PATIENT),
        ("O-DAY-busy", 6, BUSY),
        ("O-DAY-nobusy", 6, {}),
    ],
)
def test_exact_days(row: str, staff: int, changes: dict[str, Any]) -> None:
    result = simulated(staff, changes)
    for name, value in zip(MEASURES, truth()[row].split(";"), strict=False):
        assert_agrees(result, name, float(value))


@pytest.mark.parametrize(
    ("row", "staff", "changes"),
    [
        ("S-DAY-exp12", 12, {}),
        ("S-DAY-exp5", 5, {}),
        ("S-DAY-busy6", 6, BUSY),
        ("S-DAY-W1", 12, LOGNORMAL),
        ("S-DAY-W1s", 5, LOGNORMAL),
    ],
)
def test_days_simulated_elsewhere(row: str, staff: int, changes: dict[str, Any]) -> None:
    result = simulated(staff, changes)
    published = re.findall(r"([\d.]+)\+-([\d.]+)", truth()[row])
    assert len(published) == 3
    for name, (value, half) in zip(MEASURES, published, strict=True):
        assert_agrees(result, name, float(value), float(half) / 1.96)


def test_the_reference_engine_gives_the_same() -> None:
    written = study_of(day(5, 10, seed=20261122))
    both = [replicate(written, replications=2, engine_name=name, parts=("half-hour",)) for name in ("simpy", "kernel")]
    assert both[0].engine == "simpy"
    assert both[0].estimates() == both[1].estimates()
    assert both[0].part("half-hour", "abandonment") == both[1].part("half-hour", "abandonment")


def test_the_peak_half_hour() -> None:
    found = replicate(study_of(day(5, 60, seed=20261122)), replications=20, parts=("half-hour",))
    peak = found.part("half-hour", "abandonment")["10:30"]
    exact = float(truth()["O-DAY-c5-pat180"].split(";")[4])
    assert peak.value is not None
    assert peak.half is not None
    assert abs(peak.value - exact) < ONCE_IN_TEN_THOUSAND * peak.half / STUDENT
