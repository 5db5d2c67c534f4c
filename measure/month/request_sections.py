"""The sections of the report about requests: topics, channels, the trend over the months, audiences."""

from __future__ import annotations

from charter.disclosure import Cell, cell
from measure.month import cells
from measure.month.data import trend as trend_months
from measure.month.document import Column, Row, Section, Table, Value
from measure.month.period import Month
from measure.month.sources import Sources
from pages import localization


def needs(src: Sources) -> Section:
    whole, rows = src.count("requests"), []
    for topic in _topics(src):
        count = src.count("requests", topic=topic)
        rows.append(Row(topic, src.topic(topic), (Value(count), src.part(count, whole))))
    columns = src.columns(("requests", "requests"), ("share", "share"))
    table = Table("needs", src.texts["needs"], src.texts["topic"], columns, tuple(rows))
    by_channel = [
        Row(channel, _channel(src, channel), (Value(count), src.part(count, whole)))
        for channel in sorted({request.channel for request in src.data.requests})
        for count in [src.count("requests", channel=channel)]
    ]
    channels = Table("channels", src.texts["channels"], src.texts["channel"], columns, tuple(by_channel))
    return src.section("needs", [src.texts["needs say"]], table, channels, _classified(src, whole, columns))


def _classified(src: Sources, whole: float, columns: tuple[Column, ...]) -> Table:
    """How many topics are only what callers chose in the menu, because nobody has classified their call yet."""
    rows = [
        Row(kind, src.texts[kind], (Value(count), src.part(count, whole)))
        for kind in ("classified", "unclassified")
        for count in [src.count("requests", classified=kind)]
    ]
    return Table("classified", src.texts["classification"], src.texts["request"], columns, tuple(rows))


def trend(src: Sources) -> Section:
    months = trend_months(src.data.month)

    def counts(topic: str) -> tuple[Value, ...]:
        return tuple(Value(_requests(src, topic, month)) for month in months)

    rows = [Row(topic, src.topic(topic), counts(topic)) for topic in _topics_of_all_editions(src)]
    if rows:
        rows.append(Row("", src.texts["all"], counts("")))
    columns = tuple(Column(month.code, localization.short_month(*month, src.language)) for month in months)
    table = Table("trend", src.texts["trend"], src.texts["topic"], columns, tuple(rows))
    return src.section("trend", [src.texts["trend say"]], table)


def audiences(src: Sources) -> Section:
    codes = sorted({request.audience for request in src.data.requests})
    columns = tuple(Column(code, src.texts.get(code, code)) for code in codes)
    rows = [
        Row(topic, src.topic(topic), tuple(Value(src.count("requests", topic=topic, audience=code)) for code in codes))
        for topic in _topics(src)
        if codes
    ]
    table = Table("audiences", src.texts["audiences"], src.texts["topic"], columns, tuple(rows))
    return src.section("audiences", [src.texts["audiences say"]], table)


def _topics(src: Sources) -> list[str]:
    """Every topic of the trend's months, the most frequent of this month first."""

    def in_all_months(topic: str) -> float:
        return sum(count for month in trend_months(src.data.month) if (count := _requests(src, topic, month)) >= 0)

    return src.by_frequency(
        cells.requested_topics(src.data), lambda topic: src.count("requests", topic=topic), in_all_months
    )


def _topics_of_all_editions(src: Sources) -> list[str]:
    """The topics of the trend's months, followed by those that only appear in an earlier edition."""
    topics = _topics(src)
    requests = (dict(key) for key in src.shown.counts if dict(key)["of"] == "requests")
    return [*topics, *sorted({codes["topic"] for codes in requests if "topic" in codes} - set(topics))]


def _requests(src: Sources, topic: str, month: Month) -> float:
    """Zero for a topic that does not appear in an earlier edition."""
    key: Cell = cell("requests", when=month.code, topic=topic)
    return src.shown.number(key) if key in src.shown.counts else 0.0


def _channel(src: Sources, code: str) -> str:
    return src.texts.get("voicemail channel" if code == "voicemail" else code, code)
