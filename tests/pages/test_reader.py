"""Figures and days in the reader's language."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pages import reader


class Interval(NamedTuple):
    low: float | None
    high: float | None


def test_figures_are_written_as_their_reader_does() -> None:
    assert reader.plain(1234.56, "it") == "1.234,6"
    assert reader.plain(1234.56, "en") == "1,234.6"
    assert reader.plain(-0.0, "en") == "0.0"
    assert reader.figure(0.9731, "share", "it") == "97,3\N{NO-BREAK SPACE}%"
    assert reader.figure(None, "share", "it") == reader.NOTHING
    ends = reader.bounded(Interval(0.97, 1.01), "share")
    assert ends == (0.97, 1.0)
    assert reader.bounded(Interval(None, None), "share") is None


def test_a_day_and_the_days_of_the_week() -> None:
    assert reader.day(date(2026, 10, 5), "it") == "5 ottobre 2026"
    assert reader.day(date(2026, 10, 5), "en") == "5 October 2026"
    assert reader.DAYS["it"][date(2026, 10, 5).weekday()] == "lun"
