"""Asterisk's queue_log, read as visits: who entered the queue, how long he waited, how it ended, how long he talked.

A line is `epoch|call|queue|agent|EVENT|parameters`, in whole seconds. A visit is the n-th ENTERQUEUE of a call, since a
call may enter twice. What cannot be read is counted and never guessed: unknown verbs, torn lines, lines written twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from queue_model.errors import ModelError

End = Literal["answered", "abandoned", "key", "timeout", "empty", "other", "lost", "open"]

# Where the seconds waited stand among the parameters, by the verb that ends a wait (app_queue.c).
ENDS: dict[str, tuple[End, int]] = {
    "CONNECT": ("answered", 0),
    "ABANDON": ("abandoned", 2),
    "EXITWITHKEY": ("key", 3),
    "EXITWITHTIMEOUT": ("timeout", 2),
    "EXITEMPTY": ("empty", 2),
    "WITHDRAW": ("other", 2),
}
COMPLETE = ("COMPLETEAGENT", "COMPLETECALLER")
TRANSFERS = ("BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER")  # talk went on elsewhere: how long, the log cannot say
RESTARTS = ("QUEUESTART",)
MEMBERS = ("ADDMEMBER", "REMOVEMEMBER", "PAUSE", "UNPAUSE", "PAUSEALL", "UNPAUSEALL", "PENALTY", "RINGINUSE")
AGENTS = ("RINGNOANSWER", "RINGCANCELED", "AGENTDUMP", "SYSCOMPAT", "AGENTLOGIN", "AGENTLOGOFF", "OUTCALL")
OURS = ("MENU", "NOTICE", "CLOSED", "FULL", "JOINEMPTY", "SURVEY", "ENDED")  # written by the dialplan
WITHOUT_MEANING_HERE = frozenset((*MEMBERS, *AGENTS, *OURS, "CONFIGRELOAD", "DID", "INFO"))


class QueueLogError(ModelError):
    """A file that is no queue_log, or holds no visit; the message names the file and the remedy."""


@dataclass
class Visit:
    """One caller's stay in the queue. `at` in epoch seconds; `wait` and `talk` in whole seconds, None: not known."""

    call: str
    queue: str
    at: int
    caller: str = ""  # empty: withheld, or not logged
    end: End = "open"
    wait: int | None = None
    talk: int | None = None
    key: str = ""


@dataclass
class QueueLog:
    """What a queue_log holds."""

    visits: list[Visit] = field(default_factory=list)  # in order of entering
    lines: int = 0
    unknown: Counter[str] = field(default_factory=Counter)  # verbs that app_queue does not write
    torn: list[int] = field(default_factory=list)  # numbers of the lines that are no events
    repeated: int = 0  # lines that were there before
    orphans: int = 0  # ends of visits that began before the log

    def notes(self) -> list[str]:
        """What the reader should know about the log, in words."""
        found = []
        if self.torn:
            first = f"{len(self.torn)} line{'' if len(self.torn) == 1 else 's'} torn or no event (line {self.torn[0]})"
            found.append(first + ", passed over")
        if self.unknown:
            words = ", ".join(f"{verb} {count}" for verb, count in sorted(self.unknown.items()))
            found.append(f"unknown verbs, passed over: {words}")
        if self.repeated:
            found.append(f"{self.repeated} lines were there twice and count once")
        if self.orphans:
            found.append(f"{self.orphans} ends of calls that began before the log, passed over")
        unended = sum(visit.end in ("open", "lost") for visit in self.visits)
        if unended:
            found.append(f"{unended} visits without an end (the log stops, or the switch restarted)")
        return found


def read_queue_log(path: str, queue: str | None = None) -> QueueLog:
    """The visits of a queue_log, of one queue if named. Raises `QueueLogError`."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            log = parse(file, queue)
    except OSError as problem:
        remedy = "give the path of Asterisk's queue_log (usually in its log folder)"
        raise QueueLogError(f"{path}: {problem.strerror}; {remedy}") from None
    if log.lines == len(log.torn):
        what = "empty" if not log.lines else "not a line of it is an event"
        raise QueueLogError(
            f"{path}: {what}; a queue_log has lines like 1791187200|1791187200.7|nul|NONE|ENTERQUEUE||..."
        )
    if not log.visits:
        which = f' of queue "{queue}"; leave out --queue to take all' if queue else "; is it the log of another switch?"
        raise QueueLogError(f"{path}: no caller entered a queue (no ENTERQUEUE){which}")
    return log


def parse(lines: Iterable[str], queue: str | None = None) -> QueueLog:
    """As `read_queue_log`, from lines."""
    log, reader = QueueLog(), _Reader(queue)
    seen: set[str] = set()
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        if not line:
            continue
        log.lines += 1
        words = line.split("|")
        if not raw.endswith("\n") or len(words) < 5 or not (words[0].isascii() and words[0].isdigit()):
            log.torn.append(number)
            continue
        if words[4] == "ENTERQUEUE" or words[4] in ENDS or words[4] in COMPLETE:
            if line in seen:
                log.repeated += 1
                continue
            seen.add(line)
        if not reader.take(log, int(words[0]), words[1], words[2], words[4], words[5:]):
            log.torn.append(number)
    log.visits.sort(key=lambda visit: visit.at)
    return log


class _Reader:
    def __init__(self, queue: str | None) -> None:
        self.queue = queue
        self.waiting: dict[tuple[str, str], Visit] = {}
        self.talking: dict[tuple[str, str], Visit] = {}

    def take(self, log: QueueLog, at: int, call: str, queue: str, verb: str, words: list[str]) -> bool:
        """Take in an event; False for one whose parameters cannot be read."""
        if verb in RESTARTS:
            self._restart()
        elif self.queue is not None and queue != self.queue:
            return True
        elif verb == "ENTERQUEUE":
            visit = Visit(call, queue, at, words[1].strip() if len(words) > 1 else "")
            self._lose(call, queue)
            self.waiting[call, queue] = visit
            log.visits.append(visit)
        elif verb in ENDS:
            return self._end(log, call, queue, verb, words)
        elif verb in COMPLETE:
            return self._complete(log, call, queue, words)
        elif verb in TRANSFERS:
            self.talking.pop((call, queue), None)
        elif verb not in WITHOUT_MEANING_HERE:
            log.unknown[verb] += 1
        return True

    def _end(self, log: QueueLog, call: str, queue: str, verb: str, words: list[str]) -> bool:
        end, place = ENDS[verb]
        waited = _seconds(words, place)
        if waited is None:
            return False
        visit = self.waiting.pop((call, queue), None)
        if visit is None:
            log.orphans += 1
            return True
        visit.end, visit.wait = end, waited
        visit.key = words[0] if end == "key" else ""
        if end == "answered":
            self.talking[call, queue] = visit
        return True

    def _complete(self, log: QueueLog, call: str, queue: str, words: list[str]) -> bool:
        talked = _seconds(words, 1)
        if talked is None:
            return False
        visit = self.talking.pop((call, queue), None)
        if visit is None:
            log.orphans += 1
        else:
            visit.talk = talked
        return True

    def _lose(self, call: str, queue: str) -> None:
        before = self.waiting.pop((call, queue), None)
        if before is not None:
            before.end = "lost"

    def _restart(self) -> None:
        """Who was waiting when the switch restarted was lost; who was talking, nobody knows for how long."""
        for visit in self.waiting.values():
            visit.end = "lost"
        self.waiting.clear()
        self.talking.clear()


def _seconds(words: list[str], place: int) -> int | None:
    word = words[place].strip() if place < len(words) else ""
    return int(word) if word.isascii() and word.isdigit() else None
