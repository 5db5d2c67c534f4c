"""The promises of the Carta dei servizi: an amount of time, the clock that measures it, the share that must be in time.

There are three clocks. `hours` never stop: 48 hours from Friday at 17:00 end on Sunday at 17:00. `service_hours` run
while the service is open. `calendar_days` are whole local days: the day on which the clock starts does not count, and
the last day counts to its end, as in every period of days (art. 155 c.p.c.: *dies a quo non computatur*). An answer at
exactly the due instant is in time.

A clock is paused while the service waits for the citizen, and resumes with the time that was left; in calendar days,
the due date moves by the midnights in the pause. A pause after the due instant does not change it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from charter.calendar import OpeningHours
from common import instants
from common.italian import DAY_NAMES, WEEKDAYS, Inserted
from common.languages import Language, number_text

Clock = Literal["hours", "service_hours", "calendar_days"]
CLOCKS: tuple[Clock, ...] = ("hours", "service_hours", "calendar_days")


class Promise(NamedTuple):
    """`share` of the requests are answered within `amount` hours, service hours or calendar days."""

    name: str
    amount: float
    clock: Clock
    share: float


class Deferred(NamedTuple):
    """A request with a due instant; `answered` is None if it is not answered yet."""

    due: float
    answered: float | None = None

    @property
    def in_time(self) -> bool:
        return self.answered is not None and self.answered <= self.due


class Backlog(NamedTuple):
    """The overdue requests at one instant: their number, and their mean and maximum delay in seconds."""

    late: int
    mean_lateness: float
    worst_lateness: float


State = Literal["running", "paused", "stopped"]


class Change(NamedTuple):
    """A clock enters this state at `at`, in epoch seconds."""

    at: float
    state: State


class Pause(NamedTuple):
    """The clock was paused in [start, until)."""

    start: float
    until: float


class ClockState(NamedTuple):
    """A clock after its changes.

    `due` is the last instant in time and includes all pauses that have ended; a current pause moves it when it ends.
    """

    started: float
    due: float
    pauses: tuple[Pause, ...] = ()
    paused: float | None = None  # start of the current pause
    stopped: float | None = None

    @property
    def in_time(self) -> bool:
        """Whether the clock was stopped at its due instant or before."""
        return self.stopped is not None and self.stopped <= self.due

    @property
    def paused_seconds(self) -> float:
        return sum(each.until - each.start for each in self.pauses)

    def late(self, now: float) -> float:
        """Seconds past the due instant at `now`, else 0; the delay does not grow while paused or after the stop."""
        end = min(each for each in (self.stopped, self.paused, now) if each is not None)
        return max(0.0, end - self.due)


def clock_state(promise: Promise, changes: Sequence[Change], hours: OpeningHours) -> ClockState:
    """The state of a clock after these changes, in order of time; the first one starts it.

    A change to the current state has no effect. Stopping a paused clock ends the pause as well. ValueError: the first
    change is not "running", a change is earlier than the one before, or follows the stop.
    """
    if not changes or changes[0].state != "running":
        raise ValueError("the first change of a clock must be 'running'")
    start = changes[0].at
    clock, last = ClockState(start, due(promise, start, hours)), start
    for at, state in changes[1:]:
        if at < last:
            raise ValueError(f"a clock's changes must be in order of time: {at} is before {last}")
        if clock.stopped is not None:
            raise ValueError("a stopped clock cannot change; a reopened request has a new clock")
        last = at
        if state == "paused":
            clock = clock if clock.paused is not None else clock._replace(paused=at)
        elif clock.paused is not None:
            moved = due_after_pause(promise, clock.due, clock.paused, at, hours)
            clock = clock._replace(due=moved, pauses=(*clock.pauses, Pause(clock.paused, at)), paused=None)
        if state == "stopped":
            clock = clock._replace(stopped=at)
    return clock


def due_after_pause(promise: Promise, before: float, paused: float, resumed: float, hours: OpeningHours) -> float:
    """The due instant, which was `before`, after a pause in [paused, resumed); epoch seconds."""
    if before <= paused:
        return before
    if promise.clock == "hours":
        return before + (resumed - paused)
    if promise.clock == "service_hours":
        return math.inf if math.isinf(before) else _service_due(resumed, hours.service_seconds(paused, before), hours)
    midnights = (hours.local(resumed).date() - hours.local(paused).date()).days
    return end_of_day(hours.local(before).date() + timedelta(days=midnights - 1), hours)


def due(promise: Promise, start: float, hours: OpeningHours) -> float:
    """The due instant, the last one in time, of a clock that starts at `start`; epoch seconds.

    Infinite if the service is not open long enough. ValueError if calendar days are not a whole number.
    """
    if promise.clock == "hours":
        return start + 3600 * promise.amount
    if promise.clock == "calendar_days":
        return end_of_day(_day_after(hours.local(start).date(), promise.amount), hours)
    return _service_due(start, 3600 * promise.amount, hours)


def _day_after(day: date, days: float) -> date:
    if days != int(days):
        raise ValueError(f"calendar days must be a whole number, not {days}; use hours")
    return day + timedelta(days=int(days))


def end_of_day(day: date, hours: OpeningHours) -> float:
    """The instant of the midnight that ends a local day."""
    return datetime.combine(day + timedelta(days=1), time(), hours.zone).astimezone(UTC).timestamp()


def _service_due(start: float, seconds: float, hours: OpeningHours) -> float:
    at = start
    while True:
        at = hours.next_opening(at)
        if math.isinf(at):
            return math.inf
        closing = hours.next_change(at)
        if seconds <= closing - at:
            return at + seconds
        seconds -= closing - at
        at = closing


def backlog(requests: Iterable[Deferred], now: float) -> Backlog:
    """The requests that are overdue at `now`."""
    late = [now - each.due for each in requests if each.due < now and (each.answered is None or each.answered > now)]
    return Backlog(len(late), sum(late) / len(late) if late else 0.0, max(late, default=0.0))


# --- texts -----------------------------------------------------------------------------------------------------------

_UNITS: dict[Language, dict[Clock, str]] = {
    "it": {
        "hours": "{:ora|ore}",
        "service_hours": "{:ora|ore} di servizio",
        "calendar_days": "{:giorno solare|giorni solari}",
    },
    "en": {
        "hours": "{:hour|hours}",
        "service_hours": "{:service hour|service hours}",
        "calendar_days": "{:calendar day|calendar days}",
    },
}
_RULES: dict[Language, dict[Clock, str]] = {
    "it": {
        "hours": "l'orologio non si ferma mai, neanche di notte e nei giorni festivi",
        "service_hours": "l'orologio corre solo durante l'orario di apertura",
        "calendar_days": "il giorno di partenza non si conta, l'ultimo vale per intero",
    },
    "en": {
        "hours": "the clock never stops, not at night and not on holidays",
        "service_hours": "the clock runs during opening hours only",
        "calendar_days": "the first day does not count, the last one counts to its end",
    },
}
_TEXTS: dict[Language, dict[str, str]] = {
    "it": {
        "share": "{} {:in} dei casi",
        "never": "non scade mai: il servizio resta chiuso",
        "due": "scade {}",
        "due by": "entro {}",
        "pause": "sospesa {:da} {:a}, in attesa della persona: {}",
        "paused": "sospesa {:da}, in attesa della persona: la scadenza si sposta quando riprende",
        "in time": "conclusa {}: nei tempi",
        "late": "conclusa {}: fuori tempo",
    },
    "en": {
        "share": "{} in {} of cases",
        "never": "never due: the service stays closed",
        "due": "due {}",
        "due by": "by {}",
        "pause": "paused {} to {}, waiting for the person: {}",
        "paused": "paused since {}, waiting for the person: the due date moves when it resumes",
        "in time": "ended {}: in time",
        "late": "ended {}: late",
    },
}


def describe(promise: Promise, language: Language = "it") -> str:
    """The promise in a few words: `48 ore nel 90 % dei casi`."""
    share = Inserted(f"{number_text(100 * promise.share, language)} %")
    return _TEXTS[language]["share"].format(_amount(promise, language), share)


def _amount(promise: Promise, language: Language) -> str:
    return _UNITS[language][promise.clock].format(number_text(promise.amount, language))


def explain(
    promise: Promise,
    start: float,
    hours: OpeningHours,
    language: Language = "it",
    changes: Sequence[Change] = (),
) -> str:
    """How the due date of one request was calculated, for a person who asks.

    One line for the start; with `changes`, whose first is the start, one line for each pause and one for the end.
    """
    clock = clock_state(promise, changes, hours) if changes else ClockState(start, due(promise, start, hours))
    first_due = due(promise, clock.started, hours)
    rule = _RULES[language][promise.clock]
    amount = _amount(promise, language)
    start_line = f"{_time_text(clock.started, hours)} + {amount}: {_due_text(first_due, hours, language)} ({rule})"
    return "\n".join([start_line, *_later_lines(promise, clock, first_due, hours, language)])


def _later_lines(
    promise: Promise, clock: ClockState, due_at: float, hours: OpeningHours, language: Language
) -> list[str]:
    """A line for each pause and for the end of a clock."""
    texts, lines = _TEXTS[language], []
    for start, until in clock.pauses:
        due_at = due_after_pause(promise, due_at, start, until, hours)
        due_text = _due_text(due_at, hours, language)
        lines.append(texts["pause"].format(_time_text(start, hours), _time_text(until, hours), due_text))
    if clock.paused is not None:
        lines.append(texts["paused"].format(_time_text(clock.paused, hours)))
    if clock.stopped is not None:
        lines.append(texts["in time" if clock.in_time else "late"].format(_time_text(clock.stopped, hours)))
    return lines


def _due_text(due_at: float, hours: OpeningHours, language: Language) -> str:
    """When a clock ends; an end at midnight is named by the last day, which counts in full."""
    if math.isinf(due_at):
        return _TEXTS[language]["never"]
    if not instants.ends_a_day(due_at, hours.zone):
        return _TEXTS[language]["due"].format(_time_text(due_at, hours))
    day = instants.last_day(due_at, hours.zone)
    sunday = day.weekday() == 6
    italian = f"{WEEKDAYS[day.weekday()]} {day:%d/%m/%Y} {'compresa' if sunday else 'compreso'}"
    english = f"{DAY_NAMES[day.weekday()].capitalize()} {day:%d/%m/%Y}"
    return _TEXTS[language]["due by"].format(italian if language == "it" else english)


def _time_text(at: float, hours: OpeningHours) -> Inserted:
    return Inserted(f"{hours.local(at):%d/%m/%Y %H:%M:%S}")
