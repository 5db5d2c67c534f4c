"""The report of a month: what was asked, what became of it, which promises were kept. One builder for both audiences.

Every count is read through `charter.disclosure.Shown`; for the public what is hidden there is NaN, and so is every
figure made of it. Figures are those of `charter.kpi`. No operator appears anywhere: nothing here knows one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from charter import kpi
from charter.calendar import OpeningHours
from charter.disclosure import Cell, Shown, cell
from charter.kpi import Thresholds
from charter.kpi_definitions import DEFINITIONS, PUBLISHED
from charter.promises import words as promise_words
from common.languages import Language
from measure.month import cells
from measure.month.cells import Calls
from measure.month.data import PROMISES, Data, trend
from measure.month.document import Column, Document, Row, Section, Table, Value, percentile, value
from measure.month.figures import ON_TIME, Figures
from measure.month.period import Month, week_code
from measure.month.texts import WORDS
from pages import localization

DAY = 86400.0
CARDS = ("service_level", "answer_rate", "wait_mean_answered", "on_time_email", "on_time_second_level")
QUANTILES = (50, 25, 75, 5, 95)
ENDS = ("answered", "in-time", "abandoned", "voicemail", "refused")
BECAME = ("reached", "ended", "waiting")
MOST_CROSSED = 12  # topics by half-hour: more rows help nobody


class About(NamedTuple):
    """What a report is about and for whom."""

    service: str
    hours: OpeningHours
    thresholds: Thresholds
    language: Language


def report(data: Data, calls: Calls, shown: Shown, about: About) -> Document:
    """The document; for inside where `shown` has no rules."""
    return Writer(data, calls, shown, about).document()


class Writer:
    """The sections of one report."""

    def __init__(self, data: Data, calls: Calls, shown: Shown, about: About) -> None:
        self.data, self.calls, self.shown, self.about = data, calls, shown, about
        self.language, self.words = about.language, WORDS[about.language]
        self.code = data.month.code
        self.public = shown.rules is not None
        self.figures = Figures(data, shown)

    def document(self) -> Document:
        sections = (
            self.half_hours(), self.levels(), self.waits(), self.days(), self.topics(), self.needs(),
            self.trend(), self.audiences(), self.promises(), self.callbacks(), self.survey(),
            self.measures(),
        )  # fmt: skip
        title = self.words["title"].format(
            service=self.about.service, month=localization.month(*self.data.month, self.language)
        )
        return Document(
            f"month-{self.code}",
            title,
            self.language,
            self._facts(),
            tuple(self._lead()),
            tuple(self._cards()),
            sections,
            tuple(self._foot()),
        )

    # about the report
    def _facts(self) -> dict[str, str | int | float]:
        found: dict[str, str | int | float] = {
            "month": self.code,
            "audience": "public" if self.public else "internal",
            "within_seconds": self.about.thresholds.within,
            "short_seconds": self.about.thresholds.short,
        }
        return found | ({"threshold": self.shown.rules.threshold} if self.shown.rules else {})

    def _lead(self) -> Iterator[str]:
        rules, data = self.shown.rules, self.data
        if rules is None:
            yield self.words["internal"]
        else:
            yield self.words["public"].format(threshold=rules.threshold, hidden=self.words["hidden"])
        yield self.words["seen"].format(localization.day(self.about.hours.local(data.now).date(), self.language))
        if data.now < data.month.span(self.about.hours).until:
            yield self.words["open"]

    def _cards(self) -> Iterator[Row]:
        for name in CARDS:
            yield Row(name, self.title(name), (self.value(name),))

    def _foot(self) -> Iterator[str]:
        yield self.words["how"]
        if self.shown.rules is not None:
            yield self.words["proof"].format(
                hidden=localization.number(len(self.shown.hidden), self.language, 0),
                all=localization.number(len(self.shown.counts), self.language, 0),
                protection=self.shown.rules.protection,
            )

    # figures
    def month_cell(self, of: str, **codes: str) -> float:
        return self.figures.count(of, **codes)

    def due(self, promise: str, when: str, result: str = "") -> float:
        return self.shown.number(cell(f"due {promise}", when=when, result=result))

    def title(self, name: str) -> str:
        return DEFINITIONS[name].title(self.language, **self.about.thresholds._asdict())

    def value(self, name: str, *, interval: bool = False) -> Value:
        return self.figures.value(name, interval=interval)

    def order(self, codes: Iterable[str], *counts: Callable[[str], float]) -> list[str]:
        """The most frequent first, as far as it is shown: by their place the hidden ones could be told from others."""

        def place(code: str) -> tuple[tuple[bool, float], ...]:
            found = (each(code) for each in counts)
            return tuple((math.isnan(count), 0.0 if math.isnan(count) else -count) for count in found)

        return sorted(codes, key=lambda code: (place(code), code))

    def share(self, name: str, numerator: float, denominator: float, *, interval: bool = False) -> Value:
        return value(kpi.ratio(name, numerator, denominator), self.shown, interval=interval)

    # sections
    def section(self, name: str, text: Sequence[str], *tables: Table) -> Section:
        some = [each for each in tables if each.rows]
        said = [*text, *([] if some else [self.words["nothing"]])]
        return Section(name, self.words[name], tuple(said), tuple(some))

    def columns(self, *pairs: tuple[str, str]) -> tuple[Column, ...]:
        """(code, word) of each column."""
        within = f"{self.about.thresholds.within:g}"
        return tuple(Column(code, self.words.get(word, word).format(within=within)) for code, word in pairs)

    def measures(self) -> Section:
        rows = []
        for name, figure in self.figures.all.items():
            definition = DEFINITIONS[name]
            if self.public and not definition.publishable:
                continue
            label = self.title(name) + (f" ({self.words['published']})" if name == PUBLISHED else "")
            found = self.value(name, interval=True)
            # Of how many a wait is the mean would tell how many were refused at the door, which nobody has audited.
            told = not self.public or found.number is None or (found.known and found.kind == "share")
            of = Value(figure.denominator if told else math.nan)
            note = definition.text(self.language, **self.about.thresholds._asdict())
            rows.append(Row(name, label, (found, of), note))
        columns = self.columns(("value", "value"), ("of", "of"))
        table = Table("measures", self.words["measures"], self.words["measure"], columns, tuple(rows))
        return self.section("measures", [self.words["measures say"]], table)

    def _ends(self, name: str, caption: str, corner: str, heads: Sequence[tuple[str, str, dict[str, str]]]) -> Table:
        """A table of calls by how they ended: a row for each (code, label, cell)."""
        columns = self.columns(
            ("offered", "offered"), ("answered", "answered"), ("in-time", "in time"), ("abandoned", "abandoned"),
            ("voicemail", "voicemail"), ("refused", "refused"), ("service_level", "in time share"),
        )  # fmt: skip
        rows = []
        for code, label, where in heads:
            counted = cells.tally(self.shown.number, **{"when": self.code, **where})
            refused = self.shown.number(cell("calls", **{"when": self.code, **where}, end="refused"))
            numbers = (
                counted.offered,
                counted.answered,
                counted.in_time,
                counted.abandoned,
                counted.overflowed,
                refused,
            )
            share = self.share("service_level", counted.in_time, counted.offered)
            rows.append(Row(code, label, (*(Value(each) for each in numbers), share)))
        return Table(name, caption, corner, columns, tuple(rows))

    def half_hours(self) -> Section:
        heads = [(slot, slot, {"half_hour": slot}) for slot in self.calls.half_hours]
        table = self._ends("half-hours", self.words["half-hours"], self.words["from"], heads)
        outside = self.month_cell("outside")
        said = [self.words["calls say"].format(outside=self.plain(outside)), self.words["half-hours say"]]
        row = Row("outside", self.words["outside"], (Value(outside),))
        others = Table("outside", row.label, self.words["calls"], self.columns(("calls", "value")), (row,))
        return self.section("half-hours", said, table, others)

    def levels(self) -> Section:
        rows = []
        for slot in self.calls.half_hours:
            counted = cells.tally(self.shown.number, self.code, half_hour=slot)
            share = self.share("service_level", counted.in_time, counted.offered, interval=True)
            rows.append(Row(slot, slot, (share, Value(counted.offered))))
        columns = self.columns(("service_level", "in time share"), ("offered", "offered"))
        table = Table("levels", self.title(PUBLISHED), self.words["from"], columns, tuple(rows))
        return self.section("levels", [self._text(PUBLISHED), self.words["levels say"]], table)

    def _text(self, name: str) -> str:
        return DEFINITIONS[name].text(self.language, **self.about.thresholds._asdict())

    def waits(self) -> Section:
        found: dict[str, list[float]] = {slot: [] for slot in self.calls.half_hours}
        for visit, (slot, *_) in zip(self.data.visits, self.calls.rows, strict=True):
            if kpi.waited(visit):
                found[slot].append(visit.wait)
        rows = []
        for slot, waits in found.items():
            known = cells.queued(self.shown.number, self.code, half_hour=slot)
            ranks = {percent: kpi.percentile("wait_median_all", waits, percent) for percent in QUANTILES}
            values = (percentile(each, percent, known, self.shown) for percent, each in ranks.items())
            rows.append(Row(slot, slot, tuple(values)))
        columns = self.columns(("p50", "median"), *((f"p{each}", f"{each} %") for each in QUANTILES[1:]))
        table = Table("waits", self.words["waits table"], self.words["from"], columns, tuple(rows))
        return self.section("waits", [self.words["waits say"]], table)

    def days(self) -> Section:
        days = [day for day in self.data.month.days if self._seen(day.isoformat()) or self._opens(day.weekday())]
        heads = [
            (day.isoformat(), f"{localization.DAYS[self.language][day.weekday()]} {day.day}", {"when": day.isoformat()})
            for day in days
        ]
        return self.section("days", [], self._ends("days", self.words["days"], self.words["day"], heads))

    def _seen(self, day: str) -> bool:
        return self.shown.counts[cell("calls", when=day)] > 0

    def _opens(self, weekday: int) -> bool:
        return bool(self.about.hours.week[weekday])

    def topics(self) -> Section:
        topics = self.order(self.calls.topics, lambda topic: self.month_cell("calls", topic=topic))
        heads = [(topic, self.topic(topic), {"topic": topic}) for topic in topics]
        table = self._ends("topics", self.words["topics"], self.words["topic"], heads)
        columns = tuple(Column(slot, slot) for slot in self.calls.half_hours)
        rows = [
            Row(topic, self.topic(topic), tuple(self._crossed(topic, slot) for slot in self.calls.half_hours))
            for topic in topics[:MOST_CROSSED]
        ]
        crossed = Table("topics-by-half-hour", self.words["crossed"], self.words["topic"], columns, tuple(rows))
        return self.section("topics", [self.words["topics say"]], table, crossed)

    def _crossed(self, topic: str, slot: str) -> Value:
        return Value(self.month_cell("calls", topic=topic, half_hour=slot))

    def topic(self, code: str) -> str:
        """What a topic is called; its code, where nobody gave it a name."""
        if code == cells.OTHER:
            return self.words["unknown"]
        names = self.data.topics.get(code)
        return code if names is None else names[self.language]

    def needs(self) -> Section:
        whole, rows = self.month_cell("requests"), []
        for topic in self.asked():
            count = self.month_cell("requests", topic=topic)
            rows.append(Row(topic, self.topic(topic), (Value(count), self.part(count, whole))))
        columns = self.columns(("requests", "requests"), ("share", "share"))
        table = Table("needs", self.words["needs"], self.words["topic"], columns, tuple(rows))
        arrived = [
            Row(channel, self.channel(channel), (Value(count), self.part(count, whole)))
            for channel in sorted({each.channel for each in self.data.requests})
            for count in [self.month_cell("requests", channel=channel)]
        ]
        channels = Table("channels", self.words["channels"], self.words["channel"], columns, tuple(arrived))
        return self.section("needs", [self.words["needs say"]], table, channels)

    def asked(self) -> list[str]:
        """Every topic of these months, the most frequent of this one first."""

        def whole(topic: str) -> float:
            return sum(count for each in trend(self.data.month) if (count := self._asked(topic, each)) >= 0)

        this_month = self.month_cell
        return self.order(cells.needs(self.data), lambda topic: this_month("requests", topic=topic), whole)

    def plain(self, count: float) -> str:
        return self.words["hidden"] if math.isnan(count) else localization.number(count, self.language, 0)

    def part(self, count: float, whole: float) -> Value:
        """A share of a whole that is no measure of the service."""
        if not whole:
            return Value(None, "share")
        return Value(count / whole if self.shown.rate_allowed(whole) else math.nan, "share")

    def channel(self, code: str) -> str:
        return self.words.get("voicemail channel" if code == "voicemail" else code, code)

    def trend(self) -> Section:
        months = trend(self.data.month)
        rows = [
            Row(topic, self.topic(topic), tuple(Value(self._asked(topic, each)) for each in months))
            for topic in self._ever_asked()
        ]
        total = Row("", self.words["all"], tuple(Value(self._asked("", each)) for each in months))
        columns = tuple(Column(each.code, localization.short_month(*each, self.language)) for each in months)
        found = (*rows, total) if rows else ()
        table = Table("trend", self.words["trend"], self.words["topic"], columns, found)
        return self.section("trend", [self.words["trend say"]], table)

    def _ever_asked(self) -> list[str]:
        """Every topic of these months; those that only an earlier edition knows come last."""
        now = self.asked()
        asked = (dict(key) for key in self.shown.counts if dict(key)["of"] == "requests")
        return [*now, *sorted({codes["topic"] for codes in asked if "topic" in codes} - set(now))]

    def _asked(self, topic: str, when: Month) -> float:
        """Nought for a topic that an earlier edition did not know."""
        key: Cell = cell("requests", when=when.code, topic=topic)
        return self.shown.number(key) if key in self.shown.counts else 0.0

    def audiences(self) -> Section:
        audiences = sorted({each.audience for each in self.data.requests})
        columns = tuple(Column(each, self.words.get(each, each)) for each in audiences)
        rows = [
            Row(topic, self.topic(topic), tuple(self._audience(topic, each) for each in audiences))
            for topic in self.asked()
            if audiences
        ]
        table = Table("audiences", self.words["audiences"], self.words["topic"], columns, tuple(rows))
        return self.section("audiences", [self.words["audiences say"]], table)

    def _audience(self, topic: str, audience: str) -> Value:
        return Value(self.month_cell("requests", topic=topic, audience=audience))

    def promises(self) -> Section:
        whole = [self._on_time(each, each, self.words[each], self.code) for each in PROMISES]
        columns = self.columns(
            ("due", "due"), ("in-time", "due in time"), ("share", "due share"), ("promised", "wanted")
        )
        table = Table("promises", self.words["promises"], self.words["promise"], columns, tuple(whole))
        weeks = [self._week(each, week) for each in PROMISES for week in self.data.month.weeks]
        by_week = Table("promises-by-week", self.words["weeks"], self.words["week"], columns, tuple(weeks))
        late = Table(
            "late",
            self.words["late"],
            self.words["promise"],
            self._late_columns(),
            tuple(self._late(each) for each in PROMISES),
        )
        return self.section("promises", [self.words["promises say"]], table, by_week, late)

    def _week(self, promise: str, days: Sequence[date]) -> Row:
        code = week_code(days)
        return self._on_time(promise, f"{promise} {code}", f"{self.words[promise]}, {days[0].day}–{days[-1].day}", code)

    def _on_time(self, promise: str, code: str, label: str, when: str) -> Row:
        due, good = self.due(promise, when), self.due(promise, when, "in-time")
        said = self.data.promises.get(promise)
        wanted = Value(said.share if said else None, "share")
        share = self.share(ON_TIME[promise], good, due, interval=True)
        note = promise_words(said, self.language) if said and code == promise else ""
        return Row(code, label, (Value(due), Value(good), share, wanted), note)

    def _late_columns(self) -> tuple[Column, ...]:
        worst = () if self.public else (("worst", "late worst"),)  # the worst is one person's
        return self.columns(("late", "late count"), ("mean", "late mean"), *worst)

    def _late(self, promise: str) -> Row:
        found = self.data.late[promise]
        count = self.shown.number(cells.late(self.data.month, promise))
        mean = Value(
            None if not found.late else found.mean_lateness / DAY if self.shown.rate_allowed(count) else math.nan,
            "days",
        )
        worst = () if self.public else (Value(found.worst_lateness / DAY if found.late else None, "days"),)
        return Row(promise, self.words[promise], (Value(count), mean, *worst))

    def callbacks(self) -> Section:
        whole = self.month_cell("messages")
        rows = [
            Row(kind, self.words[kind], (Value(count), self.part(count, whole)))
            for kind in BECAME
            for count in [self.month_cell("messages", kind=kind)]
        ]
        rows.append(Row("", self.words["all"], (Value(whole), self.part(whole, whole))))
        columns = self.columns(("messages", "messages"), ("share", "share"))
        table = Table("callbacks", self.words["callbacks"], self.words["end"], columns, tuple(rows) if whole else ())
        return self.section("callbacks", [self.words["callbacks say"]], table)

    def survey(self) -> Section:
        rows = []
        for question in self.data.answers:
            answers = self.month_cell("answers", question=question)
            good = self.month_cell("answers", question=question, score="satisfied")
            share = self.share("survey_score", good, answers, interval=True)
            rows.append(Row(question, self.words.get(question, question), (Value(answers), Value(good), share)))
        columns = self.columns(("answers", "answers"), ("satisfied", "satisfied"), ("share", "share"))
        table = Table("survey", self.words["survey"], self.words["question"], columns, tuple(rows))
        said = [self.words["survey say"], self._text("survey_score")]
        return self.section("survey", said, table, *([] if self.public else [self._grades()]))

    def _grades(self) -> Table:
        grades = range(1, 6)
        rows = tuple(
            Row(question, self.words.get(question, question), tuple(Value(float(values[each])) for each in grades))
            for question, values in self.data.answers.items()
        )
        columns = tuple(Column(str(each), str(each)) for each in grades)
        return Table("grades", self.words["grades"], self.words["question"], columns, rows)
