from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.theory.numerics.roots import crossing, fewest


@given(st.floats(0.001, 1000))
def test_a_smooth_root(root: float) -> None:
    assert crossing(lambda x: root**3 - x**3, 0, 2000) == pytest.approx(root, rel=1e-14)
    assert crossing(lambda x: math.exp(-x) - math.exp(-root / 100), 0, 2000) == pytest.approx(root / 100, rel=1e-12)


@given(st.floats(0.001, 1000))
def test_a_step_is_found_in_few_steps(root: float) -> None:
    asked = []

    def step(x: float) -> float:
        asked.append(x)
        return 1.0 if x < root else -1e-9

    assert crossing(step, 0, 2000) == pytest.approx(root, rel=1e-14)
    assert len(asked) < 200


def test_already_below() -> None:
    assert crossing(lambda x: -1.0, 3, 5) == 3


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_the_fewest(least: int, wanted: int) -> None:
    assert fewest(lambda n: n >= wanted, least) == max(least, wanted)
    assert fewest(lambda n: n >= wanted, least, least + 100) == (max(least, wanted) if wanted <= least + 100 else None)
