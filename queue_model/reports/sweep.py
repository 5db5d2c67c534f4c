"""A sweep as an HTML page: a heat map and a table of the points for each measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from charter.kpi import Thresholds
from charter.kpi_definitions import DEFINITIONS
from common.languages import Language
from pages import heat_map, html_page, localization
from queue_model.reports.texts import TEXTS
from queue_model.runs.sweep import SHORT_NAMES, Axis, Point, Setting, panels, varied_axes


def report(
    title: str, settings: Sequence[Setting], found: Sequence[Point], measures: Sequence[str], within: Thresholds,
    language: Language,
) -> str:  # fmt: skip
    """The page. `title`: of the base scenario; `measures`: those to show."""
    writer = Writer(settings, found, within, language)
    sections = [writer.measure(each) for each in measures]
    return html_page.report(title, language, list(writer.introduction()), sections, [writer.words["how"]])


def value_text(value: Any) -> str:
    """The value of a setting as text; a law or a list as in a scenario."""
    return localization.NOTHING if value is None else str(value)


class Writer:
    """The parts of the page of a sweep."""

    def __init__(
        self, settings: Sequence[Setting], found: Sequence[Point], within: Thresholds, language: Language
    ) -> None:
        self.settings, self.found, self.language, self.words = settings, found, language, TEXTS[language]
        self.within = within._asdict()
        self.names = list(dict.fromkeys(name for setting in settings for name in setting))

    def introduction(self) -> Iterator[str]:
        first = self.found[0]
        points, runs = (localization.number(each, self.language, 0) for each in (len(self.found), first.replications))
        seeds = ", ".join(str(each) for each in sorted({each.seed for each in self.found}))
        yield self.words["points asked"].format(
            ", ".join(map(self.name_of, self.names)), points=points, runs=runs, seed=seeds
        )
        yield self.words["same callers"]

    def name_of(self, name: str) -> str:
        """The name of a setting in the reader's language if it has a short name, or else its key."""
        short = next((each for each, path in SHORT_NAMES.items() if path == name), name)
        return self.words.get(f"set {short}", name)

    def measure(self, name: str) -> str:
        words, definition = self.words, DEFINITIONS[name]
        title = definition.title(self.language, **self.within)
        rows = [
            [
                *(value_text(setting.get(each)) for each in self.names),
                self.value(point, name),
                self.interval(point, name),
            ]
            for setting, point in zip(self.settings, self.found, strict=True)
        ]
        table = html_page.table(title, (*map(self.name_of, self.names), words["value"], words["interval"]), rows)
        text = [definition.text(self.language, **self.within)]
        drawn = self.drawn(name, title)
        return (
            html_page.section(title, text, table)
            if drawn is None
            else html_page.figure_section(title, text, drawn, [], table)
        )

    def value(self, point: Point, name: str) -> str:
        if name in point.no_steady_state:
            return self.words["unsteady"]
        return localization.figure(point.value(name), DEFINITIONS[name].kind, self.language)

    def interval(self, point: Point, name: str) -> str:
        estimate = point.measures.get(name)
        if estimate is None or name in point.no_steady_state:
            return localization.NOTHING
        return localization.interval(estimate, DEFINITIONS[name].kind, self.language)

    def drawn(self, name: str, title: str) -> str | None:
        """The heat map, scrollable if too wide; None if nothing was varied."""
        axes = varied_axes(self.settings)
        if not axes:
            return None
        axes = axes if len(axes) > 1 else [Axis("", [None]), *axes]
        maps = []
        for fixed, rows in panels(self.settings, axes):
            values = [[None if at is None else self.found[at].value(name) for at in row] for row in rows]
            said = [
                [localization.NOTHING if at is None else self.value(self.found[at], name) for at in row] for row in rows
            ]
            maps.append(
                heat_map.Panel(
                    ", ".join(f"{self.name_of(key)} = {value}" for key, value in fixed.items()), values, said
                )
            )
        down, across = axes[-2:]
        columns, lines = ([value_text(value) if each.name else "" for value in each.values] for each in (across, down))
        names = (self.name_of(each.name) if each.name else "" for each in (across, down))
        picture = heat_map.svg(title, next(names), columns, next(names), lines, maps, inline=True)
        return html_page.scrollable(picture, title)
