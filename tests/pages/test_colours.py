"""Text and marks have enough contrast."""

from __future__ import annotations

import re

import pytest

from pages import colours, html_page


def test_the_contrast_of_known_pairs() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)  # just below 4.5


@pytest.mark.parametrize(
    "ink", [colours.INK, colours.SOFT, colours.DARK, colours.ORANGE, colours.GREEN, colours.RED, colours.PLUM]
)
@pytest.mark.parametrize("ground", ["#ffffff", "#f4f6f9"])
def test_every_ink_has_enough_contrast(ink: str, ground: str) -> None:
    assert colours.contrast(ink, ground) >= 4.5


def test_every_text_colour_of_the_style_has_enough_contrast() -> None:
    inks = set(re.findall(r"(?:[; {]color|--ink|--soft): (#[0-9a-f]{6})", html_page.STYLE))
    assert len(inks) >= 5
    assert all(colours.contrast(ink, "#f4f6f9") >= 4.5 for ink in inks)
