"""The report of a month: requests, calls, their results, and the promises kept. One builder for both audiences.

Every count is read through `charter.disclosure.Shown`; for the public a hidden count is NaN, and so is every figure
calculated from it. Figures are those of `charter.kpi`. Operators appear nowhere: this code has no data about them.
"""

from __future__ import annotations

from collections.abc import Iterator

from charter.disclosure import Shown
from common.italian import Inserted
from measure.month import call_sections, request_sections, result_sections
from measure.month.cells import Calls
from measure.month.data import Data
from measure.month.document import Document, Row
from measure.month.sources import About, Sources
from pages import localization

CARDS = ("service_level", "answer_rate", "wait_mean_answered", "on_time_email", "on_time_second_level")
SECTIONS = (
    call_sections.half_hours,
    call_sections.levels,
    call_sections.waits,
    call_sections.days,
    call_sections.topics,
    request_sections.needs,
    request_sections.trend,
    request_sections.audiences,
    result_sections.promises,
    result_sections.callbacks,
    result_sections.survey,
    result_sections.measures,
)


def report(data: Data, calls: Calls, shown: Shown, about: About) -> Document:
    """The document; internal if `shown` has no rules."""
    src = Sources(data, calls, shown, about)
    return Document(
        f"month-{src.code}",
        src.texts["title"].format(service=about.service, month=localization.month(*data.month, src.language)),
        src.language,
        _facts(src),
        tuple(_lead(src)),
        tuple(Row(name, src.title(name), (src.value(name),)) for name in CARDS),
        tuple(section(src) for section in SECTIONS),
        tuple(_foot(src)),
    )


def _facts(src: Sources) -> dict[str, str | int | float]:
    facts: dict[str, str | int | float] = {
        "month": src.code,
        "audience": "public" if src.public else "internal",
        "within_seconds": src.about.thresholds.within,
        "short_seconds": src.about.thresholds.short,
    }
    return facts | ({"threshold": src.shown.rules.threshold} if src.shown.rules else {})


def _lead(src: Sources) -> Iterator[str]:
    rules, data, hours = src.shown.rules, src.data, src.about.hours
    if rules is None:
        yield src.texts["internal"]
    else:
        yield src.texts["public"].format(threshold=Inserted(rules.threshold), hidden=src.texts["hidden"])
    yield src.texts["seen"].format(localization.day(hours.local(data.now).date(), src.language))
    if data.now < data.month.span(hours).until:
        yield src.texts["open"]


def _foot(src: Sources) -> Iterator[str]:
    yield src.texts["how"]
    if src.shown.rules is not None:
        yield src.texts["proof"].format(
            hidden=localization.number(len(src.shown.hidden), src.language, 0),
            all=localization.number(len(src.shown.counts), src.language, 0),
            protection=src.shown.rules.protection,
        )
