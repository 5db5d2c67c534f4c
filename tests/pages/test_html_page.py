"""The frame, sections and tables of a page, which escape all text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from pages import html_page
from pages.colours import SOFT, contrast


def test_a_table_marks_its_headings_and_is_scrolled_by_keys() -> None:
    drawn = html_page.table("A & B", ["", "<i>"], [["row", html_page.Markup("<b>1</b>")], ["x < y", "2"]])
    root = ElementTree.fromstring(drawn)
    assert (root.get("tabindex"), root.get("role"), root.get("aria-label")) == ("0", "region", "A & B")
    assert [each.get("scope") for each in root.iter("th")] == ["col", "col", "row", "row"]
    assert root.findtext(".//caption") == "A & B"
    assert [each.text for each in root.findall("table/thead/tr/th")] == [None, "<i>"]
    assert root.findtext(".//td/b") == "1"


def test_a_table_with_long_headings_names_each_figure_on_a_telephone() -> None:
    drawn = ElementTree.fromstring(
        html_page.table("C", ["Measure", "Value <"], [["a sentence", "1"]], long_headings=True)
    )
    assert [each.get("data-of") for each in drawn.iter("td")] == ["Value <"]
    assert "content: attr(data-of)" in html_page.STYLE
    plain = ElementTree.fromstring(html_page.table("C", ["Measure", "Value"], [["a sentence", "1"]]))
    assert [each.get("data-of") for each in plain.iter("td")] == [None]


def test_every_part_of_a_table_keeps_its_role_when_the_layout_changes() -> None:
    drawn = ElementTree.fromstring(html_page.table("C", ["A", "B"], [["x", "1"]], long_headings=True))
    roles = {
        (each.tag, each.get("role")) for each in drawn.iter() if each.tag in ("table", "thead", "tbody", "tr", "td")
    }
    wanted = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    assert roles == set(wanted.items())
    assert [each.get("role") for each in drawn.iter("th")] == ["columnheader", "columnheader", "rowheader"]
    assert ".words thead { display: none" not in html_page.STYLE  # that would also hide it from screen readers


def test_a_wide_picture_is_scrolled_by_keys() -> None:
    drawn = ElementTree.fromstring(html_page.scrollable("<svg/>", "A & B"))
    assert (drawn.get("tabindex"), drawn.get("role"), drawn.get("aria-label")) == ("0", "group", "A & B")


def test_text_stays_readable_on_the_shadow_at_an_edge() -> None:
    """The darkest part of the shadow is black of this opacity on white."""
    (opacity,) = set(re.findall(r"#000(\d), #0000", html_page.STYLE))
    grey = round(255 * (1 - 17 * int(opacity) / 255))
    assert contrast(SOFT, f"#{grey:02x}{grey:02x}{grey:02x}") >= 4.5


def test_a_wide_table_goes_below_its_picture() -> None:
    beside = html_page.figure_section("H", ["text"], "<svg/>", [("#fff", "bar", "<key>")], "<table/>")
    below = html_page.figure_section("H", [], "<svg/>", [], "<table/>", wide=True)
    assert 'class="pair"' in beside
    assert "&lt;key&gt;" in beside
    assert 'class="below"' in below
    assert "<ul" not in below


def test_a_page_is_complete_and_loads_nothing() -> None:
    page = html_page.page("T <", "en", ["<p>x</p>"])
    root = ElementTree.fromstring(page.partition("\n")[2])
    assert root.get("lang") == "en"
    assert root.findtext("head/title") == "T <"
    assert "default-src 'none'" in page


def test_a_report_has_its_introduction_sections_and_notes_in_order() -> None:
    page = html_page.report("T <", "it", ["a & b"], [html_page.warning("w <"), "<section>s</section>"], ["n <"])
    main = ElementTree.fromstring(page.partition("\n")[2]).find("body/main")
    assert main is not None
    assert [(each.tag, each.get("class")) for each in main] == [
        ("h1", None), ("p", "soft"), ("p", "fails"), ("section", None), ("footer", None),
    ]  # fmt: skip
    assert ["".join(each.itertext()) for each in main] == ["T <", "a & b", "w <", "s", "n <"]
    assert "<footer>" not in html_page.report("T", "en", [], [])
