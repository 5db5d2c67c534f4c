"""A rota as an HTML page: what is not covered, the check by simulation, and a Gantt chart and table of each week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from charter.calendar import WEEKDAYS
from charter.kpi_definitions import DEFINITIONS
from common.languages import Language
from pages import colours, html_page, localization
from pages.html_page import Markup
from queue_model.planning.rota import Duty, Rota
from queue_model.planning.rota_check import RotaCheck
from queue_model.planning.weekly_half_hours import clock
from queue_model.reports import gantt
from queue_model.reports.run import MARKS
from queue_model.reports.texts import TEXTS


def report(rota: Rota, checked: RotaCheck, language: Language) -> str:
    """The page."""
    words = TEXTS[language]
    ends = [localization.day(each, language) for each in (rota.days[0], rota.days[-1])]
    summary = words["rota say"].format(
        people=len(rota.force.people), shifts=len(rota.duties), hours=localization.number(rota.hours, language)
    )
    title = f"{rota.force.title}: {words['rota'].format(*ends)}"
    sections = [
        *_shortages(rota, language),
        _check(checked, language),
        *(_week(rota, days, language) for days in weeks(rota.days)),
    ]
    return html_page.report(title, language, [f"{rota.study.scenario.title}. {summary}"], sections)


def weeks(days: Sequence[date]) -> list[list[date]]:
    """The open days by week."""
    by_week: dict[tuple[int, int], list[date]] = {}
    for day in days:
        by_week.setdefault(day.isocalendar()[:2], []).append(day)
    return list(by_week.values())


def _week(rota: Rota, days: list[date], language: Language) -> str:
    words, people = TEXTS[language], list(rota.force.people)
    duties = [duty for duty in rota.duties if duty.day in days]
    heads = [f"{localization.DAYS[language][day.weekday()]} {localization.day_number(day, language)}" for day in days]
    heading = words["week"].format(localization.day(days[0], language))
    fills = gantt.colours(list(rota.force.shifts))
    picture = gantt.week(heading, people, days, heads, duties, fills)
    duty_of = {(duty.person, duty.day): duty for duty in duties}
    rows = [
        [code, *(_cell(duty_of.get((code, day)), words["rest"]) for day in days), _hours(code, duties, language)]
        for code in people
    ]
    key = [(colour, "bar", kind) for kind, colour in fills.items()] + [(colours.LIGHT, "bar", words["break"])]
    marks = "".join(f'<li><i style="background:{colour}"></i>{escape(text)}</li>' for colour, _, text in key)
    table = html_page.table(heading, (words["person"], *heads, words["hours"]), rows)
    figure = f'<figure>{html_page.scrollable(picture, heading)}<ul class="key">{marks}</ul></figure>'
    return html_page.section(heading, [], f"{figure}{table}")


def _cell(duty: Duty | None, rest: str) -> str:
    if duty is None:
        return rest
    shift = duty.pattern.shift
    pauses = " ".join(f"{clock(begin)}–{clock(end)}" for begin, end in duty.pattern.breaks)
    small = f' <small class="soft">{escape(pauses)}</small>' if pauses else ""
    return Markup(f"{clock(shift.start)}–{clock(shift.end)}{small}")


def _hours(code: str, duties: Sequence[Duty], language: Language) -> str:
    return localization.number(sum(duty.pattern.shift.minutes for duty in duties if duty.person == code) / 60, language)


def _shortages(rota: Rota, language: Language) -> Iterator[str]:
    """The shortages and open shifts, if there are any."""
    words = TEXTS[language]
    if not rota.shortages and not rota.open_shifts:
        return
    inside = ""
    if rota.shortages:
        rows = [
            [
                _day(each.day, language),
                f"{clock(each.start)}–{clock(each.until)}",
                str(each.required),
                str(each.planned),
            ]
            for each in rota.shortages
        ]
        inside += html_page.table(
            words["short say"], (words["day"], words["time"], words["required"], words["planned"]), rows
        )
    if rota.open_shifts:
        rows = [
            [_day(day, language), str(shift), str(count)] for (day, shift), count in sorted(rota.open_shifts.items())
        ]
        inside += html_page.table(words["open"], (words["day"], words["time"], words["people"]), rows)
    yield html_page.section(words["short"], [], inside)


def _day(day: date, language: Language) -> str:
    return f"{localization.DAYS[language][day.weekday()]} {localization.day(day, language)}"


def _check(checked: RotaCheck, language: Language) -> str:
    """The verdict on each target, and the half-hours that miss it."""
    words, within = TEXTS[language], checked.result.measurer.thresholds._asdict()
    rows, missed = [], []
    for each in checked.verdicts:
        kind = DEFINITIONS[each.goal.measure].kind
        mark, verdict = MARKS[each.verdict][0], words[each.verdict]
        definition = DEFINITIONS[each.goal.measure]
        sign = "≥" if each.goal.at_least else "≤"
        name, text = (getattr(definition, part)(language, **within) for part in ("title", "text"))
        rows.append([
            Markup(f"{escape(name)}<small>{escape(text)}</small>"),
            f"{sign} {localization.figure(each.goal.value, kind, language)}",
            localization.figure(each.whole.value, kind, language),
            localization.interval(each.whole, kind, language), Markup(f'<span class="{mark}">{escape(verdict)}</span>'),
        ])  # fmt: skip
        missed += [
            [_label(label, language), name, localization.figure(one.value, kind, language)]
            for label, one in each.missed
        ]
    head = (words["measure"], words["wanted"], words["value"], words["interval"], words["verdict"])
    inside = html_page.table(words["checked"], head, rows, long_headings=True)
    if missed:
        inside += html_page.table(words["missed"], (words["from"], words["measure"], words["value"]), missed)
    return html_page.section(words["checked"], [words["checked say"]], inside)


def _label(label: str, language: Language) -> str:
    """`monday 10:30` in the reader's language."""
    weekday, _, at = label.partition(" ")
    return f"{localization.DAYS[language][WEEKDAYS.index(weekday)]} {at}" if weekday in WEEKDAYS else label
