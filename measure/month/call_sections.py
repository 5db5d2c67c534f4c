"""The sections of the report about calls: by half-hour, day and topic, answered in time, waits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from charter import kpi
from charter.disclosure import cell
from charter.kpi_definitions import PUBLISHED
from measure.month import cells
from measure.month.document import Column, Row, Section, Table, Value, percentile
from measure.month.sources import Sources
from pages import localization

QUANTILES = (50, 25, 75, 5, 95)
MAX_CROSSED = 12  # topics by half-hour; more rows would be unreadable


def half_hours(src: Sources) -> Section:
    heads = [(slot, slot, {"half_hour": slot}) for slot in src.calls.half_hours]
    table = _calls_by_end(src, "half-hours", src.texts["half-hours"], src.texts["from"], heads)
    outside = src.count("outside")
    text = [src.texts["calls say"].format(outside=src.plain(outside)), src.texts["half-hours say"]]
    rows = tuple(Row(code, src.texts[text], (Value(count),)) for code, text, count in _unusual(src, outside))
    others = Table("outside", src.texts["unusual"], src.texts["calls"], src.columns(("calls", "value")), rows)
    return src.section("half-hours", text, table, others)


def _unusual(src: Sources, outside: float) -> Iterator[tuple[str, str, float]]:
    """Code, text key and count of calls that are not in every figure. The public sees only counts that are checked."""
    yield "outside", "outside", outside
    yield "end-unknown", "end unknown", src.count("calls", end="unknown")
    if not src.public:
        visits = src.data.visits
        yield "wait-unknown", "wait unknown", sum(math.isnan(visit.wait) for visit in visits)
        yield "talk-unknown", "talk unknown", sum(visit.fate == "answered" and visit.talk is None for visit in visits)


def levels(src: Sources) -> Section:
    rows = []
    for slot in src.calls.half_hours:
        tally = cells.tally(src.shown.number, src.code, half_hour=slot)
        share = src.share("service_level", tally.in_time, tally.offered, interval=True)
        rows.append(Row(slot, slot, (share, Value(tally.offered))))
    columns = src.columns(("service_level", "in time share"), ("offered", "offered"))
    table = Table("levels", src.title(PUBLISHED), src.texts["from"], columns, tuple(rows))
    return src.section("levels", [src.definition(PUBLISHED), src.texts["levels say"]], table)


def waits(src: Sources) -> Section:
    by_slot: dict[str, list[float]] = {slot: [] for slot in src.calls.half_hours}
    for visit, (slot, *_) in zip(src.data.visits, src.calls.rows, strict=True):
        if kpi.waited(visit):
            by_slot[slot].append(visit.wait)
    rows = []
    for slot, seconds in by_slot.items():
        known = cells.queued(src.shown.number, src.code, half_hour=slot)
        quantiles = {percent: kpi.percentile("wait_median_all", seconds, percent) for percent in QUANTILES}
        values = (percentile(figure, percent, known, src.shown) for percent, figure in quantiles.items())
        rows.append(Row(slot, slot, tuple(values)))
    columns = src.columns(("p50", "median"), *((f"p{percent}", f"{percent} %") for percent in QUANTILES[1:]))
    table = Table("waits", src.texts["waits table"], src.texts["from"], columns, tuple(rows))
    return src.section("waits", [src.texts["waits say"]], table)


def days(src: Sources) -> Section:
    """Days of the month whose weekday has opening hours, or that had calls."""
    week = src.about.hours.week
    shown = [
        day
        for day in src.data.month.days
        if week[day.weekday()] or src.shown.counts[cell("calls", when=day.isoformat())] > 0
    ]
    heads = [
        (
            day.isoformat(),
            f"{localization.DAYS[src.language][day.weekday()]} {localization.day_number(day, src.language)}",
            {"when": day.isoformat()},
        )
        for day in shown
    ]
    return src.section("days", [], _calls_by_end(src, "days", src.texts["days"], src.texts["day"], heads))


def topics(src: Sources) -> Section:
    codes = src.by_frequency(src.calls.topics, lambda topic: src.count("calls", topic=topic))
    heads = [(topic, src.topic(topic), {"topic": topic}) for topic in codes]
    table = _calls_by_end(src, "topics", src.texts["topics"], src.texts["topic"], heads)
    slots = src.calls.half_hours
    rows = [
        Row(topic, src.topic(topic), tuple(Value(src.count("calls", topic=topic, half_hour=slot)) for slot in slots))
        for topic in codes[:MAX_CROSSED]
    ]
    columns = tuple(Column(slot, slot) for slot in slots)
    crossed = Table("topics-by-half-hour", src.texts["crossed"], src.texts["topic"], columns, tuple(rows))
    return src.section("topics", [src.texts["topics say"]], table, crossed)


def _calls_by_end(
    src: Sources, name: str, caption: str, corner: str, heads: Sequence[tuple[str, str, dict[str, str]]]
) -> Table:
    """A table of calls by how they ended, with a row for each (code, label, codes of the cell)."""
    columns = src.columns(
        ("offered", "offered"), ("answered", "answered"), ("in-time", "in time"), ("abandoned", "abandoned"),
        ("voicemail", "voicemail"), ("refused", "refused"), ("service_level", "in time share"),
    )  # fmt: skip
    rows = []
    for code, label, codes in heads:
        where = {"when": src.code, **codes}
        tally = cells.tally(src.shown.number, **where)
        refused = src.shown.number(cell("calls", **where, end="refused"))
        counts = (tally.offered, tally.answered, tally.in_time, tally.abandoned, tally.overflowed, refused)
        share = src.share("service_level", tally.in_time, tally.offered)
        rows.append(Row(code, label, (*(Value(count) for count in counts), share)))
    return Table(name, caption, corner, columns, tuple(rows))
