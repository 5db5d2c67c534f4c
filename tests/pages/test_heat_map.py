"""Heat maps."""

from __future__ import annotations

from xml.etree import ElementTree

from pages import heat_map
from pages.colours import contrast


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
    assert heat_map.colours(1, 0, 1) == ("#fae73c", "#000")
    assert heat_map.colours(None, 0, 1)[0] == heat_map.NOTHING
    assert heat_map.colours(3, 3, 3) == heat_map.colours(0.5, 0, 1)


def test_every_value_has_enough_contrast_on_its_cell() -> None:
    """4.5 to 1, as WCAG 2.1 AA requires for text, for every value between the lowest and the highest."""
    cells = [heat_map.colours(value, 0, 1000) for value in range(1001)]
    assert min(contrast(fill, "#" + 2 * ink[1:]) for fill, ink in cells) >= 4.5


def test_cells_fit_the_longest_text_and_short_texts_fit_a_telephone() -> None:
    words = [["nessun equilibrio", "1"]]
    long = heat_map.svg("t", "x", ["1", "2"], "y", ["3"], [heat_map.Panel("", [[None, 1.0]], words)], inline=True)
    first, second = list(ElementTree.fromstring(long).iter("rect"))[1:]
    assert float(first.get("width") or 0) == float(second.get("width") or 0) > 8 * len("nessun equilibrio")
    days = ["lun", "mar", "mer", "gio", "ven"]
    short = heat_map.svg("t", "", days, "", ["09:00"], [heat_map.Panel("", [[1.0] * 5], [["10!"] * 5])], inline=True)
    style = ElementTree.fromstring(short).get("style") or ""
    assert (
        float(style.partition("min-width:")[2].partition("px")[0]) < 319
    )  # the width left on a telephone of 375 points


def test_an_inline_map_leaves_its_title_to_the_page() -> None:
    panel = heat_map.Panel("", [[1.0]], [["1"]])
    inside = heat_map.svg("Title", "x", ["1"], "y", ["2"], [panel], inline=True)
    assert "Title" not in [each.text for each in ElementTree.fromstring(inside).iter("text")]
    assert ElementTree.fromstring(inside).findtext("title") == "Title"
