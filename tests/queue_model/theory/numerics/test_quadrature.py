from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.theory.numerics.quadrature import integral


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20), st.floats(-3, 0), st.floats(0, 3))
def test_polynomials_are_exact(factors: list[float], low: float, high: float) -> None:
    def primitive(x: float) -> float:
        return math.fsum(a * x ** (k + 1) / (k + 1) for k, a in enumerate(factors))

    found = integral(lambda x: math.fsum(a * x**k for k, a in enumerate(factors)), [low, high])
    size = math.fsum(abs(a) * 3.0 ** (k + 1) for k, a in enumerate(factors))
    assert found == pytest.approx(primitive(high) - primitive(low), abs=1e-13 * size + 1e-300)


def test_kinks_steps_and_singular_ends() -> None:
    assert integral(abs, [-1, 0, 2]) == pytest.approx(2.5, rel=1e-14)
    assert integral(abs, [-1, 2]) == pytest.approx(2.5, rel=1e-12)  # the kink is found
    assert integral(lambda x: float(x > 1 / 3), [0, 1]) == pytest.approx(2 / 3, rel=1e-12)
    assert integral(math.sqrt, [0, 1]) == pytest.approx(2 / 3, rel=1e-12)
    assert integral(lambda x: math.exp(-((x - 7) ** 2) * 1e6), [6.9, 7, 7.3]) == pytest.approx(math.sqrt(math.pi) / 1e3)
    assert integral(math.sin, [3, 3]) == 0
