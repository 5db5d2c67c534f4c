"""The sections of the report about results: promises, call-backs, the survey, and all measures with definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from charter import kpi
from charter.kpi_definitions import DEFINITIONS, PUBLISHED
from charter.promises import describe
from measure.month import cells
from measure.month.data import PROMISES
from measure.month.document import Column, Row, Section, Table, Value
from measure.month.figures import ON_TIME
from measure.month.period import week_code
from measure.month.sources import Sources
from pages import localization
from registry.site import DAY

CALLBACK_RESULTS = ("reached", "ended", "waiting")


def promises(src: Sources) -> Section:
    columns = src.columns(("due", "due"), ("in-time", "due in time"), ("share", "due share"), ("promised", "target"))
    months = [_on_time(src, promise, promise, src.texts[promise], src.code) for promise in PROMISES]
    table = Table("promises", src.texts["promises"], src.texts["promise"], columns, tuple(months))
    weeks = [_on_time_of_week(src, promise, week) for promise in PROMISES for week in src.data.month.weeks]
    by_week = Table("promises-by-week", src.texts["weeks"], src.texts["week"], columns, tuple(weeks))
    return src.section("promises", [src.texts["promises say"]], table, by_week, _late(src))


def _on_time_of_week(src: Sources, promise: str, week: Sequence[date]) -> Row:
    code, label = week_code(week), f"{src.texts[promise]}, {_days(src, week)}"
    return _on_time(src, promise, f"{promise} {code}", label, code)


def _days(src: Sources, week: Sequence[date]) -> str:
    """The first and the last day of a week in this month; in Italian, the first of the month is `1°`."""
    return "–".join(localization.day_number(day, src.language) for day in dict.fromkeys((week[0], week[-1])))


def _on_time(src: Sources, promise: str, code: str, label: str, when: str) -> Row:
    due, in_time = src.due(promise, when), src.due(promise, when, "in-time")
    terms = src.data.promises.get(promise)
    target = Value(terms.share if terms else None, "share")
    share = src.share(ON_TIME[promise], in_time, due, interval=True)
    note = describe(terms, src.language) if terms and code == promise else ""
    return Row(code, label, (Value(due), Value(in_time), share, target), note)


def _late(src: Sources) -> Table:
    """Overdue requests. The longest delay is internal, because it is a single person's."""
    worst = () if src.public else (("worst", "late worst"),)
    columns = src.columns(("late", "late count"), ("mean", "late mean"), *worst)
    rows = tuple(_late_row(src, promise) for promise in PROMISES)
    return Table("late", src.texts["late"], src.texts["promise"], columns, rows)


def _late_row(src: Sources, promise: str) -> Row:
    backlog = src.data.late[promise]
    count = src.shown.number(cells.late(src.data.month, promise))
    mean: float | None = None
    if backlog.late:
        mean = backlog.mean_lateness / DAY if src.shown.rate_allowed(count) else math.nan
    worst = () if src.public else (Value(backlog.worst_lateness / DAY if backlog.late else None, "days"),)
    return Row(promise, src.texts[promise], (Value(count), Value(mean, "days"), *worst))


def callbacks(src: Sources) -> Section:
    whole = src.count("messages")
    rows = [
        Row(result, src.texts[result], (Value(count), src.part(count, whole)))
        for result in CALLBACK_RESULTS
        for count in [src.count("messages", kind=result)]
    ]
    rows.append(Row("", src.texts["all"], (Value(whole), src.part(whole, whole))))
    columns = src.columns(("messages", "messages"), ("share", "share"))
    table = Table("callbacks", src.texts["callbacks"], src.texts["end"], columns, tuple(rows) if whole else ())
    return src.section("callbacks", [src.texts["callbacks say"]], table)


def survey(src: Sources) -> Section:
    rows = []
    for question in src.data.answers:
        answers = src.count("answers", question=question)
        satisfied = src.count("answers", question=question, score="satisfied")
        share = src.share("survey_score", satisfied, answers, interval=True)
        rows.append(Row(question, src.question(question), (Value(answers), Value(satisfied), share)))
    usual = all(src.data.scale(question) == kpi.SCALE for question in src.data.answers)
    satisfied_text = "satisfied" if usual else "satisfied on scales"
    columns = src.columns(("answers", "answers"), ("satisfied", satisfied_text), ("share", "share"))
    table = Table("survey", src.texts["survey"], src.texts["question"], columns, tuple(rows))
    text = [src.texts["survey say" if usual else "survey say scales"], src.definition("survey_score")]
    return src.section("survey", text, table, *([] if src.public else [_grades(src)]))


def _grades(src: Sources) -> Table:
    scales = [src.data.scale(question) for question in src.data.answers]
    grades = range(min(low for low, _ in scales), max(high for _, high in scales) + 1) if scales else range(1, 6)
    rows = tuple(
        Row(question, src.question(question), tuple(Value(float(counts[grade])) for grade in grades))
        for question, counts in src.data.answers.items()
    )
    columns = tuple(Column(str(grade), str(grade)) for grade in grades)
    return Table("grades", src.texts["grades"], src.texts["question"], columns, rows)


def measures(src: Sources) -> Section:
    rows = []
    for name, figure in src.figures.all.items():
        if src.public and not DEFINITIONS[name].publishable:
            continue
        label = src.title(name) + (f" ({src.texts['published']})" if name == PUBLISHED else "")
        value = src.value(name, interval=True)
        # The number of waits would reveal the number of refused calls, which the audit does not cover.
        show_base = not src.public or value.number is None or (value.known and value.kind == "share")
        base = Value(figure.denominator if show_base else math.nan)
        rows.append(Row(name, label, (value, base), src.definition(name)))
    columns = src.columns(("value", "value"), ("of", "of"))
    table = Table("measures", src.texts["measures"], src.texts["measure"], columns, tuple(rows))
    return src.section("measures", [src.texts["measures say"]], table)
