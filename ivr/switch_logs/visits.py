"""Turns the events of one call into its visits, each with exactly one fate.

A visit is one stay in the queue: the n-th time that the call entered a queue or was refused. The visits are a pure
function of the set of the call's events and the times of switch starts. So the order and repetition of lines do not
matter, and a reader of a growing log may calculate them again whenever more lines have come.

An end counts however late it is logged. A visit without an end is closed by the first of: the end of the call (our
ENDED), another entry, a start of the switch. Without any of these it is open until the longest possible call is over;
from then on its end is unknown. Unknown values are None, never zero.

An end without a beginning still contains the seconds before it, so it makes a visit as well, without `entry_logged`.
Such an end has two causes: a file that is missing, or an attended transfer into the queue. There the operator's
channel enters the queue, and Asterisk logs the rest of the stay under the caller's channel. `joins` recognizes the two
halves.

No duration can exceed the longest call: a longer one comes from a clock that was changed during the call, and is
unknown.

When a telephone dies in a talk, Asterisk logs the end as if somebody had hung up. Our LINELOST follows: the talk was
not completed, and the visit is lost.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from charter import kpi
from ivr.switch_logs.queue_log import (
    REFUSALS,
    TALK_ENDS,
    VISIT_VERBS,
    WAIT_ENDS,
    Event,
    hold_seconds,
    parse_entry,
    ring_seconds,
    talk_seconds,
    wait_seconds,
)

Fate = kpi.Fate | Literal["waiting", "talking", "withdrawn"]

FATES: dict[str, Fate] = {
    "CONNECT": "talking",
    "ABANDON": "abandoned",
    "EXITWITHKEY": "key",
    "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "empty",
    "WITHDRAW": "withdrawn",
    "SYSCOMPAT": "lost",  # no codec in common: the switch hangs up on the caller
    "FULL": "full",
    "JOINEMPTY": "busy",
    "JOINUNAVAIL": "busy",
    "UNKNOWN": "busy",
}
_TRANSFERS = frozenset(TALK_ENDS) - {"COMPLETEAGENT", "COMPLETECALLER"}
_RANK = {**dict.fromkeys(TALK_ENDS, 0), **dict.fromkeys(WAIT_ENDS, 1), "ENTERQUEUE": 2, "ENDED": 4}
_NEVER = 1 << 62
JOIN_SECONDS = 1  # by which the two halves of one stay may differ: times are whole seconds
ROUNDING_SECONDS = 2  # by which the sum of hold and talk may differ from the time between two lines
# Asterisk logs this instead of the key that was pressed during an announcement. Our dialplan then offers the voicemail
# again, and the caller leaves or waits on at the same place: one visit, although the log has two.
INTERRUPTED = "\x01"


class Visit(NamedTuple):
    """One stay in a queue. Times in epoch seconds, durations in seconds, both whole as in the log; None: unknown."""

    call: str  # the UNIQUEID of the caller's channel
    number: int  # counts the call's stays, from 1
    queue: str
    entered: int
    fate: Fate
    left: int | None = None  # end of the stay, including the talk
    wait: int | None = None
    talk: int | None = None  # with the operator, until the end or the transfer
    ring: int | None = None  # of the answered telephone
    caller: str = ""  # the number; empty when withheld
    position: int | None = None  # on entering
    key: str = ""  # with which the caller left the queue
    transferred: bool = False
    operator: str = ""  # who answered, as in the log: a pseudonym; not stored in the table of visits
    entry_logged: bool = True  # False: `entered` was calculated from the end; the position is unknown

    @property
    def end_logged(self) -> bool:
        """Whether the log has the end of the stay, or the caller was not let in."""
        return self.fate not in ("waiting", "talking", "unknown") and (self.talk is not None or self.fate != "answered")


class CallVisits(NamedTuple):
    """The visits in order of entry, and the number of orphans: ends that belong to none of them."""

    visits: list[Visit]
    orphans: int


class Period(NamedTuple):
    """What bounds the visits of a log. The default bounds nothing."""

    longest: float = math.inf  # s of a call (`limits.longest_call_seconds`)
    now: float = -math.inf  # epoch seconds, to which the log is complete

    def is_over(self, entered: float) -> bool:
        """Whether a stay that began at `entered` must have ended by now."""
        return entered + self.longest < self.now


UNBOUNDED = Period()


def find_visits(events: Iterable[Event], restarts: Sequence[int] = (), period: Period = UNBOUNDED) -> list[Visit]:
    """The visits of one call. `restarts`: the times of all QUEUESTART, in order."""
    return find_call_visits(events, restarts, period).visits


def find_call_visits(
    events: Iterable[Event], restarts: Sequence[int] = (), period: Period = UNBOUNDED
) -> CallVisits:  # fmt: skip
    """The visits of one call, and the number of orphans."""
    told = events if isinstance(events, list) else list(events)
    found = _find_simple_visit(told)
    if found is None:
        found = _Call(sorted({event for event in told if event.verb in VISIT_VERBS}), restarts, period).result()
    return found._replace(visits=[_bound(visit, period) for visit in found.visits])


def joins(begun: Visit, ended: Visit) -> bool:
    """Whether two visits of different calls are halves of one stay: one without an end, one without a beginning."""
    halves = begun.entry_logged and not begun.end_logged and not ended.entry_logged
    same = begun.queue == ended.queue and begun.call != ended.call
    return halves and same and abs(begun.entered - ended.entered) <= JOIN_SECONDS


def _bound(visit: Visit, period: Period) -> Visit:
    """Close a visit whose call must be over, and remove durations that no call can have."""
    longest, (wait, talk, ring) = period.longest, (visit.wait, visit.talk, visit.ring)
    if visit.left is not None and visit.left - visit.entered <= longest and (wait or 0) + (talk or 0) <= longest:
        return visit
    if visit.left is None and not period.is_over(visit.entered):
        return visit
    return visit._replace(
        fate="unknown" if visit.fate == "waiting" else "answered" if visit.fate == "talking" else visit.fate,
        left=None if visit.left is None or visit.left - visit.entered > longest else visit.left,
        wait=None if wait is None or wait > longest else wait,
        talk=None if talk is None or talk > longest else talk,
        ring=None if ring is None or ring > longest else ring,
    )


def _find_simple_visit(told: list[Event]) -> CallVisits | None:
    """The fast path for nearly every call: one entry, one end of the wait and, when answered, one end of the talk, in
    order. None for other calls. `_Call` gives the same result in ten times the time."""
    begin = wait = talk = None  # type: Event | None
    for event in told:
        verb = event.verb
        if verb == "ENTERQUEUE":
            if begin is not None and begin != event:
                return None
            begin = event
        elif verb in WAIT_ENDS:
            if wait is not None and wait != event:
                return None
            wait = event
        elif verb in TALK_ENDS:
            if talk is not None and talk != event:
                return None
            talk = event
        elif verb in REFUSALS or verb == "LINELOST":
            return None
    if begin is None or wait is None or wait.at < begin.at or wait.queue != begin.queue:
        return None
    queue, (_, caller, position), waited_for = begin.queue, parse_entry(begin), wait_seconds(wait)
    if waited_for is None:
        return None
    if wait.verb != "CONNECT":
        if talk is not None:
            return None
        key = wait.words[0] if wait.verb == "EXITWITHKEY" else ""
        if key == INTERRUPTED:
            return None
        fate = FATES[wait.verb]
        visit = Visit(begin.call, 1, queue, begin.at, fate, wait.at, waited_for, None, None, caller, position, key)
        return CallVisits([visit], 0)
    if talk is None or talk.at < wait.at or talk.queue != queue:
        return None
    visit = Visit(
        begin.call, 1, queue, begin.at, "answered", talk.at, waited_for, talk_seconds(talk), ring_seconds(wait),
        caller, position, "", talk.verb in _TRANSFERS, wait.agent,
    )  # fmt: skip
    return CallVisits([visit], 0)


class _Stay:
    """A visit under construction."""

    __slots__ = (
        "answered", "entered", "entry", "events", "fate", "key", "left", "operator", "ring", "talk", "transferred",
        "wait",
    )  # fmt: skip

    def __init__(self, event: Event, entered: int | None = None) -> None:
        self.entry = event  # or the end, when only that is logged
        self.entered = event.at if entered is None else entered
        self.fate: Fate = FATES.get(event.verb, "waiting") if entered is None else "waiting"
        self.answered = self.left = self.wait = self.talk = self.ring = None  # type: int | None
        self.key = self.operator = ""
        self.transferred = False
        if self.fate != "waiting":  # not let in
            self.left, self.wait = event.at, 0


class _Call:
    def __init__(self, told: list[Event], restarts: Sequence[int], period: Period = UNBOUNDED) -> None:
        self.restarts = restarts
        self.longest = period.longest
        self.stays: list[_Stay] = []
        self.current: dict[str, _Stay] = {}  # by queue: the stay that is not over
        self.orphans: list[Event] = []
        self.ended: Event | None = None
        self.lost_lines: list[Event] = []
        place = 0
        while place < len(told):
            until = place + 1
            while until < len(told) and told[until].at == told[place].at:
                until += 1
            self._second(told[place:until])
            place = until

    def result(self) -> CallVisits:
        if self.orphans:
            self._match_orphans()
            self._match_talks()
            self._add_visits_without_entry()
        self.stays.sort(key=lambda stay: (stay.entered, stay.entry.queue))
        for number, stay in enumerate(self.stays, 1):
            if stay.left is None:
                self._close(stay, self.stays[number].entered if number < len(self.stays) else None)
        for event in self.lost_lines:
            self._lose(event)
        visits = [_visit(stay, number, self._caller) for number, stay in enumerate(self.stays, 1)]
        visits = self._join_interrupted(visits)
        # Our dialplan repeats QUEUESTATUS, so a WITHDRAW without parameters follows Asterisk's own.
        return CallVisits(visits, sum(event.verb != "WITHDRAW" or bool(event.rest) for event in self.orphans))

    def _join_interrupted(self, visits: list[Visit]) -> list[Visit]:
        """Join the stays that an announcement's key divided. Without a second stay, the caller left or gave up."""
        joined: list[Visit] = []
        for visit in visits:
            if joined and joined[-1].key == INTERRUPTED and joined[-1].queue == visit.queue:
                first = joined.pop()
                wait = None if visit.wait is None else visit.wait + visit.entered - first.entered
                whole = visit._replace(entered=first.entered, wait=wait, position=first.position)
            else:
                whole = visit
            joined.append(whole._replace(number=len(joined) + 1))
        gave_up = self.ended is not None and self.ended.words[0] == "abandoned"
        fate: Fate = "abandoned" if gave_up else "key"
        return [each._replace(key="", fate=fate) if each.key == INTERRUPTED else each for each in joined]

    # events in order

    def _second(self, told: list[Event]) -> None:
        """Take the events of one second, whose order is unknown; the one that fits the state best comes first."""
        while told:
            event = told[0] if len(told) == 1 else min(told, key=self._unfit)
            told.remove(event)
            self._take(event)

    def _unfit(self, event: Event) -> tuple[bool, int, int, Event]:
        stay = self.current.get(event.queue)
        verb = event.verb
        if verb in WAIT_ENDS:
            fits = stay is not None and stay.fate == "waiting"
            off = abs(event.at - (wait_seconds(event) or 0) - stay.entered) if stay is not None and fits else 0
        else:
            fits = stay is not None and stay.fate == "talking" if verb in TALK_ENDS else stay is None
            off = 0
        return not fits, _RANK.get(verb, 3), off, event

    def _take(self, event: Event) -> None:
        verb = event.verb
        if verb == "ENTERQUEUE":
            stay = self.current[event.queue] = _Stay(event)
            self.stays.append(stay)
        elif verb in REFUSALS:
            self.stays.append(_Stay(event))
        elif verb == "ENDED":
            self.ended = event
        elif verb == "LINELOST":
            self.lost_lines.append(event)
        elif not self._end(self.current.get(event.queue), event):
            self.orphans.append(event)

    def _end(self, stay: _Stay | None, event: Event) -> bool:
        """End the wait or the talk of a stay with an event; False when it does not fit."""
        if stay is not None and stay.fate == "waiting" and event.verb in WAIT_ENDS:
            seconds = wait_seconds(event)
            stay.wait = max(0, event.at - stay.entered) if seconds is None else seconds
            stay.fate = FATES[event.verb]
            if stay.fate == "talking":
                stay.answered, stay.ring, stay.operator = event.at, ring_seconds(event), event.agent
                return True
            stay.key = event.words[0] if event.verb == "EXITWITHKEY" else ""
        elif stay is not None and stay.fate == "talking" and event.verb in TALK_ENDS:
            stay.fate, stay.talk, stay.transferred = "answered", talk_seconds(event), event.verb in _TRANSFERS
        else:
            return False
        stay.left = event.at
        self.current.pop(event.queue, None)
        return True

    def _match_orphans(self) -> None:
        """Match ends with later beginnings: a clock set back during a stay logs the end before the beginning."""
        for verbs in (WAIT_ENDS, TALK_ENDS):
            for event in [each for each in self.orphans if each.verb in verbs]:
                wanted = "waiting" if verbs is WAIT_ENDS else "talking"
                later = (each for each in self.stays if each.entry.queue == event.queue and each.fate == wanted)
                if self._end(next(later, None), event):
                    self.orphans.remove(event)

    def _match_talks(self) -> None:
        """End the wait of a stay whose CONNECT was lost, with the end of the talk, which contains the wait."""
        for event in [each for each in self.orphans if each.verb in TALK_ENDS]:
            began, hold = _began(event), hold_seconds(event)
            for stay in self.stays:
                fits = began is not None and abs(stay.entered - began) <= ROUNDING_SECONDS
                if stay.fate == "waiting" and stay.entry.queue == event.queue and fits:
                    stay.fate, stay.wait, stay.operator = "talking", hold, event.agent
                    self._end(stay, event)
                    self.orphans.remove(event)
                    break

    def _add_visits_without_entry(self) -> None:
        """Make visits from ends alone, unless their time belongs to another stay: then the end is a repetition."""
        for event in sorted(self.orphans, key=lambda each: (each.at, each.verb in TALK_ENDS, each)):
            began = _began(event) if event in self.orphans else None
            if began is None or event.at - began > self.longest or self._is_taken(event.queue, began, event.at):
                continue
            stay = _Stay(event, began)
            if event.verb in TALK_ENDS:
                stay.fate, stay.wait, stay.operator = "talking", hold_seconds(event), event.agent
            self._end(stay, event)
            self.stays.append(stay)
            self.orphans.remove(event)
            if stay.fate == "talking":
                self._match_orphans()

    def _is_taken(self, queue: str, began: int, ended: int) -> bool:
        """Whether another stay includes this time. The next stay begins before a transfer: the operator enters the
        queue first, while the caller is on hold."""
        for stay in self.stays:
            left = _NEVER if stay.left is None else stay.left
            if stay.entry.queue != queue or (stay.transferred and left <= ended):
                continue
            if began == stay.entered or (began < left and stay.entered < ended):
                return True
        return False

    def _caller(self) -> str:
        """The caller's number, from any entry of the call."""
        entries = (parse_entry(stay.entry).caller for stay in self.stays if stay.entry.verb == "ENTERQUEUE")
        return next(filter(None, entries), "")

    def _lose(self, event: Event) -> None:
        """The last talk before this line was not completed. Its length, with the silence of a dead line, is unknown."""
        talks = (
            stay for stay in reversed(self.stays)
            if stay.fate == "answered" and stay.entry.queue == event.queue and (stay.left or 0) <= event.at
        )  # fmt: skip
        if (stay := next(talks, None)) is not None:
            stay.fate, stay.talk = "lost", None

    # stays without an end

    def _close(self, stay: _Stay, entered_again: int | None) -> None:
        since = stay.answered if stay.answered is not None else stay.entered
        place = bisect_right(self.restarts, since)
        restart = self.restarts[place] if place < len(self.restarts) else _NEVER
        again = _NEVER if entered_again is None else entered_again
        ended = self.ended.at if self.ended is not None else _NEVER
        first = min(restart, again, max(ended, since))
        if first == _NEVER:
            return
        if first != max(ended, since) and first - stay.entered > self.longest:
            stay.fate = "unknown" if stay.fate == "waiting" else "answered"  # it was over before
            return
        if stay.fate == "talking":
            stay.fate, stay.left = "answered", first
            return
        gave_up = first == max(ended, since) and self.ended is not None and self.ended.words[0] == "abandoned"
        stay.fate, stay.left = ("abandoned" if gave_up else "lost"), first
        # The wait is unknown for callers lost in a switch restart; the switch may have been down for hours.
        stay.wait = None if first == restart else first - stay.entered


def _began(event: Event) -> int | None:
    """When the stay began, by the seconds in its end."""
    if event.verb in WAIT_ENDS:
        wait = wait_seconds(event)
        return None if wait is None else event.at - wait
    hold, talk = hold_seconds(event), talk_seconds(event)
    return None if hold is None or talk is None else event.at - hold - talk


def _visit(stay: _Stay, number: int, known_caller: Callable[[], str]) -> Visit:
    event = stay.entry
    if event.verb == "ENTERQUEUE":
        _, caller, position = parse_entry(event)
    else:
        caller, position = "" if event.verb in REFUSALS else known_caller(), None
    return Visit(
        event.call, number, event.queue, stay.entered, stay.fate, stay.left, stay.wait, stay.talk, stay.ring, caller,
        position, stay.key, stay.transferred, stay.operator, event.verb == "ENTERQUEUE" or event.verb in REFUSALS,
    )  # fmt: skip
