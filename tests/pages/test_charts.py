"""Charts as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pages import charts, colours


@pytest.mark.parametrize("high", [0.003, 0.9, 1.0, 7.3, 12.0, 99.0, 1234.5, 3_000_000.0])
def test_an_axis_has_few_round_marks_and_reaches_the_highest_value(high: float) -> None:
    scale = charts.axis(high, str)
    assert 2 <= len(scale.marks) <= 7
    assert scale.marks[-1] == pytest.approx(scale.high)
    assert high <= scale.high * (1 + 1e-9)
    assert scale.high <= 2 * high
    assert scale.y(scale.low) > scale.y(high) >= charts.TOP - 1e-9


def bars(drawn: str) -> list[tuple[float, str]]:
    """(height, colour) of each bar."""
    root = ElementTree.fromstring(drawn)
    return [(float(each.get("height", "0")), each.get("fill", "")) for each in root.iter("rect")]


def test_stacked_bars_omit_unknown_parts() -> None:
    parts: list[tuple[str, list[float | None]]] = [(colours.DARK, [10.0, None]), (colours.LIGHT, [5.0, 5.0])]
    found = bars(charts.stacked("A & B", ["09:00", "09:30"], parts, str))
    assert [colour for _, colour in found] == [colours.DARK, colours.LIGHT, colours.LIGHT]
    assert found[0][0] == pytest.approx(2 * found[1][0], abs=0.2)


def test_a_fan_has_a_gap_for_unknown_values() -> None:
    row = [1.0, 2.0, 3.0, 4.0, 5.0]
    drawn = charts.fan("waits", ["9", "10", "11", "12"], [row, row, None, row], str)
    assert drawn.count("<polyline") == 2
    assert drawn.count("<polygon") == 4
    assert charts.fan("waits", ["9"], [None], str).count("<polyline") == 0


def test_ranked_bars_are_proportional_to_their_values() -> None:
    drawn = charts.ranked("needs <b>", [("A", 40.0, "40"), ("B", 10.0, "10"), ("C", None, "n.d.")])
    lengths = [float(each) for each in re.findall(rf"width='([\d.]+)' height='12.0' fill='{colours.DARK}'", drawn)]
    assert lengths[0] == pytest.approx(4 * lengths[1], rel=0.01)
    assert lengths[2] == 0
    assert "needs &lt;b&gt;" in drawn
    half, full = (re.findall(r" width='([\d.]+)'", charts.ranked("x", [("A", 0.5, "")], n)) for n in (1.0, None))
    assert float(half[1]) == pytest.approx(float(full[1]) / 2, abs=0.1)


def test_each_row_of_months_has_its_own_scale() -> None:
    drawn = charts.months("trend", [("much", [100.0, 50.0], "50"), ("little", [2.0, None], "n.d."), ("none", [], "")])
    heights = [height for height, _ in bars(drawn)]
    assert heights[0] == heights[2] == pytest.approx(2 * heights[1])
    assert heights[3] == 0
    long = "a name of a topic that is very much too long for a picture of four hundred points"
    assert f"{long[:55]}…" in charts.months("x", [(long, [], "")])


def test_names_of_monthly_rows_do_not_overlap_bars() -> None:
    """Topic names are as long as the line, so they stand above the bars; the first and last month are labelled."""
    name = "Dichiarazione di immediata disponibilità"
    drawn = ElementTree.fromstring(charts.months("t", [(name, [1.0, 2.0], "2")] * 2, ("nov 25", "ott 26")))
    tops = [float(each.get("y") or 0) for each in drawn.iter("rect")]
    lines = [float(each.get("y") or 0) for each in drawn.iter("text") if each.text == name]
    assert lines[0] < tops[1] < lines[1] < tops[3]
    assert [each.text for each in drawn.iter("text")][-2:] == ["nov 25", "ott 26"]
