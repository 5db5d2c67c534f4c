"""Figures and days in the reader's language."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pages import formats


class Interval(NamedTuple):
    low: float | None
    high: float | None


def test_figures_are_written_as_their_reader_does() -> None:
    assert formats.plain(1234.56, "it") == "1.234,6"
    assert formats.plain(1234.56, "en") == "1,234.6"
    assert formats.plain(-0.0, "en") == "0.0"
    assert formats.figure(0.9731, "share", "it") == "97,3\N{NO-BREAK SPACE}%"
    assert formats.figure(None, "share", "it") == formats.NOTHING
    ends = formats.bounded(Interval(0.97, 1.01), "share")
    assert ends == (0.97, 1.0)
    assert formats.bounded(Interval(None, None), "share") is None


def test_a_day_and_the_days_of_the_week() -> None:
    assert formats.day(date(2026, 10, 5), "it") == "5 ottobre 2026"
    assert formats.day(date(2026, 10, 5), "en") == "5 October 2026"
    assert formats.DAYS["it"][date(2026, 10, 5).weekday()] == "lun"


def test_amounts_are_written_by_their_kind() -> None:
    assert formats.amount(1234.0, "count", "it") == "1.234"
    assert formats.amount(0.5, "share", "en") == "50.0\N{NO-BREAK SPACE}%"
    assert formats.amount(3.25, "days", "it") == "3,2"


def test_months() -> None:
    assert formats.month(2026, 10, "it") == "ottobre 2026"
    assert formats.short_month(2027, 1, "en") == "Jan 27"
