"""The state of the queue now, from AMI events; without I/O.

Events are absolute (a member's event has the member's full state), so an event that comes twice, or again after a full
listing (`reset`), changes nothing. Only counts leave this class: no operator, no telephone, no caller. The events and
their order were observed on Asterisk 22.

The fate of a stay comes from AgentConnect or QueueCallerAbandon, or from the channel variable QUEUESTATUS when the
switch removed the caller or refused them. A caller who left without any of these left by key. A call is one stay here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from charter.calendar import OpeningHours
from charter.kpi import DEFAULT_THRESHOLDS, Fate, Figure, Thresholds, Visit, measure
from common.instants import iso

Message = Mapping[str, str]

# Asterisk's device states (include/asterisk/devicestate.h), as QueueMemberStatus has them.
_TALKING = frozenset(("2", "3", "7", "8"))  # in use, busy, ringing while in use, on hold
_RINGING = "6"
_FREE = "1"
_STATUS: dict[str, Fate] = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "LEAVEUNAVAIL": "empty",
    "WITHDRAW": "empty",  # the service removed the caller
    "FULL": "full",
    "JOINEMPTY": "busy",
    "JOINUNAVAIL": "busy",
}
CLOCK_TOLERANCE = 2.0  # s: instants are whole seconds
SETTLED_SECONDS = 5.0  # after leaving, the reason is not reported any more: it was the key
SHOWN = ("service_level", "answer_rate", "abandonment", "overflow", "wait_mean_all", "wait_p90_answered")
# The reasons of the telephones, and of the switch for an operator who let it ring; anything else is "other".
PAUSES = ("break", "after_call_work", "email", "missed_rings")


class Stay(NamedTuple):
    """A stay of this day. `fate` is None while it is unknown; `left` is when the caller was reported to have left."""

    entered: float
    fate: Fate | None
    wait: float
    talk: float | None = None
    left: float = 0.0


@dataclass(frozen=True)
class Seats:
    """The number of seats in each state. Each seat that is logged in is in exactly one of the others."""

    logged_in: int = 0
    free: int = 0
    ringing: int = 0
    talking: int = 0
    wrap_up: int = 0
    unreachable: int = 0  # the telephone is not registered
    blocked: int = 0  # free, but not rung: the clock was set back before the end of the last call
    paused: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*PAUSES, "other"), 0))


@dataclass(frozen=True)
class Snapshot:
    """The counts and figures of one instant, without names."""

    at: float  # epoch seconds, by the switch's clock
    connected: bool
    open: bool  # in service hours
    waiting: int
    oldest_wait: float  # s; 0 when nobody waits
    seats: Seats
    offered: int
    answered: int
    abandoned: int
    led_to_voicemail: int
    figures: dict[str, Figure]
    since: float  # the figures are complete from this instant on...
    blind_seconds: float  # ...except this time without a connection
    clock_steps: int = 0  # how often the switch's clock was set while we listened
    last_step: float = 0.0  # s, negative: set back

    def document(self) -> dict[str, Any]:
        figures = {
            name: {"value": each.value, "numerator": each.numerator, "denominator": each.denominator}
            for name, each in self.figures.items()
        }
        return {**asdict(self), "at": iso(self.at), "since": iso(self.since), "figures": figures}


class QueueState:
    """One queue. Instants are epoch seconds of the switch's clock."""

    def __init__(
        self, queue: str, hours: OpeningHours, wrap_up: float, thresholds: Thresholds = DEFAULT_THRESHOLDS
    ) -> None:
        self.queue = queue
        self.connected = False
        self.hours, self._wrap_up, self._thresholds = hours, wrap_up, thresholds
        self._members: dict[str, Message] = {}  # by interface
        self._waiting: dict[str, float] = {}  # UNIQUEID -> since when
        self._stays: dict[str, Stay] = {}  # of today, ended or ending
        self._stored: dict[str, Visit] = {}  # of today, from the database
        self._since: float | None = None
        self._blind = 0.0
        self._lost_at: float | None = None
        self._steps, self._last_step = 0, 0.0

    # --- input

    def clock_stepped(self, seconds: float) -> None:
        """The switch's clock was set by so many seconds: keep the durations that are being measured."""
        self._steps, self._last_step = self._steps + 1, seconds
        self._waiting = {unique: since + seconds for unique, since in self._waiting.items()}
        if self._lost_at is not None:
            self._lost_at += seconds

    def reset(self, listed: Iterable[Message], now: float) -> None:
        """Replace the state by the entries that QueueStatus lists."""
        self._members.clear()
        before = self._waiting
        self._waiting = {}
        for entry in listed:
            if entry.get("Queue") != self.queue:
                continue
            if entry["Event"] == "QueueMember":
                self._members[entry.get("Location", "")] = entry
            elif entry["Event"] == "QueueEntry":
                unique = entry.get("Uniqueid", "")
                self._waiting[unique] = before.get(unique, now - _number(entry.get("Wait", "")))
        self._connected(now)

    def load_visits(self, visits: Mapping[str, Visit], since: float) -> None:
        """Add today's stored visits, by UNIQUEID, which include those missed here. Observed stays take precedence."""
        self._stored = dict(visits)
        self._since = since
        self._blind = 0.0

    def handle(self, event: Message, now: float) -> None:
        """Process an event of any kind."""
        kind = event.get("Event", "")
        if kind == "VarSet":
            if event.get("Variable") == "QUEUESTATUS":
                self._status(event.get("Uniqueid", ""), event.get("Value", ""), now)
            elif event.get("Variable") in ("IVR_LOST_SEATS", "IVR_LOST_CALLER"):  # a line died: extensions_nul.conf
                self._lose(event.get("Uniqueid", ""))
        elif event.get("Queue") != self.queue:
            return
        elif kind in ("QueueMemberAdded", "QueueMemberStatus", "QueueMemberPause"):
            self._members[event.get("Interface", "")] = event
        elif kind == "QueueMemberRemoved":
            self._members.pop(event.get("Interface", ""), None)
        else:
            self._caller(kind, event, now)

    def disconnected(self, now: float) -> None:
        """The connection was lost: the state may be wrong from now on."""
        if self.connected:
            self._lost_at = now
        self.connected = False

    def _connected(self, now: float) -> None:
        self.connected = True
        if self._since is None:
            self._since = now
        if self._lost_at is not None:
            self._blind += max(0.0, now - self._lost_at)
            self._lost_at = None

    def _caller(self, kind: str, event: Message, now: float) -> None:
        unique = event.get("Uniqueid", "")
        if kind == "QueueCallerJoin":
            self._waiting.setdefault(unique, now)
        elif kind == "QueueCallerLeave":
            since = self._waiting.pop(unique, None)
            if since is not None and unique not in self._stays:
                self._stays[unique] = Stay(since, None, max(0.0, now - since), left=now)
        elif kind == "AgentConnect":
            self._end(unique, "answered", event.get("HoldTime", ""), now)
        elif kind == "QueueCallerAbandon":
            self._end(unique, "abandoned", event.get("HoldTime", ""), now)
        elif kind == "AgentComplete" and (stay := self._stays.get(unique)) is not None:
            self._stays[unique] = stay._replace(talk=_number(event.get("TalkTime", "")))

    def _end(self, unique: str, fate: Fate, hold: str, now: float) -> None:
        """Take the wait from Asterisk, in whole seconds, so that the figures match those of its log."""
        since, stay, wait = self._waiting.pop(unique, None), self._stays.get(unique), _number(hold)
        if stay is None:
            self._stays[unique] = Stay(now - wait if since is None else since, fate, wait)
        elif stay.fate != fate:
            self._stays[unique] = stay._replace(fate=fate, wait=wait)

    def _status(self, unique: str, value: str, now: float) -> None:
        fate = _STATUS.get(value)
        if fate is None:
            return
        since, stay = self._waiting.pop(unique, None), self._stays.get(unique)
        if stay is None:
            entered = now if since is None else since
            self._stays[unique] = Stay(entered, fate, now - entered)
        elif stay.fate is None:
            self._stays[unique] = stay._replace(fate=fate)

    def _lose(self, unique: str) -> None:
        """The talk was not completed. A caller who returns to the queue has one stay here, which is answered then."""
        stay = self._stays.get(unique)
        if stay is not None and stay.fate == "answered":
            self._stays[unique] = stay._replace(fate="lost", talk=None)

    # --- output

    def snapshot(self, now: float) -> Snapshot:
        """The state now. Deletes the stays of earlier days."""
        midnight = self.midnight(now)
        self._forget(midnight)
        visits = self._visits(now)
        counts = Counter(each.fate for each in visits)
        figures = measure(visits, self._thresholds)
        overflow = figures["overflow"]
        return Snapshot(
            at=now,
            connected=self.connected,
            open=self.hours.is_open(now),
            waiting=len(self._waiting),
            oldest_wait=max((max(0.0, now - since) for since in self._waiting.values()), default=0.0),
            seats=self._seats(now),
            offered=len(visits),
            answered=counts["answered"],
            abandoned=counts["abandoned"],
            led_to_voicemail=int(overflow.numerator),
            figures={name: figures[name] for name in SHOWN},
            since=max(midnight, now if self._since is None else self._since),
            blind_seconds=self._blind + (max(0.0, now - self._lost_at) if self._lost_at is not None else 0.0),
            clock_steps=self._steps,
            last_step=self._last_step,
        )

    def _visits(self, now: float) -> list[Visit]:
        by_call = dict(self._stored)
        for unique, stay in self._stays.items():
            fate = stay.fate
            if fate is None:
                if now - stay.left < SETTLED_SECONDS:
                    continue
                fate = "key"
            by_call[unique] = Visit(stay.entered, fate, stay.wait, stay.talk)
        return [visit for visit in by_call.values() if self.hours.is_open(visit.entered)]

    def _forget(self, midnight: float) -> None:
        self._stays = {unique: stay for unique, stay in self._stays.items() if stay.entered >= midnight}
        self._stored = {unique: visit for unique, visit in self._stored.items() if visit.entered >= midnight}
        if self._since is not None and self._since < midnight:
            self._since, self._blind = midnight, 0.0

    def midnight(self, now: float) -> float:
        """The start of the local day of that instant."""
        local = self.hours.local(now)
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()

    def _seats(self, now: float) -> Seats:
        states: Counter[str] = Counter()
        paused = dict.fromkeys((*PAUSES, "other"), 0)
        for member in self._members.values():
            state = self._state(member, now)
            if state == "paused":
                reason = member.get("PausedReason", "")
                paused[reason if reason in PAUSES else "other"] += 1
            else:
                states[state] += 1
        return Seats(len(self._members), paused=paused, **states)

    def _state(self, member: Message, now: float) -> str:
        status = member.get("Status", "")
        if status in _TALKING:
            return "talking"
        if status == _RINGING:
            return "ringing"
        if status != _FREE:
            return "unreachable"
        if member.get("Paused") == "1":
            return "paused"
        since = now - _number(member.get("LastCall", ""))
        if since < -CLOCK_TOLERANCE and self._wrap_up:
            return "blocked"
        return "wrap_up" if 0 <= since < self._wrap_up else "free"


def _number(text: str) -> float:
    """Zero for anything else: other versions of Asterisk may omit the field."""
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else 0.0
