"""The measures of `charter.kpi`, in bulk on the records of a run. A test holds the two together.

A replication is boiled down to its *sums*: for every measure a numerator and a denominator, over all calls and by
half-hour, day and topic. Sums of replications add up; what the measures are worth, and how surely, is reckoned from
them in `queue_model.runs.measures.estimates`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charter import kpi
from charter.calendar import WEEKDAYS
from charter.promises import Promise, due
from queue_model.compiled import compiled_or_plain
from queue_model.scenario.study import Study
from queue_model.simulation.build import Built
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Outcome, Records, Rows, Source, Work, table, taken

tally = compiled_or_plain("runs.measures.tally")

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# What an outcome is called in the words of `charter.kpi`; calls outside hours are no visits.
FATES: dict[Outcome, kpi.Fate] = {
    Outcome.ANSWERED: "answered",
    Outcome.ABANDONED: "abandoned",
    Outcome.VOICEMAIL_KEY: "key",
    Outcome.VOICEMAIL_TIMEOUT: "timeout",
    Outcome.VOICEMAIL_EMPTY: "empty",
    Outcome.VOICEMAIL_FULL: "full",
    Outcome.VOICEMAIL_BUSY: "busy",
    Outcome.BLOCKED: "blocked",
    Outcome.WAITING: "lost",
}
PERCENTS = {"median": 50, "p90": 90, "p95": 95}
PARTS = ("half-hour", "weekday", "day", "topic")
SLOT_MINUTES = 30


@dataclass(frozen=True, eq=False)
class Sums:
    """One replication: numerators and denominators of measures; percentiles, whose numerator is the value times 1."""

    whole: dict[str, tuple[float, float]]
    parts: dict[str, dict[str, tuple[Floats, Floats]]]  # part -> measure -> numerators and denominators by group
    counts: dict[str, float]


class Measurer:
    """Boils records down; what depends on the study alone is worked out once."""

    def __init__(self, study: Study, parts: tuple[str, ...] = ()) -> None:
        self.study = study
        self.parts = parts
        targets = study.scenario.targets
        self.thresholds = kpi.Thresholds(targets.within, targets.short)
        self.start = float(study.period.midnights[study.scenario.period.settle])
        self.end = study.period.length
        self._due_days = _due_days(study)

    def sums(self, built: Built, records: Records) -> Sums:
        """The sums of one replication."""
        # Who called outside hours comes last in the records; a slice copies nothing.
        calls = records.calls[: len(records.calls) - len(built.inputs.closed_at)]
        late = self.after_hours(built.inputs)
        if len(late):
            calls = _without(calls, np.searchsorted(calls["entity"], late))
        if self.start:
            calls = taken(calls, np.flatnonzero(calls["entered"] >= self.start))
        classes = Classes(calls, self.thresholds, self.end)
        whole = {name: (float(top[0]), float(bottom[0])) for name, (top, bottom) in classes.shares(None, 1).items()}
        whole |= classes.percentiles()
        whole["occupancy"] = self._occupancy(records.work)
        whole |= self.promises(built.inputs, records)
        parts = {part: classes.shares(*self.groups(part, calls)) for part in self.parts}
        return Sums(whole, parts, {**self._counts(built, records, classes), "after_hours": len(late)})

    def after_hours(self, given: Inputs) -> Indices:
        """Who came to the queue when the service had closed meanwhile: no visits in service hours, as the live service
        counts them. Whoever calls again does so in service hours: only first attempts are to be looked at."""
        period = self.study.period
        if not len(period.open_until):
            return np.empty(0, dtype=np.intp)
        first = np.searchsorted(given.call_at, period.open_until)
        last = np.append(np.searchsorted(given.call_at, period.open_from[1:]), len(given.call_at))
        nights = np.flatnonzero(first < last)
        return np.concatenate([np.arange(first[each], last[each]) for each in nights] or [nights])

    # groups
    def groups(self, part: str, calls: Rows) -> tuple[Indices, int]:
        """The group of each call, and how many there are."""
        period = self.study.period
        if part == "topic":
            return calls["topic"].astype(np.intp), len(self.study.topics)
        if part == "half-hour":
            slot = (period.minute_of(calls["entered"]) // SLOT_MINUTES).astype(np.intp)
            return slot, 24 * 60 // SLOT_MINUTES
        day = period.day_of(calls["entered"])
        if part == "weekday":
            return (day + period.first.weekday()) % 7, 7
        return day, period.days

    def labels(self, part: str) -> list[str]:
        """The names of a part's groups."""
        if part == "topic":
            return list(self.study.topics)
        if part == "weekday":
            return list(WEEKDAYS)
        if part == "half-hour":
            minutes = range(0, 24 * 60, SLOT_MINUTES)
            return [f"{each // 60:02}:{each % 60:02}" for each in minutes]
        return [self.study.period.date(day).isoformat() for day in range(self.study.period.days)]

    # people
    def _occupancy(self, work: Rows) -> tuple[float, float]:
        """Seconds at work, and seconds at the seat less breaks."""
        seconds = tally.spent(work, self.start)
        busy = seconds[Work.CALL] + seconds[Work.CALLBACK] + seconds[Work.EMAIL]
        return float(busy), float(seconds[Work.SEATED] - seconds[Work.BREAK])

    # promises
    def promises(self, inputs: Inputs, records: Records) -> dict[str, tuple[float, float]]:
        """On-time figures by cohort of the due date: in time, and due in the measured days."""
        found = {}
        for name, requests in self.requests(inputs, records).items():
            over, answered = requests
            cohort = (over >= self.start) & (over < self.end)
            in_time = cohort & (answered <= over)  # NaN, not answered, is never in time
            found[name] = (float(np.count_nonzero(in_time)), float(np.count_nonzero(cohort)))
        return found

    def requests(self, inputs: Inputs, records: Records) -> dict[str, tuple[Floats, Floats]]:
        """(last instant in time, answer or NaN) of every e-mail and every request of the second level.

        The clock starts when the citizen asks. An e-mail is the front office's until it is handed over in time; one
        that is not even read by then has failed, whoever should have answered it.
        """
        email, second, message = (
            self.study.promises[name] for name in ("on_time_email", "on_time_second_level", "on_time_callback")
        )
        mails = records.mails
        over = self.due(email, mails["arrived"])
        handed = inputs.mail_second_level[mails["entity"]]
        front = ~(handed & (mails["ended"] <= over))
        mine = records.second["source"] == Source.EMAIL
        by_entity = np.full(len(inputs.mail_at), np.nan)
        by_entity[records.second["entity"][mine]] = records.second["ended"][mine]
        from_mails = by_entity[mails["entity"]]
        calls = records.second[~mine]
        asked = asked_at(records.calls, calls)
        begun = np.concatenate((asked, mails["arrived"][handed]))
        answered = np.concatenate((calls["ended"], from_mails[handed]))
        return {
            "on_time_email": (over[front], mails["ended"][front]),
            "on_time_second_level": (self.due(second, begun), answered),
            # Whoever left a message is called back when an operator begins to.
            "on_time_callback": (self.due(message, records.callbacks["created"]), records.callbacks["started"]),
        }

    def due(self, promise: Promise, start: Floats) -> Floats:
        """`charter.promises.due` of many instants, in seconds of the period."""
        if promise.clock == "hours":
            return start + 3600 * promise.amount
        if promise.clock == "calendar_days":
            return np.asarray(self._due_days[self.study.period.day_of(start)])
        period = self.study.period
        return period.after_service(period.service_seconds(start) + 3600 * promise.amount)

    # counts
    def _counts(self, built: Built, records: Records, classes: Classes) -> dict[str, float]:
        fates = classes.fates()
        return {
            "called": built.called,
            "informed": built.informed,
            "left_menu": built.left_menu,
            "outside_hours": len(built.inputs.closed_at),
            "offered": int(sum(fates.values())),
            **fates,
            "redialled": len(records.calls) - len(built.inputs.call_at) - len(built.inputs.closed_at),
            "messages": len(records.callbacks),
            "messages_open": int(np.count_nonzero(np.isnan(records.callbacks["ended"]))),
            "emails": len(records.mails),
            "emails_open": int(np.count_nonzero(np.isnan(records.mails["ended"]))),
            "second_level": len(records.second),
        }


class Classes:
    """Calls counted by class, which says their fate and whether it was in time or short."""

    def __init__(self, calls: Rows, thresholds: kpi.Thresholds, end: float) -> None:
        self.calls, self.thresholds, self.end = calls, thresholds, end

    @cached_property
    def whole(self) -> tuple[Floats, Floats, Floats]:
        """Calls, waits and handling times of everything."""
        return self.counted(None, 1)

    def counted(self, groups: Indices | None, count: int) -> tuple[Floats, Floats, Floats]:
        """Calls, waits and handling times by group, outcome, in time or not, and short or not."""
        found: tuple[Floats, Floats, Floats] = tally.classes(self.calls, groups, count, *self.thresholds, self.end)
        return found

    def fates(self) -> dict[str, int]:
        counted = self.whole[0][0].sum(axis=(1, 2))
        return {fate: int(counted[outcome]) for outcome, fate in FATES.items()}

    def percentiles(self) -> dict[str, tuple[float, float]]:
        """Of the waits of all who queued (those refused at once did not), and of those who were answered."""
        refused = (Outcome.VOICEMAIL_FULL, Outcome.VOICEMAIL_BUSY, Outcome.BLOCKED)
        sets = {"all": [each for each in Outcome if each not in refused], "answered": [Outcome.ANSWERED]}
        found: dict[str, tuple[float, float]] = {}
        for which, outcomes in sets.items():
            count = int(self.whole[0][0, outcomes].sum())
            some = tally.waits(self.calls, sum(1 << outcome for outcome in outcomes), self.end)
            values = zip(PERCENTS, _percentiles(some, count), strict=True)
            found |= {f"wait_{name}_{which}": (value, 1.0 if count else 0.0) for name, value in values}
        return found

    def shares(self, groups: Indices | None, count: int) -> dict[str, tuple[Floats, Floats]]:
        """Numerators and denominators [count] of everything but percentiles, by group of calls."""
        number, waited, handle = self.whole if groups is None else self.counted(groups, count)
        waits = waited.sum(axis=(2, 3))
        fates = number.sum(axis=(2, 3))
        offered, answered = fates.sum(axis=1), fates[:, Outcome.ANSWERED]
        good = number[:, Outcome.ANSWERED, 1].sum(axis=1)
        gone = fates[:, Outcome.ABANDONED]
        early, short = number[:, Outcome.ABANDONED, 1].sum(axis=1), number[:, Outcome.ABANDONED, :, 1].sum(axis=1)
        refused = fates[:, [Outcome.VOICEMAIL_FULL, Outcome.VOICEMAIL_BUSY, Outcome.BLOCKED]].sum(axis=1)
        overflow = fates[:, Outcome.VOICEMAIL_KEY : Outcome.VOICEMAIL_BUSY + 1].sum(axis=1)
        return {
            "service_level": (good, offered),
            "service_level_without_short": (good, offered - short),
            "service_level_without_early": (good, offered - early),
            "service_level_with_early": (good + early, offered),
            "service_level_of_answered": (good, answered),
            "answer_rate": (answered, offered),
            "abandonment": (gone, offered),
            "abandonment_net": (gone - short, offered - short),
            "overflow": (overflow, offered),
            "blocking": (fates[:, Outcome.BLOCKED], offered),
            "wait_mean_all": (waits.sum(axis=1), offered - refused),
            "wait_mean_answered": (waits[:, Outcome.ANSWERED], answered),
            "handling_time": (handle[:, Outcome.ANSWERED].sum(axis=(1, 2)), answered),
        }


def _without(calls: Rows, few: Indices) -> Rows:
    """The calls but for a few rows, in order: a copy of what lies between them, piece by piece."""
    words = table(calls, np.uint64)  # rows of fields would be copied field by field
    pieces = zip([0, *(few + 1).tolist()], [*few.tolist(), len(calls)], strict=True)
    return np.concatenate([words[begin:end] for begin, end in pieces]).view(calls.dtype).reshape(-1)


def waits(calls: Rows, end: float) -> Floats:
    """Seconds of waiting; of those for whom nobody ever came, until the period ends."""
    wait = calls["wait"]
    return np.asarray(np.where(np.isnan(wait), np.maximum(end - calls["entered"], 0.0), wait))


def _percentiles(some: Floats, count: int) -> list[float]:
    """Each of `PERCENTS` of `count` waits, of which `some` are above 0: looking for a place among equals is slow. A
    percentile is averaged over replications, not over calls."""
    places = [kpi.rank(count, percent) - (count - len(some)) for percent in PERCENTS.values()]
    above = [place for place in places if place >= 0] if count else []
    ordered = dict(zip(above, tally.ordered(some, above), strict=True)) if above else {}
    return [ordered.get(place, 0.0) for place in places]


def _due_days(study: Study) -> Floats:
    """The last instant of a request in calendar days, by the day on which it began."""
    promise = study.promises["on_time_second_level"]
    period = study.period
    starts = (period.origin + float(period.midnights[day]) for day in range(period.days))
    return np.array([due(promise, start, study.hours) for start in starts]) - period.origin


def asked_at(calls: Rows, second: Rows) -> Floats:
    """When the callers of these requests of the second level called. Rows of one caller follow each other."""
    entity = second["entity"]
    before = np.searchsorted(calls["entity"][np.flatnonzero(calls["attempt"])], entity)  # redials of those before him
    return np.asarray(calls["entered"][entity + before + second["attempt"]])


# --- as charter.kpi would have it ------------------------------------------------------------------------------------


def visits(study: Study, records: Records) -> Iterator[kpi.Visit]:
    """The calls of a run as the visits in service hours that the live service would record."""
    calls = records.calls[study.period.is_open(records.calls["entered"])]
    for row, wait in zip(calls, waits(calls, study.period.length).tolist(), strict=True):
        fate = FATES.get(Outcome(row["outcome"]))
        if fate is None:
            continue
        entered, topic = study.period.origin + float(row["entered"]), study.topics[int(row["topic"])]
        talk, wrap = (float(row["talk"]), float(row["wrap"])) if fate == "answered" else (None, None)
        yield kpi.Visit(entered, fate, wait, talk, wrap, topic)


def totals(many: list[Sums]) -> Mapping[str, Any]:
    """The counts of all replications, added up."""
    return {name: sum(each.counts[name] for each in many) for name in many[0].counts} if many else {}
