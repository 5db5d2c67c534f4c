from __future__ import annotations

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.errors import ModelError
from queue_model.theory.numerics.quadrature import integral
from queue_model.theory.patience import (
    Balking,
    Deterministic,
    Empirical,
    Exponential,
    Forever,
    Gamma,
    Lognormal,
    Patience,
    Uniform,
    Weibull,
    observed,
)
from tests.queue_model.theory.oracles import FromSurvival

LAWS: list[Patience] = [
    Forever(),
    Exponential(180),
    Deterministic(180),
    Lognormal(180, 1),
    Lognormal(20, 0.1),
    Weibull(180, 0.5),
    Weibull(180, 4),
    Gamma(180, 0.3),
    Gamma(180, 2),
    Gamma(180, 80),
    Uniform(0, 360),
    Uniform(100, 200),
    Balking(0.3, Weibull(100, 1.5)),
    observed([60, 0, 60, 240]),
    Empirical([5, 30, 200], [0.9, 0.9, 0.25]),
    FromSurvival(lambda t: 1 / (1 + t)),
]
MEAN_180: list[Patience] = [
    Exponential(180),
    Lognormal(180, 1),
    Weibull(180, 0.5),
    Weibull(180, 4),
    Gamma(180, 0.3),
    Gamma(180, 2),
    Uniform(0, 360),
    Uniform(170, 190),
    observed([180]),
    observed([60, 0, 300, 360]),
]
EACH = pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)


@EACH
@given(t=st.floats(1e-6, 2000), later=st.floats(0, 500))
@settings(max_examples=12)
def test_survival_gone_and_patient_are_consistent(law: Patience, t: float, later: float) -> None:
    assert 0 <= law.survival(t + later) <= law.survival(t) <= 1
    assert law.survival(t) + law.gone(t) == pytest.approx(1, abs=1e-14)
    assert law.forever <= law.survival(t)
    assert law.survival(t) * t * (1 - 1e-12) <= law.patient(t) <= t * (1 + 1e-12)
    inside = [edge for edge in law.edges if 0 < edge < t]
    assert law.patient(t) == pytest.approx(integral(law.survival, [0, *inside, t]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("law", MEAN_180)
def test_the_mean_is_the_mean(law: Patience) -> None:
    assert law.patient(1e7) == pytest.approx(180, rel=1e-12)


@given(st.floats(0.2, 8), st.floats(1e-3, 3000))
@settings(max_examples=40)
def test_weibull_against_mpmath(shape: float, t: float) -> None:
    law = Weibull(180, shape)
    x = (t / law.scale) ** shape
    exact = 180 * mpmath.gammainc(1 / shape, 0, x, regularized=True)
    assert law.patient(t) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Exponential(-1), "patience: -1 is not above 0"),
        (lambda: Deterministic(0), "patience: 0"),
        (lambda: Lognormal(180, 0), "sigma: 0"),
        (lambda: Weibull(180, -2), "shape: -2"),
        (lambda: Gamma(180, 0), "shape: 0"),
        (lambda: Uniform(200, 100), "200 s to 100 s is not a range"),
        (lambda: observed([]), "no times; give one"),
        (lambda: observed([0, 0]), "nobody waits; give"),
        (lambda: Balking(1.0, Forever()), "share: 1.0"),
        (lambda: Empirical([5], [0.5, 0.2]), "1 times and 2 shares"),
        (lambda: Empirical([5, 5], [0.5, 0.2]), "times: 5 s does not come after 5 s"),
        (lambda: Empirical([5, 9], [0.5, 0.6]), "shares: 0.6 at 9 s is above 0.5"),
        (lambda: FromSurvival(lambda t: 1.5).survival(3), "survival at 3 s is 1.5"),
    ],
)
def test_bad_laws_are_refused(make: object, named: str) -> None:
    assert callable(make)
    with pytest.raises(ModelError, match=named):
        make()
