"""The data of a report, its texts in one language, and what its sections have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from charter import kpi
from charter.calendar import OpeningHours
from charter.disclosure import Shown, cell
from charter.kpi import Thresholds
from charter.kpi_definitions import DEFINITIONS
from common.languages import Language, number_text
from measure.month import cells
from measure.month.cells import Calls
from measure.month.data import Data
from measure.month.document import Column, Section, Table, Value, value
from measure.month.figures import Figures
from measure.month.report_texts import TEXTS
from pages import localization


class About(NamedTuple):
    """The service that a report describes, and its settings."""

    service: str
    hours: OpeningHours
    thresholds: Thresholds
    language: Language
    questions: Mapping[str, Mapping[Language, str]] = MappingProxyType({})  # code -> its title
    scales: Mapping[str, kpi.Scale] = MappingProxyType({})  # code -> the worst and the best answer


class Sources:
    """What the sections of one report are built from."""

    def __init__(self, data: Data, calls: Calls, shown: Shown, about: About) -> None:
        self.data, self.calls, self.shown, self.about = data, calls, shown, about
        self.language, self.texts = about.language, TEXTS[about.language]
        self.code = data.month.code
        self.public = shown.rules is not None
        self.figures = Figures(data, shown)

    # --- figures

    def count(self, of: str, **codes: str) -> float:
        """A count of the whole month."""
        return self.figures.count(of, **codes)

    def due(self, promise: str, when: str, result: str = "") -> float:
        return self.shown.number(cell(f"due {promise}", when=when, result=result))

    def value(self, name: str, *, interval: bool = False) -> Value:
        return self.figures.value(name, interval=interval)

    def share(self, name: str, numerator: float, denominator: float, *, interval: bool = False) -> Value:
        return value(kpi.ratio(name, numerator, denominator), self.shown, interval=interval)

    def part(self, count: float, whole: float) -> Value:
        """A share that is not one of the measures."""
        if not whole:
            return Value(None, "share")
        return Value(count / whole if self.shown.rate_allowed(whole) else math.nan, "share")

    def by_frequency(self, codes: Iterable[str], *counts: Callable[[str], float]) -> list[str]:
        """The most frequent first; hidden counts last, by code, so that the order does not reveal them."""

        def place(code: str) -> tuple[tuple[bool, float], ...]:
            numbers = (count(code) for count in counts)
            return tuple((math.isnan(number), 0.0 if math.isnan(number) else -number) for number in numbers)

        return sorted(codes, key=lambda code: (place(code), code))

    # --- texts

    def title(self, name: str) -> str:
        return DEFINITIONS[name].title(self.language, **self.about.thresholds._asdict())

    def definition(self, name: str) -> str:
        return DEFINITIONS[name].text(self.language, **self.about.thresholds._asdict())

    def plain(self, count: float) -> str:
        return self.texts["hidden"] if math.isnan(count) else localization.number(count, self.language, 0)

    def topic(self, code: str) -> str:
        """The name of a topic, or its code if it has none."""
        if code == cells.UNKNOWN_TOPIC:
            return self.texts["unknown"]
        names = self.data.topics.get(code)
        return code if names is None else names[self.language]

    def question(self, code: str) -> str:
        """The title of a question of the survey, or its code if it has none."""
        title = self.about.questions.get(code)
        return code if title is None else title[self.language]

    def section(self, name: str, text: Sequence[str], *tables: Table) -> Section:
        filled = [table for table in tables if table.rows]
        paragraphs = [*text, *([] if filled else [self.texts["nothing"]])]
        return Section(name, self.texts[name], tuple(paragraphs), tuple(filled))

    def columns(self, *pairs: tuple[str, str]) -> tuple[Column, ...]:
        """Columns from pairs of code and text key; a key without a text is the label itself."""
        within = number_text(self.about.thresholds.within, self.language)
        return tuple(Column(code, self.texts.get(key, key).format(within=within)) for code, key in pairs)
