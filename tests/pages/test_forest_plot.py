"""Forest plots: 0 in the middle, everything inside the picture, every value as text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import colours
from pages.forest_plot import EDGE, WIDTH, Row, forest_plot

numbers = st.floats(-1e6, 1e6).filter(lambda each: each == 0 or abs(each) > 1e-6)


def drawn(*rows: Row) -> ElementTree.Element:
    return ElementTree.fromstring(forest_plot("A < B", rows, lambda value: f"{value:g} s"))


def test_each_row_has_a_dot_an_interval_and_a_label() -> None:
    picture = drawn(Row("wait", 5.0, (2.0, 8.0), colours.RED, "+5 s"), Row("none", None, None, colours.AMBER, "–"))
    texts = [each.text for each in picture.iter("text")]
    assert texts[:5] == ["-8 s", "-4 s", "0 s", "4 s", "8 s"]
    assert texts[5:] == ["wait", "+5 s", "none", "–"]
    (dot,) = picture.iter("circle")
    assert float(dot.get("cx", "")) == pytest.approx(WIDTH / 2 + 5 / 8 * (WIDTH / 2 - EDGE), abs=0.1)
    assert sum(each.get("stroke") == colours.RED for each in picture.iter("path")) == 1


@given(st.lists(st.tuples(numbers, st.floats(0, 1e6)), min_size=1, max_size=4))
def test_everything_lies_inside_the_picture(values: list[tuple[float, float]]) -> None:
    picture = drawn(*(Row("x", value, (value - half, value + half), "#111", "x") for value, half in values))
    for dot in picture.iter("circle"):
        assert EDGE - 0.1 <= float(dot.get("cx", "")) <= WIDTH - EDGE + 0.1
    low, *_, high = (each.text or "" for each in list(picture.iter("text"))[:5])
    assert float(low.split()[0]) == -float(high.split()[0])


def test_a_plot_of_zero_has_a_scale() -> None:
    assert [each.text for each in drawn(Row("x", 0.0, None, "#111", "0")).iter("text")][:5] == [
        "-1 s", "-0.5 s", "0 s", "0.5 s", "1 s",
    ]  # fmt: skip
