"""HTML pages parsed and checked for tests."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

NASTY = "<script>alert('x')</script> & \"12 seats\" </title>"


def parsed(path: Path) -> ElementTree.Element:
    """Parse a page as XML, and check it.

    All tags are closed, text is escaped, nothing is fetched or run, every column has a heading, and wide content can be
    scrolled with the keyboard.
    """
    page = path.read_text(encoding="utf-8")
    assert re.findall(r"https?:|url\(|@import|<script|<link|<img|\ssrc=|\shref=|\son\w+=", page) == []
    assert "default-src 'none'" in page
    head, _, body = page.partition("\n")
    assert head == "<!DOCTYPE html>"
    found = ElementTree.fromstring(body)
    assert all(words(each) for each in found.iter("th"))  # no heading is empty
    assert all(each.get("tabindex") == "0" for each in found.iter("div") if "scroll" in each.get("class", "").split())
    return found


def words(element: ElementTree.Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


def headings(page: ElementTree.Element) -> list[str]:
    return [words(each) for each in page.iter("h2")]


def section(page: ElementTree.Element, heading: str) -> ElementTree.Element:
    return next(each for each in page.iter("section") if words(each.find("h2")).startswith(heading))


def cells(within: ElementTree.Element) -> list[list[str]]:
    """The rows of the table body."""
    return [[words(cell) for cell in row] for row in within.findall(".//tbody/tr")]


def pictures(within: ElementTree.Element) -> list[ElementTree.Element]:
    found = list(within.iter("svg"))
    assert all(words(each.find("title")) for each in found)
    return found
