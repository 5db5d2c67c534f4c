"""Numbers and dates in the reader's language: 1.234,5 and 5 ottobre 2026, or 1,234.5 and 5 October 2026."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from common import italian
from common.languages import Language

NOTHING = "–"
_MONTHS: dict[Language, tuple[str, ...]] = {
    "it": italian.MONTHS,
    "en": tuple("January February March April May June July August September October November December".split()),  # noqa: SIM905
}
DAYS: Mapping[Language, tuple[str, ...]] = {
    "it": ("lun", "mar", "mer", "gio", "ven", "sab", "dom"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_SEPARATORS: dict[Language, dict[int, int]] = {"it": str.maketrans(",.", ".,"), "en": {}}


class Ends(Protocol):
    """Anything with an interval; None: there is none."""

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...


def number(value: float, language: Language, digits: int = 1) -> str:
    """A number with this many decimals."""
    return f"{value + 0.0:,.{digits}f}".translate(_SEPARATORS[language])


def figure(value: float | None, kind: str, language: Language, digits: int = 1) -> str:
    """A share in per cent, or seconds; a dash when nothing was measured."""
    if value is None:
        return NOTHING
    return f"{number(100 * value if kind == 'share' else value, language, digits)}\N{NO-BREAK SPACE}{unit(kind)}"


def unit(kind: str) -> str:
    return "%" if kind == "share" else "s"


def amount(value: float, kind: str, language: Language) -> str:
    """A number in the format of its kind: whole counts, shares in per cent, seconds, days."""
    if kind == "count":
        return number(value, language, 0)
    return number(value, language) if kind == "days" else figure(value, kind, language)


def interval(estimate: Ends, kind: str, language: Language) -> str:
    """Both ends, joined by a dash; shares are clipped to 0 to 100 %, waits to 0 and above."""
    ends = bounded(estimate, kind)
    if ends is None:
        return NOTHING
    low, high = (number(100 * each if kind == "share" else each, language) for each in ends)
    return f"{low}–{high}\N{NO-BREAK SPACE}{unit(kind)}"


def bounded(estimate: Ends, kind: str) -> tuple[float, float] | None:
    """The ends of an interval, clipped to the possible values of the measure."""
    if estimate.low is None or estimate.high is None:
        return None
    low, high = max(0.0, estimate.low), max(0.0, estimate.high)
    return (min(1.0, low), min(1.0, high)) if kind == "share" else (low, high)


def day(when: date, language: Language) -> italian.Inserted:
    """`1° ottobre 2026`, to insert into a template."""
    return italian.Inserted(f"{day_number(when, language)} {month(when.year, when.month, language)}")


def day_number(when: date, language: Language) -> str:
    """The day of the month: `1°` in Italian, as in dates, and plain numbers after it."""
    return italian.ordinal(1) if language == "it" and when.day == 1 else str(when.day)


def month(year: int, month_number: int, language: Language) -> str:
    return f"{_MONTHS[language][month_number - 1]} {year}"


def short_month(year: int, month_number: int, language: Language) -> str:
    """`ott 26`, for the heading of a narrow column."""
    return f"{_MONTHS[language][month_number - 1][:3]} {year % 100:02}"
