"""The promises of the Carta dei servizi: an amount of time, the clock that measures it, the share that must be in time.

Three clocks. `hours` never stop: 48 hours from Friday at five end on Sunday at five, though nobody works then.
`service_hours` run while the service is open. `calendar_days` are whole local days: the day on which the clock starts
does not count, and the last day counts to its end, as with every term in days (art. 155 c.p.c.: *dies a quo non
computatur*). An answer at the very instant at which the time is over is in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from charter.calendar import OpeningHours

Clock = Literal["hours", "service_hours", "calendar_days"]
CLOCKS: tuple[Clock, ...] = ("hours", "service_hours", "calendar_days")
Language = Literal["it", "en"]


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
    return f"{amount} nel {share} dei casi" if language == "it" else f"{amount} in {share} of cases"


def explain(promise: Promise, start: float, hours: OpeningHours, language: Language = "it") -> str:
    """The arithmetic of one request's clock in words, for whoever asks why it was due then."""
    begun, over = hours.local(start), due(promise, start, hours)
    rule = _RULES[language][promise.clock]
    amount = f"{promise.amount:g} {_WORDS[language][promise.clock]}"
    if math.isinf(over):
        never = "non scade mai: il servizio resta chiuso" if language == "it" else "never due: the service stays closed"
        return f"{begun:%d/%m/%Y %H:%M:%S} + {amount}: {never} ({rule})"
    ended = hours.local(over)
    until = "scade" if language == "it" else "due"
    return f"{begun:%d/%m/%Y %H:%M:%S} + {amount}: {until} {ended:%d/%m/%Y %H:%M:%S} ({rule})"
