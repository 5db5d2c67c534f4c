"""A month's counts as linked tables, the input of disclosure control and the source of every count in the report.

Each cell names its month, so that the same count in two reports is the same cell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from charter import kpi
from charter.calendar import OpeningHours
from charter.disclosure import Cell, Dimension, Linked, Sum, cell, join, table
from charter.kpi import Tally, Thresholds, Visit
from measure.month.data import PROMISES, Data, handled
from measure.month.period import Month, week_code
from registry.requests.request import UNCLASSIFIED

SLOT = 30  # minutes
UNKNOWN_TOPIC = "-"

# How calls end, by half-hour, day and topic; for the whole month in more detail.
ENDS = Dimension(
    "end",
    {
        "": ("answered", "abandoned", "not-answered"),
        "answered": ("in-time", "later"),
        "not-answered": ("voicemail", "refused"),
    },
)
ALL_ENDS = Dimension(
    "end",
    {
        **ENDS.parts,
        "abandoned": ("early", "waited"),
        "early": ("short", "not-short"),
        "refused": ("blocked", "lost", "unknown"),
    },
)
RESULT = Dimension("result", {"": ("in-time", "failed")})
RESOLVED = Dimension("kind", {"": ("level-one", "further"), "level-one": ("first-contact", "repeated")})
CLASSIFIED = Dimension("classified", {"": ("classified", "unclassified")})
AGAIN = Dimension("kind", {"": ("helped", "again")})
BECAME = Dimension("kind", {"": ("reached", "ended", "waiting")})
SCORE = Dimension("score", {"": ("satisfied", "unsatisfied")})


def end(visit: Visit, thresholds: Thresholds) -> str:
    """How a call ended, as the most detailed code."""
    if visit.fate == "answered":
        return "in-time" if visit.wait <= thresholds.within else "later"
    if visit.fate == "abandoned":
        if visit.wait <= thresholds.within:
            return "short" if visit.wait <= thresholds.short else "not-short"
        return "waited"
    if visit.fate in kpi.OVERFLOWED:
        return "voicemail"
    return visit.fate  # blocked, lost, unknown


_COARSE = {
    "short": "abandoned",
    "not-short": "abandoned",
    "waited": "abandoned",
    "blocked": "refused",
    "lost": "refused",
    "unknown": "refused",
}


def half_hour(at: float, hours: OpeningHours) -> str:
    """The local half-hour of an instant: `09:30`."""
    local = hours.local(at)
    return clock(local.hour * 60 + local.minute // SLOT * SLOT)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def half_hours(hours: OpeningHours, seen: Iterable[str]) -> list[str]:
    """The half-hours in which the service is open on some weekday, and those of `seen`."""
    opened = {
        clock(minute)
        for ranges in hours.week
        for start, until in ranges
        for minute in range(start // SLOT * SLOT, until, SLOT)
    }
    return sorted(opened | set(seen))


class Calls:
    """The visits of a month, each with its half-hour, day and topic."""

    def __init__(self, data: Data, hours: OpeningHours, thresholds: Thresholds) -> None:
        self.rows: list[tuple[str, str, str, str]] = []
        slots: dict[int, tuple[str, str]] = {}  # every half-hour of UTC lies within one local half-hour
        for each in data.visits:
            place = int(each.entered // (60 * SLOT))
            if place not in slots:
                slots[place] = half_hour(each.entered, hours), hours.local(each.entered).date().isoformat()
            self.rows.append((*slots[place], each.topic or UNKNOWN_TOPIC, end(each, thresholds)))
        self.half_hours = half_hours(hours, (row[0] for row in self.rows))
        self.topics = sorted({row[2] for row in self.rows})
        self.days = [day.isoformat() for day in data.month.days]
        self.month = data.month

    def tables(self) -> list[Linked]:
        month = Dimension("when", {self.month.code: ()})
        days = Dimension("when", {self.month.code: self.days})
        slots, topics = Dimension("half-hour", {"": self.half_hours}), Dimension("topic", {"": self.topics})
        code, rows = self.month.code, self.rows
        coarse = [(slot, day, topic, _COARSE.get(ended, ended)) for slot, day, topic, ended in rows]
        return [
            table("calls", [month, ALL_ENDS], Counter((code, ended) for *_, ended in rows)),
            table("calls", [month, slots, ENDS], Counter((code, slot, ended) for slot, _, _, ended in coarse)),
            table("calls", [days, ENDS], Counter((day, ended) for _, day, _, ended in coarse)),
            table("calls", [month, topics, ENDS], Counter((code, topic, ended) for _, _, topic, ended in coarse)),
            table("calls", [month, topics, slots], Counter((code, topic, slot) for slot, _, topic, _ in coarse)),
        ]


def requests(data: Data, months: Sequence[str]) -> list[Linked]:
    """Requests by topic in each of these months; in the report's month by topic and audience, and by channel."""
    code = data.month.code
    month = Dimension("when", {code: ()})
    topics = Dimension("topic", {"": requested_topics(data)})
    audiences = Dimension("audience", {"": sorted({each.audience for each in data.requests})})
    channels = Dimension("channel", {"": sorted({each.channel for each in data.requests})})
    by_month = [
        table(
            "requests",
            [Dimension("when", {each: ()}), topics],
            {(each, t): n for t, n in data.requests_by_month[each].items()},
        )
        for each in months
    ]
    crossed = Counter((code, each.topic, each.audience) for each in data.requests)
    arrived = Counter((code, each.channel) for each in data.requests)
    return [
        *by_month,
        table("requests", [month, topics, audiences], crossed),
        table("requests", [month, channels], arrived),
        table("requests", [month, CLASSIFIED], {(code, kind): n for kind, n in _classified(data).items()}),
        _resolution(data),
    ]


def _classified(data: Data) -> Counter[str]:
    """The month's requests by whether a person has classified them, or may still do so (answered calls)."""
    return Counter("unclassified" if each.outcome == UNCLASSIFIED else "classified" for each in data.requests)


def requested_topics(data: Data) -> list[str]:
    """Every topic of a request in the months of the trend."""
    return sorted({topic for counts in data.requests_by_month.values() for topic in counts})


def _resolution(data: Data) -> Linked:
    level_one, first = kpi.resolution(handled(data.requests))
    counts = {
        "first-contact": first.numerator,
        "repeated": level_one.numerator - first.numerator,
        "further": level_one.denominator - level_one.numerator,
    }
    handled_requests = _month_table("handled", data.month, RESOLVED, counts)
    # Information given by the menu, and duplicates, are not shown, but follow from the totals by subtraction.
    classified = cell("requests", when=data.month.code, classified="classified")
    return _with_remainder(handled_requests, classified, _classified(data)["classified"], "handled", data.month)


def promises(data: Data, hours: OpeningHours) -> list[Linked]:
    """Requests due, in time or not, by week of the due date; and the overdue requests."""
    weeks = Dimension("when", {data.month.code: [week_code(each) for each in data.month.weeks]})
    of_day = {day: week_code(each) for each in data.month.weeks for day in each}
    tables = []
    for promise in PROMISES:
        counted = Counter(
            (of_day[hours.local(each.due).date()], "in-time" if each.in_time else "failed")
            for each in data.due[promise]
        )
        tables.append(table(f"due {promise}", [weeks, RESULT], counted))
        tables.append(Linked({late(data.month, promise): data.late[promise].late}, ()))
    return tables


def late(month: Month, promise: str) -> Cell:
    return cell(f"late {promise}", when=month.code)


def contacts(data: Data) -> list[Linked]:
    """Calls by whether the caller called again about the same topic; empty while that is not known."""
    figure = data.first_contact
    if not figure.denominator:
        return []
    counts = {"helped": figure.numerator, "again": figure.denominator - figure.numerator}
    by_kind = _month_table("contacts", data.month, AGAIN, counts)
    answered = sum(each.fate == "answered" for each in data.visits)
    if answered < figure.denominator:  # some were answered outside service hours
        return [by_kind]
    # The number of callers who withheld their number follows by subtraction.
    return [
        _with_remainder(by_kind, cell("calls", when=data.month.code, end="answered"), answered, "contacts", data.month)
    ]


def callbacks(data: Data) -> Linked:
    """The results of the month's voicemail messages, each of which is a request."""
    messages = _month_table(
        "messages", data.month, BECAME, {kind: float(count) for kind, count in data.callbacks.items()}
    )
    whole = cell("requests", when=data.month.code, channel="voicemail")
    return _with_remainder(
        messages, whole, sum(each.channel == "voicemail" for each in data.requests), "messages", data.month
    )


def survey(data: Data) -> list[Linked]:
    """Survey responses among answered calls, and satisfied callers for each question."""
    code = data.month.code
    responded, silent = cell("responses", when=code), cell("no response", when=code)
    answered = cell("calls", when=code, end="answered")
    count = sum(each.fate == "answered" for each in data.visits)
    tables = [Linked({responded: data.responses}, ())]
    if count >= data.responses:  # else a survey ended after midnight, or calls are missing
        counts = {answered: count, responded: data.responses, silent: count - data.responses}
        tables = [Linked(counts, (Sum(answered, (responded, silent)),))]
    month, questions = Dimension("when", {code: ()}), Dimension("question", dict.fromkeys(data.answers, ()))
    scores: Counter[tuple[str, ...]] = Counter()
    for question, values in data.answers.items():
        for value, number in values.items():
            scores[code, question, "satisfied" if kpi.is_satisfied(value, data.scale(question)) else "unsatisfied"] += (
                number
            )
    return [*tables, table("answers", [month, questions, SCORE], scores), *_skipped(data, responded)]


def _skipped(data: Data, responded: Cell) -> Iterator[Linked]:
    """For each question, the callers who ended the survey before it, a number that follows by subtraction."""
    for question, values in data.answers.items():
        codes = {"when": data.month.code, "question": question}
        parts = cell("answers", **codes), cell("no answer", **codes)
        answers = sum(values.values())
        if answers <= data.responses:
            counts = {responded: data.responses, parts[0]: answers, parts[1]: data.responses - answers}
            yield Linked(counts, (Sum(responded, parts),))


def everything(data: Data, calls: Calls, hours: OpeningHours, months: Sequence[str]) -> Linked:
    """All counts of the report, with requests by topic for `months`; other months were published before."""
    return join([
        *calls.tables(),
        *requests(data, months),
        *promises(data, hours),
        Linked({cell("outside", when=data.month.code): data.outside}, ()),
        *contacts(data),
        callbacks(data),
        *survey(data),
    ])  # fmt: skip


def tally(number: Callable[[Cell], float], when: str, **codes: str) -> Tally:
    """Calls counted as far as they are shown; early and short abandons are counted for whole months only."""

    def of(ended: str) -> float:
        return number(cell("calls", when=when, end=ended, **codes))

    early, short = (math.nan, math.nan) if codes or len(when) > len("2026-10") else (of("early"), of("short"))
    blocked = math.nan if math.isnan(early) else of("blocked")
    return Tally(of(""), of("answered"), of("in-time"), of("abandoned"), short, early, of("voicemail"), blocked)


def queued(number: Callable[[Cell], float], when: str, **codes: str) -> float:
    """A lower bound of the callers who queued; NaN if their waits would reveal a hidden count."""
    ends = ["answered", "abandoned", "in-time", "", *([] if codes else ["early"])]
    answered, abandoned, *others = (number(cell("calls", when=when, end=each, **codes)) for each in ends)
    return math.nan if any(map(math.isnan, others)) else answered + abandoned


def _with_remainder(linked: Linked, whole: Cell, count: int, of: str, month: Month) -> Linked:
    """A table whose total is part of another table's cell `whole`, with the remainder as a cell."""
    part, rest = cell(of, when=month.code), cell(f"not {of}", when=month.code)
    counts = {**linked.counts, whole: count, rest: count - linked.counts[part]}
    return Linked(counts, [*linked.sums, Sum(whole, (part, rest))])


def _month_table(of: str, month: Month, dimension: Dimension, counts: dict[str, float]) -> Linked:
    """A month's counts of one kind."""
    whole = Dimension("when", {month.code: ()})
    return table(of, [whole, dimension], {(month.code, kind): int(count) for kind, count in counts.items()})
