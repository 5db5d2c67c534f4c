"""The table of values in colours."""

from __future__ import annotations

from xml.etree import ElementTree

from pages import heat_map


def test_the_picture_is_svg_with_every_value() -> None:
    drawn = heat_map.svg(
        "A < B", "calls", ["1", "2"], "seats", ["3"], [heat_map.Panel("", [[0.5, None]], [["50 %", "-"]])]
    )
    root = ElementTree.fromstring(drawn)
    words = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert words == ["A < B", "calls", "seats", "1", "2", "3", "50 %", "-"]
    assert sum(each.tag.endswith("rect") for each in root.iter()) == 3


def test_colours_rise_from_dark_to_light() -> None:
    assert heat_map.colours(0, 0, 1) == ("#3e296b", "#fff")
    assert heat_map.colours(1, 0, 1) == ("#fae73c", "#111")
    assert heat_map.colours(None, 0, 1)[0] == heat_map.NOTHING
    assert heat_map.colours(3, 3, 3) == heat_map.colours(0.5, 0, 1)
