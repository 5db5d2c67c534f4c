from __future__ import annotations

import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.theory.numerics.poisson import at_least, log_at_most, log_probability, tail_and_excess

MEANS = st.floats(1e-3, 1e6)
MANY = st.integers(0, 1_000_000)


@given(MANY, MEANS)
@settings(max_examples=80)
def test_probability(m: int, mean: float) -> None:
    with mpmath.workdps(40):
        exact = m * mpmath.log(mean) - mean - mpmath.loggamma(m + 1)
    assert log_probability(m, mean) == pytest.approx(float(exact), rel=1e-13, abs=1e-12)


@given(st.integers(0, 3000), st.floats(1e-3, 3000))
@settings(max_examples=60)
def test_tails(m: int, mean: float) -> None:
    with mpmath.workdps(120):
        below = mpmath.gammainc(m + 1, mean, mpmath.inf, regularized=True)  # P(N <= m)
        above = 1 - below
    if above > 1e-90:
        assert log_at_most(m, mean) == pytest.approx(float(mpmath.log(below)), rel=1e-11)
        assert at_least(m + 1, mean) == pytest.approx(float(above), rel=1e-11)


@given(st.integers(1, 500), st.floats(0.01, 1))
@settings(max_examples=40)
def test_excess(m: int, ratio: float) -> None:
    mean = m * ratio
    tail, excess = tail_and_excess(m, mean)
    assert tail == pytest.approx(at_least(m, mean), rel=1e-12)
    direct = math.fsum((n - m) * math.exp(log_probability(n, mean)) for n in range(m + 1, m + 60 + int(20 * mean)))
    assert excess == pytest.approx(direct, rel=1e-10, abs=1e-300)


def test_the_ends() -> None:
    assert log_probability(0, 0.0) == 0 and log_probability(3, 0.0) == -math.inf
    assert log_at_most(-1, 2.0) == -math.inf and at_least(0, 2.0) == 1
    assert at_least(1_000_000, 1e6) == pytest.approx(0.5, abs=1e-3)
