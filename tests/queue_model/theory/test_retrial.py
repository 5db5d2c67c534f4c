from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_model.errors import NoSteadyState
from queue_model.theory.retrial import single_line


@given(st.floats(0.05, 0.6), st.floats(0.2, 5))
@settings(max_examples=20)
def test_against_the_chain(load: float, pause: float) -> None:
    """States: line free or engaged, callers between attempts; solved as they are, cut off where nobody comes."""
    size = 150
    rates = np.zeros((2 * size, 2 * size))
    for n in range(size):
        free, engaged = n, size + n
        rates[free, engaged] += load  # aht is 1
        rates[engaged, free] += 1
        if n:
            rates[free, engaged - 1] += n / pause
        if n + 1 < size:
            rates[engaged, engaged + 1] += load
    rates -= np.diag(rates.sum(axis=1))
    rates[:, 0] = 1
    chances = np.linalg.solve(rates.T, np.eye(2 * size)[0])
    found = single_line(load, 1, pause)
    assert found.engaged == pytest.approx(chances[size:].sum(), rel=1e-9)
    assert found.orbit == pytest.approx(chances @ np.tile(np.arange(size), 2), rel=1e-7)
    assert found.mean_wait == pytest.approx(found.orbit / load)


def test_overload() -> None:
    with pytest.raises(NoSteadyState):
        single_line(1.0, 1.0, 2.0)
