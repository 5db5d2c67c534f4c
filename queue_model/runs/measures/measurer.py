"""Measure a run: the measures of `charter.kpi`, calculated in bulk from its records. A test compares the two.

A replication is reduced to its *sums*: a numerator and a denominator of every measure, for the whole period and by
half-hour, day and topic. The sums of replications add up. `queue_model.runs.measures.estimates` calculates values and
intervals from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charter import kpi
from charter.calendar import WEEKDAYS
from charter.promises import Promise, due
from queue_model.compiled import compiled_or_plain
from queue_model.runs.measures.call_counts import CallCounts, Floats, Indices
from queue_model.runs.measures.visits import FATES
from queue_model.scenario.study import Study
from queue_model.simulation.builder import ReplicationInputs
from queue_model.simulation.inputs import Inputs
from queue_model.simulation.records import Records, Rows, Source, Work, as_table, take_rows

tally = compiled_or_plain("runs.measures.tally")

PARTS = ("half-hour", "weekday", "day", "topic")
SLOT_MINUTES = 30


@dataclass(frozen=True, eq=False)
class Sums:
    """The (numerator, denominator) of each measure in one replication. A percentile has the denominator 1."""

    whole: dict[str, tuple[float, float]]
    parts: dict[str, dict[str, tuple[Floats, Floats]]]  # part -> measure -> numerators and denominators by group
    counts: dict[str, float]


class Measurer:
    """Reduces records to sums. What depends only on the study is calculated once."""

    def __init__(self, study: Study, parts: tuple[str, ...] = ()) -> None:
        self.study = study
        self.parts = parts
        targets = study.scenario.targets
        self.thresholds = kpi.Thresholds(targets.within, targets.short)
        self.start = float(study.period.midnights[study.scenario.period.settle])
        self.end = study.period.length
        self._due_days = _due_days(study)

    def sums(self, built: ReplicationInputs, records: Records) -> Sums:
        """The sums of one replication."""
        # Calls outside hours come last in the records; a slice copies nothing.
        calls = records.calls[: len(records.calls) - len(built.inputs.closed_at)]
        late = self.after_hours(built.inputs)
        if len(late):
            calls = _without(calls, np.searchsorted(calls["entity"], late))
        if self.start:
            calls = take_rows(calls, np.flatnonzero(calls["entered"] >= self.start))
        counts = CallCounts(calls, self.thresholds, self.end)
        whole = {name: (float(top[0]), float(bottom[0])) for name, (top, bottom) in counts.shares(None, 1).items()}
        whole |= counts.percentiles()
        whole["occupancy"] = self._occupancy(records.work)
        whole |= self.promises(built.inputs, records)
        parts = {part: counts.shares(*self.groups(part, calls)) for part in self.parts}
        return Sums(whole, parts, {**self._counts(built, records, counts), "after_hours": len(late)})

    def after_hours(self, given: Inputs) -> Indices:
        """First attempts that reached the queue after the service had closed.

        The live service does not count them as visits in service hours. Redials are always within service hours.
        """
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

    # operators
    def _occupancy(self, work: Rows) -> tuple[float, float]:
        """Seconds of work, and seconds at the seat without breaks."""
        seconds = tally.spent(work, self.start)
        busy = seconds[Work.CALL] + seconds[Work.CALLBACK] + seconds[Work.EMAIL]
        return float(busy), float(seconds[Work.SEATED] - seconds[Work.BREAK])

    # promises
    def promises(self, inputs: Inputs, records: Records) -> dict[str, tuple[float, float]]:
        """(in time, all) of the requests that are due in the measured days."""
        found = {}
        for name, requests in self.requests(inputs, records).items():
            over, answered = requests
            cohort = (over >= self.start) & (over < self.end)
            in_time = cohort & (answered <= over)  # NaN, not answered, is never in time
            found[name] = (float(np.count_nonzero(in_time)), float(np.count_nonzero(cohort)))
        return found

    def requests(self, inputs: Inputs, records: Records) -> dict[str, tuple[Floats, Floats]]:
        """(last instant in time, instant of the answer or NaN) of every request, by measure.

        The clock starts when the citizen calls or writes. An e-mail counts for the front office unless it is handed
        over in time. If it is not read by then, the front office has failed, even if another level had to answer it.
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
        asked = call_instants(records.calls, calls)
        begun = np.concatenate((asked, mails["arrived"][handed]))
        answered = np.concatenate((calls["ended"], from_mails[handed]))
        return {
            "on_time_email": (over[front], mails["ended"][front]),
            "on_time_second_level": (self.due(second, begun), answered),
            # A call-back counts as made when it begins.
            "on_time_callback": (self.due(message, records.callbacks["created"]), records.callbacks["started"]),
        }

    def due(self, promise: Promise, start: Floats) -> Floats:
        """`charter.promises.due` for many instants, in seconds of the period."""
        if promise.clock == "hours":
            return start + 3600 * promise.amount
        if promise.clock == "calendar_days":
            return np.asarray(self._due_days[self.study.period.day_of(start)])
        period = self.study.period
        return period.after_service(period.service_seconds(start) + 3600 * promise.amount)

    # counts
    def _counts(self, built: ReplicationInputs, records: Records, counts: CallCounts) -> dict[str, float]:
        by_outcome = counts.by_outcome()
        fates: dict[str, int] = {fate: by_outcome[outcome] for outcome, fate in FATES.items()}
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


def _without(calls: Rows, few: Indices) -> Rows:
    """The calls without a few rows. What lies between these is copied in pieces."""
    words = as_table(calls, np.uint64)  # faster: structured rows would be copied field by field
    pieces = zip([0, *(few + 1).tolist()], [*few.tolist(), len(calls)], strict=True)
    return np.concatenate([words[begin:end] for begin, end in pieces]).view(calls.dtype).reshape(-1)


def _due_days(study: Study) -> Floats:
    """The last instant in time of a second-level request, by the day on which it began."""
    promise = study.promises["on_time_second_level"]
    period = study.period
    starts = (period.origin + float(period.midnights[day]) for day in range(period.days))
    return np.array([due(promise, start, study.hours) for start in starts]) - period.origin


def call_instants(calls: Rows, second: Rows) -> Floats:
    """When the calls behind these second-level requests came. Rows of one caller are adjacent."""
    entity = second["entity"]
    before = np.searchsorted(calls["entity"][np.flatnonzero(calls["attempt"])], entity)  # redials of earlier callers
    return np.asarray(calls["entered"][entity + before + second["attempt"]])
