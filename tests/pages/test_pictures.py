"""Charts as SVG."""

from __future__ import annotations

import pytest

from pages import pictures


@pytest.mark.parametrize("high", [0.003, 0.9, 1.0, 7.3, 12.0, 99.0, 1234.5, 3_000_000.0])
def test_an_axis_has_few_round_marks_and_reaches_the_highest_value(high: float) -> None:
    scale = pictures.axis(high, str)
    assert 2 <= len(scale.marks) <= 7
    assert scale.marks[-1] == pytest.approx(scale.high)
    assert high <= scale.high * (1 + 1e-9)
    assert scale.high <= 2 * high
    assert scale.y(scale.low) > scale.y(high) >= pictures.TOP - 1e-9
