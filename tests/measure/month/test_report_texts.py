"""All languages have the same texts."""

from __future__ import annotations

import re

from measure.month.report_texts import TEXTS
from registry.db import schema


def test_each_language_has_every_text_with_the_same_placeholders() -> None:
    italian, english = TEXTS["it"], TEXTS["en"]
    assert italian.keys() == english.keys()
    for name, text in italian.items():
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", english[name])), name


def test_audiences_and_channels_have_names() -> None:
    for each in (*schema.AUDIENCES, *schema.CHANNELS):
        assert each in TEXTS["it"]
