"""A report as sections of tables of values, independent of its output format."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from charter.disclosure import Shown
from charter.kpi import Figure, wilson
from common.languages import Language

Kind = Literal["count", "share", "seconds", "days"]


class Value(NamedTuple):
    """A number: None if there was nothing to measure, NaN if hidden. A share is 0 to 1."""

    number: float | None
    kind: Kind = "count"
    low: float | None = None  # the limits of its 95 % interval
    high: float | None = None

    @property
    def hidden(self) -> bool:
        return self.number is not None and math.isnan(self.number)

    @property
    def known(self) -> bool:
        return self.number is not None and not math.isnan(self.number)


class Column(NamedTuple):
    code: str  # the same in every language
    label: str


class Row(NamedTuple):
    code: str
    label: str
    values: tuple[Value, ...]
    note: str = ""  # the definition


class Table(NamedTuple):
    name: str
    caption: str
    corner: str  # the heading of the rows
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Section(NamedTuple):
    """Tables under one heading; the chart, if there is one, shows the first."""

    name: str
    heading: str
    text: tuple[str, ...]
    tables: tuple[Table, ...]


class Document(NamedTuple):
    name: str  # of its files: month-2026-10
    title: str
    language: Language
    facts: dict[str, str | int | float]  # month, audience, threshold, ...: for programs
    lead: tuple[str, ...]
    cards: tuple[Row, ...]
    sections: tuple[Section, ...]
    foot: tuple[str, ...]

    def find(self, name: str) -> Table:
        """The table of that name. KeyError."""
        return {table.name: table for section in self.sections for table in section.tables}[name]


def value(figure: Figure, shown: Shown, *, interval: bool = False) -> Value:
    """A figure as far as it may be shown: hidden if its denominator is hidden or too small."""
    kind: Kind = "seconds" if figure.definition.kind == "seconds" else "share"
    if figure.value is None and not math.isnan(figure.denominator):
        return Value(None, kind)
    if figure.value is None or math.isnan(figure.value) or not shown.rate_allowed(figure.denominator):
        return Value(math.nan, kind)
    ends = wilson(figure) if interval and kind == "share" else None
    return Value(figure.value, kind, *(ends or (None, None)))


def mean(figure: Figure, count: float, shown: Shown) -> Value:
    """A mean of at least `count` values, a count that is shown; NaN: it is not shown, and neither is the mean.

    For the public in whole seconds, because the decimals of a quotient can reveal its denominator.
    """
    if figure.value is None:
        return _no_value(count, shown)
    if not shown.rate_allowed(count):
        return Value(math.nan, "seconds")
    return Value(figure.value if shown.rules is None else float(round(figure.value)), "seconds")


def percentile(figure: Figure, percent: int, count: float, shown: Shown) -> Value:
    """A percentile, shown if enough values lie on either side of it; `count` as in `mean`."""
    if figure.value is None:
        return _no_value(count, shown)
    return Value(figure.value if shown.percentile_allowed(count, percent) else math.nan, "seconds")


def _no_value(count: float, shown: Shown) -> Value:
    """No values: shown as such if the count is shown."""
    return Value(math.nan if shown.rules is not None and math.isnan(count) else None, "seconds")
