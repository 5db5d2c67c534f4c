"""Reads a queue_log for `calibrate`: when callers entered the queue, their wait, its end, and the talk.

The grammar is in `ivr.switch_logs.queue_log` and the visits in `ivr.switch_logs.visits`, as for the live measures.
Unreadable parts are counted and never guessed: unknown verbs, torn lines, repeated lines. Of a switch with several
queues, only the visits at one are used.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, TextIO

from ivr.switch_logs import queue_log
from ivr.switch_logs import visits as switch_visits
from ivr.switch_logs.queue_log import ENTER, GRAMMAR, RESTARTS, VISIT_VERBS, Event
from ivr.switch_logs.visits import UNBOUNDED, Fate, Period, find_call_visits, joins
from queue_model.errors import ModelError

End = Literal["answered", "abandoned", "key", "timeout", "empty", "other", "lost", "open"]
ENDS: dict[Fate, End] = {
    "answered": "answered",
    "talking": "answered",
    "abandoned": "abandoned",
    "key": "key",
    "timeout": "timeout",
    "empty": "empty",
    "withdrawn": "other",
    "lost": "lost",
    "waiting": "open",
    "unknown": "open",
}  # callers who were refused never entered


class QueueLogError(ModelError):
    """A file that is not a queue_log or has no visits; the message names the file and the remedy."""


@dataclass
class Visit:
    """A caller's stay in the queue. `at` in epoch seconds; `wait` and `talk` in whole seconds, None: unknown."""

    call: str
    queue: str
    at: int
    caller: str = ""  # empty: withheld, purged, or not logged
    end: End = "open"
    wait: int | None = None
    talk: int | None = None
    key: str = ""


@dataclass
class QueueLog:
    """The contents of a queue_log."""

    visits: list[Visit] = field(default_factory=list)  # in order of entering
    lines: int = 0
    unknown: Counter[str] = field(default_factory=Counter)  # verbs that app_queue does not write
    torn: list[str] = field(default_factory=list)  # lines that are not events: queue_log:812
    repeated: int = 0  # lines that occurred before
    orphans: int = 0  # ends of visits that began before the log
    queues: Counter[str] = field(default_factory=Counter)  # entries by queue, of all queues in the log
    queue: str | None = None  # whose visits these are; None: of all queues

    def notes(self) -> list[str]:
        """Remarks on the quality of the log, for the reader."""
        found = []
        if self.torn:
            first = (
                f"{len(self.torn)} line{'' if len(self.torn) == 1 else 's'} torn or not an event (line {self.torn[0]})"
            )
            found.append(first + ", skipped")
        if self.unknown:
            verbs = ", ".join(f"{verb} {count}" for verb, count in sorted(self.unknown.items()))
            found.append(f"unknown verbs, skipped: {verbs}")
        if self.repeated:
            found.append(f"{self.repeated} lines occur twice and count once")
        if self.orphans:
            found.append(f"{self.orphans} ends of calls that began before the log, skipped")
        others = {name: count for name, count in self.queues.items() if self.queue not in (None, name)}
        if others:
            found.append(f"visits at other queues, left out: {_counts(others)}; --queue selects another")
        unknown = sum(visit.end not in ("open", "lost") and visit.wait is None for visit in self.visits)
        if unknown:
            found.append(f"the wait of {unknown} visits is unknown (longer than any call: the clock was changed)")
        unended = sum(visit.end in ("open", "lost") for visit in self.visits)
        if unended:
            found.append(f"{unended} visits without an end (the log stops, or the switch restarted)")
        return found


def read_queue_log(paths: Sequence[str], queue: str | None = None, period: Period = UNBOUNDED) -> QueueLog:
    """The visits of a queue_log, or of one queue. `paths`: its files, also rotated and `.gz`, in any order.

    A visit may begin in one file and end in the next. `period` bounds durations. Raises `QueueLogError`.
    """
    log, reader = QueueLog(queue=queue), _Reader(queue, period)
    with ExitStack() as after:
        files = [(path, _opened(path, after)) for path in paths]
        if len(files) > 1:
            files.sort(key=lambda each: _begins(*each))
        for path, file in files:
            _read(_lines(path, file), log, reader, f"{os.path.basename(path)}:")
    reader.finish(log)
    names = ", ".join(paths)
    if log.lines == len(log.torn):
        what = "empty" if not log.lines else "no line of it is an event"
        raise QueueLogError(
            f"{names}: {what}; a queue_log has lines like 1791187200|1791187200.7|nul|NONE|ENTERQUEUE||..."
        )
    if not log.visits:
        if log.queues:
            has = _counts(log.queues)
            raise QueueLogError(
                f'{names}: no caller entered the queue "{queue}"; the log has {has}: name one with --queue'
            )
        raise QueueLogError(
            f"{names}: no caller entered a queue (no ENTERQUEUE); check that it is the log of this switch"
        )
    return log


def parse(lines: Iterable[str], queue: str | None = None, period: Period = UNBOUNDED) -> QueueLog:
    """Like `read_queue_log`, from lines."""
    log, reader = QueueLog(queue=queue), _Reader(queue, period)
    _read(lines, log, reader)
    reader.finish(log)
    return log


def _counts(queues: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(queues.items()))


def _opened(path: str, after: ExitStack) -> TextIO:
    """The open file, which `after` closes. Raises `QueueLogError`."""
    try:
        if path.endswith(".gz"):
            return after.enter_context(gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n"))
        return after.enter_context(open(path, encoding="utf-8", errors="replace", newline="\n"))
    except OSError as problem:
        remedy = "give the path of Asterisk's queue_log (usually in its log folder)"
        raise QueueLogError(f"{path}: {problem.strerror}; {remedy}") from None


def _lines(path: str, file: TextIO) -> Iterator[str]:
    try:
        yield from iter(file.readline, "")  # iterating over the file itself would close it early
    except (OSError, EOFError, zlib.error) as problem:
        raise QueueLogError(f"{path}: cannot be read ({problem}); restore it, or leave it out") from None


def _begins(path: str, file: TextIO) -> float:
    """The instant of its first event, which orders the files whatever their names."""
    if not file.seekable():
        raise QueueLogError(f"{path}: a pipe cannot be read twice; give it alone, or save it in a file")
    events = (queue_log.parse(line.rstrip("\r\n")) for line in _lines(path, file))
    first = next((float(event.at) for event in events if event is not None), 0.0)
    file.seek(0)
    return first


def _read(lines: Iterable[str], log: QueueLog, reader: _Reader, name: str = "") -> None:
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        if not line:
            continue
        log.lines += 1
        event = queue_log.parse(line) if raw.endswith("\n") else None
        if event is None or queue_log.has_torn_seconds(event):
            log.torn.append(f"{name}{number}")
            event = queue_log.parse(queue_log.recover_line(line) or "") if raw.endswith("\n") else None
        if event is not None:
            reader.take(log, event)


def _number(caller: str) -> str:
    """The number; empty for a word (anonymous) or a purged number (+xxxx), which stand for many callers."""
    return caller if any(character.isdigit() for character in caller) else ""


class _Reader:
    def __init__(self, queue: str | None, period: Period) -> None:
        self.queue, self.period = queue, period
        self.calls: dict[str, dict[Event, None]] = {}
        self.restarts: set[int] = set()

    def take(self, log: QueueLog, event: Event) -> None:
        if event.verb in RESTARTS:
            self.restarts.add(event.at)
            return
        log.queues[event.queue] += event.verb in ENTER
        if self.queue not in (None, event.queue) and event.verb not in ENTER:  # another entry ends a stay
            return
        if event.verb in VISIT_VERBS:
            events = self.calls.setdefault(event.call, {})
            log.repeated += event in events
            events[event] = None
        elif event.verb not in GRAMMAR:
            log.unknown[event.verb] += 1

    def finish(self, log: QueueLog) -> None:
        restarts = sorted(self.restarts)
        found: list[switch_visits.Visit] = []
        for events in self.calls.values():
            visits, orphans = find_call_visits(events, restarts, self.period)
            log.orphans += orphans
            found += (visit for visit in visits if self.queue in (None, visit.queue))
        halves = [visit for visit in found if not visit.entry_logged]
        for visit in found:
            if visit.entry_logged:
                log.visits += _visits(_other_half(visit, halves))
        log.orphans += len(halves)
        log.queues = +log.queues
        log.visits.sort(key=lambda visit: visit.at)


def _other_half(visit: switch_visits.Visit, halves: list[switch_visits.Visit]) -> switch_visits.Visit:
    """The visit with the end and the call of its other half, which is taken from `halves`."""
    if not visit.end_logged:
        for half in halves:
            if joins(visit, half):
                halves.remove(half)
                return half._replace(entered=visit.entered, caller=half.caller or visit.caller)
    return visit


def _visits(visit: switch_visits.Visit) -> Iterator[Visit]:
    """The visit as `calibrate` needs it; none for a caller who was refused."""
    end = ENDS.get(visit.fate)
    if end is not None:
        talk = None if visit.transferred else visit.talk  # the rest is not in the log
        yield Visit(visit.call, visit.queue, visit.entered, _number(visit.caller), end, visit.wait, talk, visit.key)
