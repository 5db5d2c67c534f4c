"""The texts of the month's report; tests/common/test_languages.py checks that all languages have the same."""

from __future__ import annotations

from measure.month.report_texts import TEXTS
from registry.db import schema


def test_audiences_and_channels_have_names() -> None:
    for each in (*schema.AUDIENCES, *schema.CHANNELS):
        assert each in TEXTS["it"]
