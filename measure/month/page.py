"""The month's report as one HTML page, with every chart beside its table. See `pages.html_page`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from common.languages import number_text
from measure.month.document import Document, Row, Section, Table, Value
from measure.month.report_texts import TEXTS
from pages import charts, html_page, localization
from pages.colours import AMBER, DARK, GRID, LIGHT, ORANGE, PALE, PLUM, SOFT
from pages.html_page import Markup

Key = list[tuple[str, str, str]]
LONG = {"measures", "promises", "survey"}  # tables with sentences as row headers, or with intervals
MAX_BESIDE = 5  # columns of a table beside its chart
MAX_DRAWN = 10  # topics in a chart; the table has all


def page(document: Document) -> str:
    """The page as HTML."""
    writer = Writer(document)
    sections = [writer.cards(), *(writer.section(each) for each in document.sections)]
    return html_page.report(document.title, document.language, list(document.lead), sections, list(document.foot))


class Writer:
    """The parts of the page."""

    def __init__(self, document: Document) -> None:
        self.document, self.language = document, document.language
        self.texts = TEXTS[document.language]
        self.within = number_text(float(document.facts["within_seconds"]), self.language)
        self.charts: dict[str, Callable[[Table], tuple[str, Key]]] = {
            "half-hours": self.ends, "days": self.ends, "levels": self.levels, "waits": self.waits,
            "needs": self.needs, "trend": self.trend, "promises": self.promises, "survey": self.survey,
        }  # fmt: skip

    def cards(self) -> str:
        items = (
            f"<li><span>{escape(row.label)}</span><strong>{escape(self.value(row.values[0]))}</strong></li>"
            for row in self.document.cards
        )
        return f'<ul class="cards">{"".join(items)}</ul>'

    def section(self, section: Section) -> str:
        tables = [self.table(each) for each in section.tables]
        draw = self.charts.get(section.name)
        if not tables or draw is None:
            return html_page.section(section.heading, section.text, "".join(tables))
        chart, key = draw(section.tables[0])
        wide = len(section.tables[0].columns) > MAX_BESIDE or any(row.note for row in section.tables[0].rows)
        whole = html_page.figure_section(section.heading, section.text, chart, key, tables[0], wide=wide)
        return whole.removesuffix("</section>") + "".join(tables[1:]) + "</section>"

    def table(self, table: Table) -> str:
        head = [table.corner, *(each.label for each in table.columns)]
        rows = [[self.head(row), *(self.cell(each) for each in row.values)] for row in table.rows]
        return html_page.table(table.caption, head, rows, long_headings=table.name in LONG)

    def head(self, row: Row) -> str:
        note = f"<small>{escape(row.note)}</small>" if row.note else ""
        return Markup(f"{escape(row.label)}{note}")

    def cell(self, value: Value) -> str:
        """A value, with its interval in small print below it."""
        if not value.known or value.low is None or value.high is None:
            return self.value(value)
        ends = localization.interval(value, value.kind, self.language)
        return Markup(f'{escape(self.value(value))}<small class="soft">{escape(ends)}</small>')

    def value(self, value: Value) -> str:
        if value.number is None:
            return localization.NOTHING
        return self.texts["hidden"] if value.hidden else localization.amount(value.number, value.kind, self.language)

    # charts
    def ends(self, table: Table) -> tuple[str, Key]:
        def column(code: str) -> list[float | None]:
            return [_number(each) for each in _column(table, code)]

        offered, answered, good = (column(code) for code in ("offered", "answered", "in-time"))
        later = [None if a is None or b is None else a - b for a, b in zip(answered, good, strict=True)]
        others = [column(code) for code in ("abandoned", "voicemail", "refused")]
        parts = list(zip((DARK, LIGHT, ORANGE, SOFT, PLUM), (good, later, *others), strict=True))
        names = ["answered in time", "answered later", "abandoned", "voicemail", "refused"]
        rest = [
            None if whole is None or None not in some else whole - sum(each or 0.0 for each in some)
            for whole, *some in zip(offered, good, later, *others, strict=True)
        ]
        if any(rest):  # hidden counts, so that the bars have their full height
            parts, names = [*parts, (GRID, rest)], [*names, "hidden"]
        key = [
            (colour, "bar", self.texts[name].format(within=self.within))
            for (colour, _), name in zip(parts, names, strict=True)
        ]
        labels = [row.label.split()[-1] for row in table.rows]
        return charts.stacked(table.caption, labels, parts, self._count), key

    def levels(self, table: Table) -> tuple[str, Key]:
        values = _column(table, "service_level")
        ends = [localization.bounded(each, "share") if each.known else None for each in values]
        labels = [row.label for row in table.rows]
        drawn = charts.levels(table.caption, labels, [_number(each) for each in values], ends, None, self._share)
        return drawn, [(DARK, "bar", self.texts["value"]), (DARK, "thin", self.texts["interval"])]

    def waits(self, table: Table) -> tuple[str, Key]:
        rows: list[Sequence[float] | None] = []
        for row in table.rows:
            numbers = {column.code: _number(each) for column, each in zip(table.columns, row.values, strict=True)}
            ordered = [numbers[name] for name in ("p5", "p25", "p50", "p75", "p95")]
            known = [each for each in ordered if each is not None]
            rows.append(known if len(known) == len(ordered) else None)
        drawn = charts.fan(table.caption, [row.label for row in table.rows], rows, self._seconds)
        texts = self.texts
        key = [(DARK, "thin", texts["median"]), (LIGHT, "bar", texts["half"]), (PALE, "bar", texts["most"])]
        return drawn, key

    def needs(self, table: Table) -> tuple[str, Key]:
        rows = [(row.label, _number(row.values[0]), self.value(row.values[0])) for row in table.rows[:MAX_DRAWN]]
        return charts.ranked(table.caption, rows), []

    def trend(self, table: Table) -> tuple[str, Key]:
        drawn = [*table.rows[:-1][:MAX_DRAWN], table.rows[-1]]
        rows = [(row.label, [_number(each) for each in row.values], self.value(row.values[-1])) for row in drawn]
        labels = [each.label for each in table.columns]
        return charts.months(table.caption, rows, (labels[0], labels[-1])), []

    def promises(self, table: Table) -> tuple[str, Key]:
        rows = []
        for row in table.rows:
            _, _, share, target = row.values
            number, goal = _number(share), _number(target)
            colour = SOFT if number is None or goal is None else DARK if number >= goal else AMBER
            ends = localization.bounded(share, "share") if share.known else None
            label = f"{self.value(share)} ({self.texts['target']}: {self.value(target)})"
            rows.append(charts.PromiseBar(row.label, number, ends, goal or 0.0, colour, label))
        texts = self.texts
        key = [
            (DARK, "bar", texts["share kept"]),
            (AMBER, "bar", texts["share missed"]),
            ("#111", "thin", texts["interval"]),
            (ORANGE, "thin", texts["target"]),
        ]
        return charts.promises(table.caption, rows), key

    def survey(self, table: Table) -> tuple[str, Key]:
        rows = [(row.label, _number(row.values[-1]), self.value(row.values[-1])) for row in table.rows]
        return charts.ranked(table.caption, rows, 1.0), []

    # axis labels
    def _count(self, value: float) -> str:
        return localization.number(value, self.language, 0 if value == int(value) else 1)

    def _share(self, value: float) -> str:
        return f"{self._count(round(100 * value, 6))} %"

    def _seconds(self, value: float) -> str:
        return f"{self._count(round(value, 6))} s"


def _column(table: Table, code: str) -> list[Value]:
    place = [each.code for each in table.columns].index(code)
    return [row.values[place] for row in table.rows]


def _number(value: Value) -> float | None:
    return value.number if value.known else None
