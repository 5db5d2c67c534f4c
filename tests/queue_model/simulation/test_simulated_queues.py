"""Compare long runs of the compiled engine with the simulated queues of ground-truth.csv: S-LN and others.

Each comparison is a statistical test that fails by chance once in 10,000 seeds; the seeds are fixed. Means are of 20
batches instead of independent runs.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from queue_model.scenario.laws import Deterministic, Exponential, Lognormal, Never, Patience, Weibull, standard, values
from queue_model.simulation import inputs, kernel
from queue_model.simulation.records import Outcome, Work

Floats = NDArray[np.float64]
TRUTH = Path(__file__).parents[1] / "ground-truth.csv"
SERVERS, AHT, BATCHES, LENGTH, WARM_UP = 12, 360.0, 20, 20_000, 4_000
BOUND = float(student.ppf(1 - 0.5e-4, BATCHES - 1))  # standard errors, both sides
MEASURES = ("P(wait)", "P(ab)", "E[W]", "SL20", "E[V]")

LOGNORMAL = Lognormal(360.0, 0.8)
PATIENCE = Exponential(180.0)
# row: load in erlangs, handling, patience
BALK = {"S-GIbalk": 0.1}  # hang up at once if they must wait
QUEUES: dict[str, tuple[float, Patience, Patience]] = {
    "S-LN": (12.0, LOGNORMAL, PATIENCE),
    "S-D": (12.0, Deterministic(360.0), PATIENCE),
    "S-MLN12": (10.8, LOGNORMAL, Never()),
    "S-EXP": (12.0, Exponential(360.0), PATIENCE),
    "S-GIdet": (12.0, Exponential(360.0), Deterministic(180.0)),
    "S-GIln": (12.0, Exponential(360.0), Lognormal(180.0, 1.0)),
    "S-GIwei": (12.0, Exponential(360.0), Weibull(180.0, 0.7)),
    "S-GIbalk": (12.0, Exponential(360.0), Exponential(200.0)),
    "S-MD12": (10.8, Deterministic(360.0), Never()),
}


def drawn(law: Patience, count: int, source: np.random.Generator) -> Floats:
    kind = standard(law)
    variates = source.standard_normal(count) if kind == "normal" else source.standard_exponential(count)
    return values(law, variates if kind else None, count)


@cache
def truth() -> dict[str, dict[str, tuple[float, float]]]:
    """The measures of each row, with the half-width of their 95 % interval."""
    found = {}
    with open(TRUTH, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            published = re.findall(r"(\S+) ([\d.]+)\+-([\d.]+)", row["your_exact_value"])
            found[row["id"]] = {name: (float(value), float(half)) for name, value, half in published}
    return found


def simulated(load: float, handling: Patience, patience: Patience, balk: float = 0.0) -> dict[str, Floats]:
    """Every measure of every batch."""
    source, count = np.random.default_rng(20261122), BATCHES * LENGTH + WARM_UP
    at = np.cumsum(source.exponential(AHT / load, count))
    talk, waits = drawn(handling, count, source), drawn(patience, count, source)
    given = inputs.build(
        call_at=at, talk=talk, patience=np.where(source.random(count) < balk, 0.0, waits),
        **inputs.constant_staff(SERVERS),
    )  # fmt: skip
    record = kernel.simulate(given)
    calls, work = record.calls, record.work[record.work["kind"] == Work.CALL]
    answered = calls["outcome"] == Outcome.ANSWERED
    each = {
        "P(wait)": (calls["wait"] > 0) | ~answered,
        "P(ab)": ~answered * 1.0,
        "E[W]": calls["wait"],
        "SL20": answered & (calls["wait"] <= 20),
        "E[V]": offered(calls["entered"], calls["wait"], answered, np.sort(work["end"])),
    }
    # At the end no caller arrives, but waiting callers are served, so the offered wait is unaffected.
    return {name: np.asarray(one[WARM_UP:], float).reshape(BATCHES, LENGTH).mean(axis=1) for name, one in each.items()}


def offered(entered: Floats, wait: Floats, answered: NDArray[np.bool_], ends: Floats) -> Floats:
    """The wait of each caller with endless patience: until the first operator free after the callers ahead."""
    starts = np.where(answered, entered + wait, 0.0)
    ahead = np.concatenate(([0.0], np.maximum.accumulate(starts)[:-1]))
    free = ends[np.minimum(np.searchsorted(ends, np.maximum(entered, ahead) + 1e-9, "right"), len(ends) - 1)]
    return np.where(answered, wait, free - entered)


@pytest.mark.parametrize("row", QUEUES)
def test_long_runs(row: str) -> None:
    found = simulated(*QUEUES[row], BALK.get(row, 0.0))
    published = truth()[row]
    assert set(published) == set(MEASURES)
    for name, (value, half) in published.items():
        batches = found[name]
        error = np.hypot(batches.std(ddof=1) / BATCHES**0.5, half / 1.96)
        assert abs(batches.mean() - value) <= BOUND * error, (name, batches.mean(), value, error)
        assert error < 0.05 * value + 1e-6  # otherwise the test proves little


def test_with_endless_patience_the_offered_wait_is_the_wait() -> None:
    found = simulated(10.8, Exponential(360.0), Never())
    assert np.array_equal(found["E[V]"], found["E[W]"])
