"""Fits to whole seconds: probabilities match the clock, parameters are recovered, intervals have their coverage."""

from __future__ import annotations

import numpy as np
import pytest

from queue_model.errors import ModelError
from queue_model.fitting.dispersion import gamma_shape
from queue_model.fitting.kaplan_meier import survival_curve
from queue_model.fitting.maximum_likelihood import LawName, best_fit, fit_law, fit_share, log_chance

LAWS: tuple[LawName, ...] = ("exponential", "lognormal", "gamma", "weibull")


@pytest.mark.parametrize("law", LAWS)
def test_the_probabilities_of_all_seconds_sum_to_one(law: LawName) -> None:
    assert np.exp(log_chance(law, np.arange(5000.0), 60.0, 1.3)).sum() == pytest.approx(1, abs=1e-4)


def test_the_probabilities_are_those_of_a_clock_that_truncates() -> None:
    draw = np.random.default_rng(1)
    begin, lasts = draw.random(200_000), draw.exponential(2.0, 200_000)
    seen = np.bincount(np.floor(begin + lasts).astype(int))[:6] / 200_000
    assert np.exp(log_chance("exponential", np.arange(6.0), 2.0, 1.0)) == pytest.approx(seen, abs=0.004)


def test_short_talks_are_not_biased_by_the_clock() -> None:
    draw = np.random.default_rng(2)
    begin, lasts = draw.random(20_000), draw.gamma(2.0, 1.5, 20_000)
    found = fit_law("gamma", np.floor(begin + lasts))
    assert found.shape is not None
    assert found.mean.low < 3 < found.mean.high
    assert found.shape.low < 2 < found.shape.high


def test_the_best_law_follows_the_data() -> None:
    draw = np.random.default_rng(3)
    assert best_fit(("lognormal", "gamma"), np.floor(draw.lognormal(5.5, 0.7, 3000))).law == "lognormal"
    assert best_fit(("lognormal", "gamma"), np.floor(draw.gamma(2, 150, 3000))).law == "gamma"


def test_censored_patience_is_recovered_with_correct_coverage() -> None:
    held = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        patience, served = draw.exponential(180.0, 400), draw.exponential(90.0, 400)
        gone = patience < served
        found = fit_law("exponential", np.floor(patience[gone]), np.floor(served[~gone]))
        held += found.mean.low < 180 < found.mean.high
    assert 88 <= held <= 100


def test_the_curve_of_kaplan_and_meier() -> None:
    # Remission of leukaemia under 6-MP (Freireich 1963), the example of textbooks.
    found = survival_curve([6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
    assert found.share == pytest.approx([0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], abs=1e-4)
    assert found.low[0] == pytest.approx(0.6197, abs=1e-3)
    assert found.high[0] == pytest.approx(0.9516, abs=1e-3)
    assert found.at(5.9) == 1
    assert found.at(22) == pytest.approx(0.5378, abs=1e-4)


def test_how_much_days_differ() -> None:
    draw = np.random.default_rng(4)
    mean = np.full(2000, 400.0)
    found = gamma_shape(draw.poisson(mean * draw.standard_gamma(100, 2000) / 100), mean)
    assert found.low < 100 < found.high
    assert found.high == np.inf or found.high < 130
    assert gamma_shape(draw.poisson(mean), mean).high == np.inf
    with pytest.raises(ModelError, match="2 days are too few"):
        gamma_shape([400, 410], [400.0, 400.0], 1)


def test_too_few_data_are_refused() -> None:
    with pytest.raises(ModelError, match="1 durations are too few for a fit"):
        fit_law("exponential", [5])
    with pytest.raises(ModelError, match="no observations for a share"):
        fit_share(0, 0)
    assert fit_share(0, 10).low == 0
    assert fit_share(0, 10).high == pytest.approx(0.3085, abs=1e-4)
