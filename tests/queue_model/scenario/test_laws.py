"""How long things take: each law has the mean that it states, and grows with it value by value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from queue_model.random.streams import Streams
from queue_model.scenario.laws import (
    Deterministic,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Never,
    Patience,
    Weibull,
    mean,
    standard,
    values,
)

MANY = 200_000
LAWS: list[Patience] = [
    Exponential(180),
    Lognormal(300, 0.7),
    Gamma(480, 2),
    Weibull(200, 0.7),
    Weibull(200, 3),
    Empirical([10, 20, 60]),
]


def sample(law: Patience, count: int = MANY) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    variates = Streams(5).table("x", standard(law), 1, count)[0]
    return np.asarray(values(law, variates, count))


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_the_mean_is_the_given_one(law: Patience) -> None:
    found = sample(law)
    assert found.min() >= 0
    # Four standard errors: wrong once in 16,000 seeds, and this seed is fixed.
    assert abs(found.mean() - mean(law)) < 4 * found.std() / math.sqrt(MANY)


@pytest.mark.parametrize(
    ("law", "longer"),
    [
        (Exponential(100), Exponential(110)),
        (Lognormal(100, 0.7), Lognormal(110, 0.7)),
        (Gamma(100, 2), Gamma(110, 2)),
        (Weibull(100, 2), Weibull(110, 2)),
    ],
    ids=str,
)
def test_a_longer_law_has_the_same_values_each_longer(law: Patience, longer: Patience) -> None:
    assert sample(longer, 50) == pytest.approx(1.1 * sample(law, 50), rel=1e-12)


def test_lognormal_talk_has_the_given_sigma() -> None:
    assert np.log(sample(Lognormal(300, 0.7))).std() == pytest.approx(0.7, rel=0.01)


def test_laws_without_chance() -> None:
    assert values(Deterministic(30), None, 3).tolist() == [30, 30, 30]
    assert values(Never(), None, 2).tolist() == [math.inf, math.inf]
    assert (mean(Deterministic(30)), mean(Never())) == (30, math.inf)
    assert standard(Deterministic(30)) == standard(Never()) == ""


def test_an_empirical_law_gives_every_observed_value_equally_often() -> None:
    counts = np.bincount(sample(Empirical([1, 2, 3, 3])).astype(int), minlength=4)
    assert counts[1:] / MANY == pytest.approx([0.25, 0.25, 0.5], abs=0.01)
