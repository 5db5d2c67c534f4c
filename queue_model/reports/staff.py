"""A staffing as an HTML page: the people by half-hour, one day compared with formulas, too few seats, total hours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charter.kpi_definitions import DEFINITIONS
from common.italian import Inserted
from common.languages import Language
from pages import charts, colours, heat_map, html_page, localization
from queue_model.planning.staffing import Staffing
from queue_model.planning.staffing_trials import Goal
from queue_model.planning.weekly_half_hours import STEP, Counts, clock
from queue_model.reports.texts import TEXTS


def report(found: Staffing, day: int, language: Language) -> str:
    """The page. `day`: the weekday to compare with the formulas, 0 = Monday."""
    writer = Writer(found, language)
    sections = [writer.week(), *writer.binding(), writer.day(day), writer.totals()]
    introduction, notes = list(writer.introduction()), list(writer.notes())
    return html_page.report(found.study.scenario.title, language, introduction, sections, notes)


class Writer:
    """The parts of the page of a staffing."""

    def __init__(self, found: Staffing, language: Language) -> None:
        self.found, self.language, self.words = found, language, TEXTS[language]
        targets = found.study.scenario.targets
        self.within = {"within": targets.within, "short": targets.short}

    def title(self, measure: str) -> str:
        return DEFINITIONS[measure].title(self.language, **self.within)

    def plain(self, value: float, digits: int = 1) -> str:
        return localization.number(value, self.language, digits)

    def figure(self, measure: str, cell: int) -> str:
        """A measure of a half-hour with its interval."""
        estimate = self.found.levels.estimate(measure, cell)
        kind = DEFINITIONS[measure].kind
        interval = localization.interval(estimate, kind, self.language)
        value = localization.figure(estimate.value, kind, self.language)
        return value if interval == localization.NOTHING else f"{value} ({interval})"

    def ways(self) -> dict[str, Counts]:
        """The staffing by method."""
        rules = self.found.formulas
        names = (self.words["simulation"], "Erlang C", "Erlang A", self.words["square root"])
        return dict(zip(names, (self.found.staff, rules.erlang_c, rules.erlang_a, rules.square_root), strict=True))

    # parts of the page
    def introduction(self) -> Iterator[str]:
        found, period = self.found, self.found.study.period
        goals = "; ".join(self._goal(goal) for goal in found.goals)
        default = "" if found.targets_given else f" {self.words['usual target']}"
        yield f"{self.words['wanted everywhere']}: {goals}.{default}"
        ends = (localization.day(each, self.language) for each in (period.first, period.date(period.days - 1)))
        yield self.words["period"].format(*ends, days=self.plain(period.days, 0), open=int(period.opens.sum()))
        yield self.words["runs of each"].format(
            runs=self.plain(found.replications, 0), seed=found.seed, engine=found.engine
        )

    def _goal(self, goal: Goal) -> str:
        value = localization.figure(goal.value, DEFINITIONS[goal.measure].kind, self.language)
        return f"{self.title(goal.measure)} {'≥' if goal.at_least else '≤'} {value}"

    def notes(self) -> Iterator[str]:
        yield self.words["proved"].format(
            tried=self.plain(self.found.tried, 0), proved=self.plain(self.found.proved, 0)
        )
        yield self.words["formulas"]
        yield self.words["how"]

    def week(self) -> str:
        """People at work, with weekdays as columns and half-hours as rows."""
        cells, words = self.found.cells, self.words
        days, slots = cells.weekdays, sorted(set(cells.slot.tolist()))
        place = {(int(d), int(s)): n for n, (d, s) in enumerate(zip(cells.weekday, cells.slot, strict=True))}
        names, labels = [localization.DAYS[self.language][day] for day in days], [clock(slot * STEP) for slot in slots]
        at = [[place.get((day, slot)) for day in days] for slot in slots]
        values = [[None if n is None else float(self.found.staff[n]) for n in row] for row in at]
        said = [[self._marked(n) for n in row] for row in at]
        picture = heat_map.svg(
            words["week of people"], "", names, "", labels, [heat_map.Panel("", values, said)], inline=True
        )
        hours = self.found.week_seconds() * self.found.staff / 3600
        rows = [[label, *row] for label, row in zip(labels, said, strict=True)]
        rows.append([words["hours"], *(self.plain(hours[cells.weekday == day].sum()) for day in days)])
        table = html_page.table(words["week of people"], (words["from"], *names), rows)
        text = [words["week of people say"], *([words["marked"]] if self.found.binding.any() else [])]
        return html_page.figure_section(
            words["week of people"], text, html_page.scrollable(picture, words["week of people"]), [], table
        )

    def _marked(self, cell: int | None) -> str:
        if cell is None:
            return localization.NOTHING
        return f"{self.found.staff[cell]}{'!' if self.found.binding[cell] else ''}"

    def binding(self) -> Iterator[str]:
        """The half-hours with too few seats, if there are any."""
        found, words = self.found, self.words
        if not found.binding.any():
            return
        measures = [goal.measure for goal in found.goals]
        rows = [
            [self._name(cell), str(found.unlimited[cell]), *(self.figure(each, cell) for each in measures),
             words["missed target" if found.failing[cell] else "met with help"]]
            for cell in np.flatnonzero(found.binding).tolist()
        ]  # fmt: skip
        heading = words["seats bind"].format(Inserted(found.seats))
        head = (words["time"], words["people wanted"], *(self.title(each) for each in measures), words["verdict"])
        yield html_page.section(
            heading, [words["seats bind say"]], html_page.table(heading, head, rows, long_headings=True)
        )

    def _name(self, cell: int) -> str:
        cells = self.found.cells
        return f"{localization.DAYS[self.language][cells.weekday[cell]]} {clock(int(cells.slot[cell]) * STEP)}"

    def day(self, day: int) -> str:
        """One weekday compared with the formulas."""
        found, words, rules = self.found, self.words, self.found.formulas
        mine = np.flatnonzero(found.cells.weekday == day).tolist()
        labels = [clock(int(found.cells.slot[cell]) * STEP) for cell in mine]
        heading = words["day of people"].format(localization.DAYS[self.language][day])
        rows = []
        for label, cell in zip(labels, mine, strict=True):
            counts = [str(each[cell]) if each[cell] >= 0 else localization.NOTHING for each in self.ways().values()]
            level = self.figure("service_level", cell)
            rows.append([label, self.plain(rules.calls[cell]), self.plain(rules.load[cell]), *counts, level])
        head = (words["from"], words["calls"], words["erlangs"], *self.ways(), self.title("service_level"))
        staff, load = ([float(each[cell]) for cell in mine] for each in (found.staff, rules.load))
        picture = charts.workload(heading, labels, staff, load, [0.0] * len(mine), lambda value: self.plain(value, 0))
        key = [(colours.ORANGE, "thin", words["staff"]), (colours.DARK, "bar", words["busy calls"])]
        table = html_page.table(heading, head, rows)
        return html_page.figure_section(heading, [words["day of people say"]], picture, key, table, wide=True)

    def totals(self) -> str:
        rows = []
        for name, counts in self.ways().items():
            known = counts >= 0
            hours = self.plain(self.found.hours(counts)) if known.all() else localization.NOTHING
            rows.append([name, hours, str(np.count_nonzero(counts != self.found.staff))])
        heading = self.words["hours of a week"]
        head = (self.words["method"], self.words["hours"], self.words["differ"])
        return html_page.section(heading, [], html_page.table(heading, head, rows))
