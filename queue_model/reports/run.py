"""The report of a run as an HTML page, in Italian or English, with a definition of every figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np

from charter.kpi_definitions import DEFINITIONS, PUBLISHED
from common.languages import Language
from pages import charts, colours, html_page, localization
from pages.html_page import Markup
from queue_model.reports.texts import TEXTS
from queue_model.runs.measures.estimates import Estimate
from queue_model.runs.measures.targets import Bound, Verdict
from queue_model.runs.replication import Result
from queue_model.runs.stability import UnstableQueue
from queue_model.runs.working_day import WorkingDay, open_slots

CARDS = ("service_level", "answer_rate", "wait_mean_answered", "abandonment", "occupancy")
QUANTILES = (5, 25, 50, 75, 95)
MARKS: dict[Verdict, tuple[str, str]] = {
    "holds": ("holds", colours.GREEN),
    "fails": ("fails", colours.RED),
    "too close to tell": ("unsure", colours.AMBER),
    "nothing to judge": ("unsure", colours.AMBER),
}


def report(
    result: Result, day: WorkingDay, bounds: Sequence[Bound], unsteady: Sequence[UnstableQueue], language: Language
) -> str:
    """The page. `result` must have been measured by half-hour (`parts`)."""
    writer = Writer(result, unsteady, language)
    sections = [
        writer.cards(),
        *(html_page.warning(each) for each in writer.warnings()),
        writer.promises(bounds),
        # A period of closed days has promises, but no working day to draw.
        *((writer.workload(day), writer.levels(), writer.fan()) if writer.slots else ()),
        writer.measures(),
    ]
    title, notes = result.study.scenario.title, [writer.words["how"]]
    drawn = [each for each in sections if each]
    return html_page.report(title, language, list(writer.introduction()), drawn, notes)


class Writer:
    """The parts of the page of a result."""

    def __init__(self, result: Result, unsteady: Sequence[UnstableQueue], language: Language) -> None:
        self.result, self.language, self.words = result, language, TEXTS[language]
        self.unsteady = unsteady
        self.lost = {name for each in unsteady for name in each.measures}
        self.within = result.measurer.thresholds._asdict()
        self.labels = result.measurer.labels("half-hour")
        self.slots = open_slots(result.study.period)
        self.shown = [self.labels[n] for n in self.slots]

    # figures
    def title(self, name: str) -> str:
        return DEFINITIONS[name].title(self.language, **self.within)

    def definition(self, name: str) -> str:
        return DEFINITIONS[name].text(self.language, **self.within)

    def value(self, name: str, estimate: Estimate | None) -> str:
        if name in self.lost:
            return self.words["unsteady"]
        return localization.figure(estimate.value if estimate else None, DEFINITIONS[name].kind, self.language)

    def interval(self, name: str, estimate: Estimate | None) -> str:
        if name in self.lost or estimate is None:
            return localization.NOTHING
        return localization.interval(estimate, DEFINITIONS[name].kind, self.language)

    def plain(self, value: float, digits: int = 1) -> str:
        return localization.number(value, self.language, digits)

    # parts of the page
    def introduction(self) -> Iterator[str]:
        period, words = self.result.study.period, self.words
        ends = (localization.day(each, self.language) for each in (period.first, period.date(period.days - 1)))
        yield words["period"].format(*ends, days=self.plain(period.days, 0), open=int(period.opens.sum()))
        runs, seed = self.plain(self.result.replications, 0), self.result.seed
        yield words["runs"].format(runs=runs, seed=seed, engine=self.result.engine)

    def cards(self) -> str:
        items = []
        for name in CARDS:
            estimate = self.result.estimate(name)
            range_ = self.interval(name, estimate)
            small = "" if range_ == localization.NOTHING else f'<span class="soft">{escape(range_)}</span>'
            figure = f"<strong>{escape(self.value(name, estimate))}</strong>"
            items.append(f"<li><span>{escape(self.title(name))}</span>{figure}{small}</li>")
        return f'<ul class="cards">{"".join(items)}</ul>'

    def warnings(self) -> Iterator[str]:
        for each in self.unsteady:
            yield self.words["grows"].format(", ".join(self.title(name) for name in each.measures))

    def promises(self, bounds: Sequence[Bound]) -> str:
        words = self.words
        if not bounds:
            return html_page.section(words["promises"], [words["no promises"]], "")
        rows, bars = [], []
        for bound in bounds:
            estimate = self.result.estimate(bound.measure)
            verdict: Verdict = "fails" if bound.measure in self.lost else bound.judge(estimate)
            mark, colour = MARKS[verdict]
            said = Markup(f'<span class="{mark}">{escape(words[verdict])}</span>')
            value, range_ = self.value(bound.measure, estimate), self.interval(bound.measure, estimate)
            title = self.title(bound.measure)
            note = Markup(f"{escape(title)}<small>{escape(words['wanted'])}: {escape(bound.text)}</small>")
            rows.append([note, value, range_, said])
            bars.append(self._bar(bound, estimate, colour, f"{value}: {words[verdict]}"))
        picture = charts.promises(words["promises"], bars)
        key = [(colours.ORANGE, "thin", words["wanted"]), ("#111", "thin", words["interval"])]
        head = (words["promise"], words["value"], words["interval"], words["verdict"])
        return html_page.figure_section(
            words["promises"],
            [words["promises say"]],
            picture,
            key,
            html_page.table(words["promises"], head, rows, long_headings=True),
            wide=True,
        )

    def _bar(self, bound: Bound, estimate: Estimate, colour: str, said: str) -> charts.PromiseBar:
        """The bar of a bound. Shares have an axis from 0 to 1; seconds one to twice the bound, or to the value."""
        kind = DEFINITIONS[bound.measure].kind
        ends = localization.bounded(estimate, kind)
        whole = 1.0 if kind == "share" else max(2 * bound.value, *(ends or ()), estimate.value or 0.0)
        value = None if estimate.value is None or bound.measure in self.lost else estimate.value / whole
        scaled = None if value is None or ends is None else (ends[0] / whole, ends[1] / whole)
        title = self.title(bound.measure)
        return charts.PromiseBar(title, value, scaled, bound.value / whole, colour, f"{said} ({bound.text})")

    def workload(self, day: WorkingDay) -> str:
        words = self.words
        days = max(1, int(self.result.study.period.opens.sum())) * self.result.replications
        offered = self.result.part("half-hour", "service_level")
        staff, calls, other = (
            [float(each[n]) for n in self.slots] for each in (day.at_work, day.on_calls, day.on_other)
        )
        rows = [
            [label, self.plain(offered[label].denominator / days if label in offered else 0.0),
             *(self.plain(each[n]) for each in (calls, other, staff))]
            for n, label in enumerate(self.shown)
        ]  # fmt: skip
        picture = charts.workload(words["load"], self.shown, staff, calls, other, self._count)
        head = (words["from"], words["calls"], words["busy calls"], words["busy other"], words["staff"])
        key = [
            (colours.ORANGE, "thin", words["staff"]), (colours.DARK, "bar", words["busy calls"]),
            (colours.LIGHT, "bar", words["busy other"]),
        ]  # fmt: skip
        text = [words["load say"].format(runs=day.replications)]
        return html_page.figure_section(
            words["load"], text, picture, key, html_page.table(words["load table"], head, rows)
        )

    def levels(self) -> str:
        words, name = self.words, PUBLISHED
        if name in self.lost:
            return ""
        found: Mapping[str, Estimate] = self.result.part("half-hour", name)
        goal = self.result.study.scenario.targets.service_level
        each = [found.get(label) for label in self.shown]
        ends = [localization.bounded(one, "share") if one else None for one in each]
        picture = charts.levels(
            self.title(name), self.shown, [one.value if one else None for one in each], ends, goal, self._share
        )
        rows = [
            [label, self.value(name, one), self.interval(name, one)]
            for label, one in zip(self.shown, each, strict=True)
        ]
        key = [(colours.DARK, "bar", words["value"]), (colours.DARK, "thin", words["interval"])]
        key += [(colours.ORANGE, "thin", words["wanted"])] if goal is not None else []
        side = html_page.table(self.title(name), (words["from"], words["value"], words["interval"]), rows)
        return html_page.figure_section(
            words["levels"], [self.definition(name), words["levels say"]], picture, key, side
        )

    def fan(self) -> str:
        words, name = self.words, "wait_mean_all"
        if name in self.lost:
            return ""
        quantiles = self._quantiles(name)
        picture = charts.fan(words["fan"], self.shown, quantiles, self._seconds)
        rows = [
            [label, *(self.plain(row[n]) for n in (2, 1, 3, 0, 4))]
            for label, row in zip(self.shown, quantiles, strict=True)
        ]
        head = (words["from"], words["median"], "25 %", "75 %", "5 %", "95 %")
        key = [
            (colours.DARK, "thin", words["median"]), (colours.LIGHT, "bar", words["half"]),
            (colours.PALE, "bar", words["most"]),
        ]  # fmt: skip
        side = html_page.table(words["fan table"], head, rows)
        return html_page.figure_section(words["fan"], [words["fan say"], self.definition(name)], picture, key, side)

    def _quantiles(self, name: str) -> list[list[float]]:
        """Quantiles over replications, [half-hour][quantile]; 0 if nobody queued."""
        pairs = [each.parts["half-hour"][name] for each in self.result.sums]
        top, bottom = (np.array([pair[side] for pair in pairs], dtype=np.float64)[:, self.slots] for side in (0, 1))
        means = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        return [[float(each) for each in row] for row in np.percentile(means, QUANTILES, axis=0).T]

    def measures(self) -> str:
        rows = []
        for name, estimate in self.result.estimates().items():
            mark = f" ({self.words['published']})" if name == PUBLISHED else ""
            head = f"{escape(self.title(name) + mark)}<small>{escape(self.definition(name))}</small>"
            rows.append([Markup(head), self.value(name, estimate), self.interval(name, estimate)])
        head_row = (self.words["measure"], self.words["value"], self.words["interval"])
        return html_page.section(
            self.words["measures"],
            [self.words["measures say"]],
            html_page.table(self.words["measures"], head_row, rows, long_headings=True),
        )

    # marks of the axes
    def _count(self, value: float) -> str:
        return self.plain(value, 0 if value == int(value) else 1)

    def _share(self, value: float) -> str:
        return f"{self._count(round(100 * value, 6))} %"

    def _seconds(self, value: float) -> str:
        return f"{self._count(round(value, 6))} s"
