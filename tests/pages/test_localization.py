"""Numbers and dates in the reader's language."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from pages import localization


class Interval(NamedTuple):
    low: float | None
    high: float | None


def test_figures_follow_the_language() -> None:
    assert localization.number(1234.56, "it") == "1.234,6"
    assert localization.number(1234.56, "en") == "1,234.6"
    assert localization.number(-0.0, "en") == "0.0"
    assert localization.figure(0.9731, "share", "it") == "97,3\N{NO-BREAK SPACE}%"
    assert localization.figure(None, "share", "it") == localization.NOTHING
    ends = localization.bounded(Interval(0.97, 1.01), "share")
    assert ends == (0.97, 1.0)
    assert localization.bounded(Interval(None, None), "share") is None


def test_a_day_and_the_days_of_the_week() -> None:
    assert localization.day(date(2026, 10, 5), "it") == "5 ottobre 2026"
    assert localization.day(date(2026, 10, 5), "en") == "5 October 2026"
    assert localization.day(date(2026, 12, 1), "it") == "1° dicembre 2026"
    assert localization.day(date(2026, 12, 1), "en") == "1 December 2026"
    assert f"{localization.day(date(2026, 12, 8), 'it'):di}" == "dell'8 dicembre 2026"
    assert localization.DAYS["it"][date(2026, 10, 5).weekday()] == "lun"


def test_amounts_follow_their_kind() -> None:
    assert localization.amount(1234.0, "count", "it") == "1.234"
    assert localization.amount(0.5, "share", "en") == "50.0\N{NO-BREAK SPACE}%"
    assert localization.amount(3.25, "days", "it") == "3,2"


def test_months() -> None:
    assert localization.month(2026, 10, "it") == "ottobre 2026"
    assert localization.short_month(2027, 1, "en") == "Jan 27"
