"""A comparison as an HTML page: the ranking, then each scenario compared with the first, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from charter.kpi_definitions import DEFINITIONS
from common.italian import Inserted
from common.languages import Language
from pages import charts, colours, forest_plot, html_page, localization
from pages.html_page import Markup
from queue_model.reports.texts import TEXTS
from queue_model.runs.compare import NEITHER, Comparison, Difference, more_is_better
from queue_model.runs.measures.estimates import CONFIDENCE

KINDS = ("share", "seconds")


def report(found: Comparison, called: Sequence[str], measures: Sequence[str], rank: str, language: Language) -> str:
    """The page. `called`: names of the scenarios; `measures`: those to compare; `rank`: the measure of the ranking."""
    writer = Writer(found, called, language)
    title = writer.words["comparison"].format(", ".join(called))
    sections = [
        *(html_page.warning(each) for each in writer.warnings()),
        writer.ranking(rank),
        *(writer.against_first(second, measures) for second in range(1, len(called))),
        writer.definitions(list(dict.fromkeys((rank, *measures)))),
    ]
    return html_page.report(title, language, list(writer.introduction()), sections, list(writer.notes()))


class Writer:
    """The parts of the page of a comparison."""

    def __init__(self, found: Comparison, called: Sequence[str], language: Language) -> None:
        self.found, self.called, self.language, self.words = found, called, language, TEXTS[language]
        self.within = found.results[0].measurer.thresholds._asdict()

    # words
    def title(self, measure: str) -> str:
        return DEFINITIONS[measure].title(self.language, **self.within)

    def introduction(self) -> Iterator[str]:
        first = self.found.results[0]
        for name, result in zip(self.called, self.found.results, strict=True):
            period = result.study.period
            ends = (localization.day(each, self.language) for each in (period.first, period.date(period.days - 1)))
            days = localization.number(period.days, self.language, 0)
            when = self.words["period"].format(*ends, days=days, open=int(period.opens.sum()))
            yield f"{name}: {result.study.scenario.title}. {when}"
        runs = localization.number(first.replications, self.language, 0)
        said = self.words["runs of each"].format(runs=runs, seed=first.seed, engine=first.engine)
        yield f"{said} {self.words['same callers']}"

    def warnings(self) -> Iterator[str]:
        for name, lost in zip(self.called, self.found.no_steady_state, strict=True):
            if lost:
                yield f"{name}: {self.words['grows'].format(', '.join(map(self.title, lost)))}"

    def notes(self) -> Iterator[str]:
        if self.found.pairs > 1:
            each, together = (
                Inserted(localization.figure(value, "share", self.language, digits))
                for value, digits in ((self.found.confidence, 2), (CONFIDENCE, 0))
            )
            yield self.words["together"].format(each=each, pairs=self.found.pairs, together=together)
        yield self.words["how"]

    # figures
    def value(self, scenario: int, measure: str) -> str:
        if measure in self.found.no_steady_state[scenario]:
            return self.words["unsteady"]
        return localization.figure(self.found.value(scenario, measure), DEFINITIONS[measure].kind, self.language)

    def change(self, value: float | None, kind: str) -> str:
        """A difference with its sign, in percentage points or seconds."""
        if value is None:
            return localization.NOTHING
        return f"{self._signed(value, kind)}\N{NO-BREAK SPACE}{self._unit(kind)}"

    def span(self, apart: Difference) -> str:
        if apart.low is None or apart.high is None:
            return localization.NOTHING
        kind = DEFINITIONS[apart.measure].kind
        low, high = (self._signed(each, kind) for each in (apart.low, apart.high))
        return f"{low} … {high}\N{NO-BREAK SPACE}{self._unit(kind)}"

    def _signed(self, value: float, kind: str) -> str:
        scaled = 100 * value if kind == "share" else value
        said = localization.number(abs(scaled), self.language)
        sign = "+" if scaled > 0 else "\N{MINUS SIGN}"
        return said if float(f"{scaled:.1f}") == 0 else f"{sign}{said}"

    def _unit(self, kind: str) -> str:
        return self.words["points"] if kind == "share" else "s"

    # parts of the page
    def ranking(self, measure: str) -> str:
        words, places = self.words, self.found.ranking(measure)
        rows = []
        for each in places:
            place = str(each.best) if each.best == each.worst else f"{each.best}–{each.worst}"
            estimate = self.found.results[each.scenario].estimate(measure)
            interval = localization.interval(estimate, DEFINITIONS[measure].kind, self.language)
            rows.append([self.called[each.scenario], place, self.value(each.scenario, measure), interval])
        bars = [(self.called[each.scenario], each.value, self.value(each.scenario, measure)) for each in places]
        head = (words["scenario"], words["place"], words["value"], words["interval"])
        text = [DEFINITIONS[measure].text(self.language, **self.within)]
        for apart in self.found.undecided(measure):
            names = (self.called[each] for each in (apart.first, apart.second))
            text.append(words["undecided"].format(*names, self.span(apart)))
        heading = f"{words['ranking']}: {self.title(measure)}"
        whole = 1.0 if DEFINITIONS[measure].kind == "share" else None
        return html_page.figure_section(
            heading, text, charts.ranked(heading, bars, whole), [], html_page.table(heading, head, rows)
        )

    def against_first(self, second: int, measures: Sequence[str]) -> str:
        words = self.words
        apart = [self.found.difference(measure, 0, second) for measure in measures]
        heading = words["against"].format(self.called[second], self.called[0])
        rows = []
        for each in apart:
            mark = f'<span class="{_mark(each)[0]}">{escape(words[each.verdict])}</span>'
            rows.append([
                self.title(each.measure), self.value(0, each.measure), self.value(second, each.measure),
                self.change(each.value, DEFINITIONS[each.measure].kind), self.span(each), Markup(mark),
            ])  # fmt: skip
        head = (
            words["measure"],
            self.called[0],
            self.called[second],
            words["difference"],
            words["interval"],
            words["verdict"],
        )
        key = [(colours.GREEN, "bar", words["better"]), (colours.RED, "bar", words["worse"])]
        key += [(colours.AMBER, "bar", words["cannot tell"]), (colours.SOFT, "bar", words["neither"])]
        drawn = "".join(self._drawn(heading, apart, kind) for kind in KINDS)
        table = html_page.table(heading, head, rows, long_headings=True)
        return html_page.figure_section(heading, [words["against say"]], drawn, key, table, wide=True)

    def _drawn(self, heading: str, apart: Sequence[Difference], kind: str) -> str:
        """The differences of one kind: points and seconds need separate scales."""
        rows = [
            forest_plot.Row(
                self.title(each.measure), each.value,
                None if each.low is None or each.high is None else (each.low, each.high),
                _mark(each)[1], self.change(each.value, kind),
            )
            for each in apart if DEFINITIONS[each.measure].kind == kind and each.value is not None
        ]  # fmt: skip
        title = f"{heading} ({self._unit(kind)})"
        return forest_plot.forest_plot(title, rows, lambda value: self._mark_label(value, kind)) if rows else ""

    def _mark_label(self, value: float, kind: str) -> str:
        """A mark of the scale, with decimals only if needed."""
        scaled = round(100 * value if kind == "share" else value, 9)
        sign = "+" if scaled > 0 else "\N{MINUS SIGN}" if scaled else ""
        digits = 0 if scaled == int(scaled) else 2
        return f"{sign}{localization.number(abs(scaled), self.language, digits)} {self._unit(kind)}"

    def definitions(self, measures: Sequence[str]) -> str:
        """The definition of each measure."""
        texts = ((self.title(each), DEFINITIONS[each].text(self.language, **self.within)) for each in measures)
        rows = [[Markup(f"{escape(title)}<small>{escape(text)}</small>")] for title, text in texts]
        heading = self.words["measures"]
        table = html_page.table(heading, (self.words["measure"],), rows)
        return html_page.section(heading, [self.words["measures say"]], table)


def _mark(apart: Difference) -> tuple[str, str]:
    """The style and colour of a verdict: better, worse, neither or uncertain."""
    if apart.verdict in ("cannot tell", "nothing to compare"):
        return "unsure", colours.AMBER
    if apart.verdict == "the same" or apart.measure in NEITHER:
        return "soft", colours.SOFT
    good = (apart.verdict == "higher") == more_is_better(apart.measure)
    return ("holds", colours.GREEN) if good else ("fails", colours.RED)
