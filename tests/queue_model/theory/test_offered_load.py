from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.errors import ModelError
from queue_model.theory.offered_load import offered_load
from tests.queue_model.theory.oracles import sinusoidal_load


@given(st.floats(0.1, 5), st.floats(0, 30))
def test_a_sine_of_small_steps(frequency: float, t: float) -> None:
    step = 0.01
    rates = [100 + 20 * math.sin(frequency * (i + 0.5) * step) for i in range(round((t + 1) / step))]
    start = sinusoidal_load(100, 20, frequency, 1, 0)
    stepped = offered_load([rate * step for rate in rates], step, 1)
    exact = sinusoidal_load(100, 20, frequency, 1, t) - start * math.exp(-t)
    assert stepped.at(t) == pytest.approx(exact, abs=5e-2)


def test_steady_calls_and_the_end_of_the_day() -> None:
    load = offered_load([10, 10], 1800, 360)
    assert load.at(0) == 0 and load.at(3600) == pytest.approx(2 * -math.expm1(-10))
    assert load.at(3960) == pytest.approx(load.at(3600) / math.e)


def test_bad_input() -> None:
    with pytest.raises(ModelError, match="calls: give"):
        offered_load([], 1800, 360)
    with pytest.raises(ModelError, match="calls: -1"):
        offered_load([-1], 1800, 360)
