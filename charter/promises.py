"""The promises of the Carta dei servizi: an amount of time, the clock that measures it, the share that must be in time.

Three clocks. `hours` never stop: 48 hours from Friday at five end on Sunday at five, though nobody works then.
`service_hours` run while the service is open. `calendar_days` are whole local days: the day on which the clock starts
does not count, and the last day counts to its end, as with every term in days (art. 155 c.p.c.: *dies a quo non
computatur*). An answer at the very instant at which the time is over is in time.

A clock pauses while the service waits for the citizen, and goes on with what was left; one in calendar days is given
back the midnights that passed in the pause. Time that is over stays over, whatever pause comes after.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from charter.calendar import OpeningHours
from common.languages import Language

Clock = Literal["hours", "service_hours", "calendar_days"]
CLOCKS: tuple[Clock, ...] = ("hours", "service_hours", "calendar_days")


class Promise(NamedTuple):
    """`share` of the requests are answered within `amount` hours, service hours or calendar days."""

    name: str
    amount: float
    clock: Clock
    share: float


class Deferred(NamedTuple):
    """A request that is answered later: its last instant in time, and its answer. None: not answered yet."""

    due: float
    answered: float | None = None

    @property
    def in_time(self) -> bool:
        return self.answered is not None and self.answered <= self.due


class Backlog(NamedTuple):
    """What lies open beyond its time at one moment: how many, and how late in seconds, on average and at worst."""

    late: int
    mean_lateness: float
    worst_lateness: float


State = Literal["running", "paused", "stopped"]


class Change(NamedTuple):
    """From `at` on, epoch seconds, a clock is in this state."""

    at: float
    state: State


class Pause(NamedTuple):
    """The clock stood still in [start, until)."""

    start: float
    until: float


class Reading(NamedTuple):
    """A clock as it stands after its changes.

    `due` is the last instant in time, with all pauses that have ended; a pause under way moves it when it ends.
    """

    started: float
    due: float
    pauses: tuple[Pause, ...] = ()
    paused: float | None = None  # since when it has stood still
    stopped: float | None = None

    @property
    def in_time(self) -> bool:
        """Stopped before its time was over."""
        return self.stopped is not None and self.stopped <= self.due

    @property
    def paused_seconds(self) -> float:
        return sum(each.until - each.start for each in self.pauses)

    def late(self, now: float) -> float:
        """Seconds beyond its time at `now`, 0 in time; a clock that stands still does not grow later."""
        end = min(each for each in (self.stopped, self.paused, now) if each is not None)
        return max(0.0, end - self.due)


def read(promise: Promise, changes: Sequence[Change], hours: OpeningHours) -> Reading:
    """What a clock says after these changes, in order of time; the first starts it.

    A change to the state in which it is changes nothing. One that stops while it is paused ends the pause as well.
    ValueError: it does not begin by running, a change is earlier than the one before, or comes after the stop.
    """
    if not changes or changes[0].state != "running":
        raise ValueError("a clock begins by running")
    start = changes[0].at
    found, last = Reading(start, due(promise, start, hours)), start
    for at, state in changes[1:]:
        if at < last:
            raise ValueError(f"a clock's changes come in order of time: {at} is before {last}")
        if found.stopped is not None:
            raise ValueError("a stopped clock does not change; a request that is reopened has another one")
        last = at
        if state == "paused":
            found = found if found.paused is not None else found._replace(paused=at)
        elif found.paused is not None:
            over = due_after_pause(promise, found.due, found.paused, at, hours)
            found = found._replace(due=over, pauses=(*found.pauses, Pause(found.paused, at)), paused=None)
        if state == "stopped":
            found = found._replace(stopped=at)
    return found


def due_after_pause(promise: Promise, over: float, paused: float, resumed: float, hours: OpeningHours) -> float:
    """The last instant in time, which was `over`, after a pause in [paused, resumed); epoch seconds."""
    if over <= paused:
        return over
    if promise.clock == "hours":
        return over + (resumed - paused)
    if promise.clock == "service_hours":
        return math.inf if math.isinf(over) else _service_due(resumed, hours.service_seconds(paused, over), hours)
    midnights = (hours.local(resumed).date() - hours.local(paused).date()).days
    return end_of_day(hours.local(over).date() + timedelta(days=midnights - 1), hours)


def due(promise: Promise, start: float, hours: OpeningHours) -> float:
    """The last instant in time, in epoch seconds, of a request whose clock starts at `start`.

    Infinite for a service clock that never comes so far. ValueError for calendar days that are not whole.
    """
    if promise.clock == "hours":
        return start + 3600 * promise.amount
    if promise.clock == "calendar_days":
        return end_of_day(_day_after(hours.local(start).date(), promise.amount), hours)
    return _service_due(start, 3600 * promise.amount, hours)


def _day_after(day: date, days: float) -> date:
    if days != int(days):
        raise ValueError(f"calendar days are whole, not {days}; use hours")
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
    """The requests that are open at `now` although their time is over."""
    late = [now - each.due for each in requests if each.due < now and (each.answered is None or each.answered > now)]
    return Backlog(len(late), sum(late) / len(late) if late else 0.0, max(late, default=0.0))


# --- in words --------------------------------------------------------------------------------------------------------

_WORDS: dict[Language, dict[Clock, str]] = {
    "it": {"hours": "ore", "service_hours": "ore di servizio", "calendar_days": "giorni solari"},
    "en": {"hours": "hours", "service_hours": "service hours", "calendar_days": "calendar days"},
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


def words(promise: Promise, language: Language = "it") -> str:
    """The promise in a few words: `48 ore nel 90 % dei casi`."""
    share = f"{100 * promise.share:g} %"
    amount = f"{promise.amount:g} {_WORDS[language][promise.clock]}"
    return _SAID[language]["share"].format(amount, share)


def explain(
    promise: Promise,
    start: float,
    hours: OpeningHours,
    language: Language = "it",
    changes: Sequence[Change] = (),
) -> str:
    """The arithmetic of one request's clock in words, for whoever asks why it was due then.

    A line for the start; with `changes`, which begin with the start, a line for each pause and one for the end.
    """
    found = read(promise, changes, hours) if changes else Reading(start, due(promise, start, hours))
    over = due(promise, found.started, hours)
    rule, never = _RULES[language][promise.clock], _SAID[language]["never"]
    amount = f"{promise.amount:g} {_WORDS[language][promise.clock]}"
    until = never if math.isinf(over) else f"{_SAID[language]['due']} {_moment(over, hours)}"
    begun = f"{_moment(found.started, hours)} + {amount}: {until} ({rule})"
    return "\n".join([begun, *_after(promise, found, over, hours, language)])


_SAID: dict[Language, dict[str, str]] = {
    "it": {
        "share": "{} nel {} dei casi",
        "never": "non scade mai: il servizio resta chiuso",
        "due": "scade",
        "pause": "sospesa dal {} al {}, in attesa del cittadino: scade {}",
        "paused": "sospesa dal {}, in attesa del cittadino: la scadenza si sposta quando riprende",
        "in time": "conclusa {}: nei tempi",
        "late": "conclusa {}: fuori tempo",
    },
    "en": {
        "share": "{} in {} of cases",
        "never": "never due: the service stays closed",
        "due": "due",
        "pause": "paused {} to {}, waiting for the citizen: due {}",
        "paused": "paused since {}, waiting for the citizen: it is due later once it runs again",
        "in time": "ended {}: in time",
        "late": "ended {}: late",
    },
}


def _after(promise: Promise, found: Reading, over: float, hours: OpeningHours, language: Language) -> list[str]:
    """What happened to a clock after its start."""
    said, lines = _SAID[language], []
    for start, until in found.pauses:
        over = due_after_pause(promise, over, start, until, hours)
        moment = said["never"] if math.isinf(over) else _moment(over, hours)
        lines.append(said["pause"].format(_moment(start, hours), _moment(until, hours), moment))
    if found.paused is not None:
        lines.append(said["paused"].format(_moment(found.paused, hours)))
    if found.stopped is not None:
        lines.append(said["in time" if found.in_time else "late"].format(_moment(found.stopped, hours)))
    return lines


def _moment(at: float, hours: OpeningHours) -> str:
    return f"{hours.local(at):%d/%m/%Y %H:%M:%S}"
