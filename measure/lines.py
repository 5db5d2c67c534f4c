"""Lines of a queue_log as they are kept: each under a key of its own, without anybody's number.

The key is what a line says, the number left out: the same line is the same event, wherever and however often it stands,
and before and after its number was purged from the file. In its place stands a pseudonym, and who knows the number of
somebody can tell his lines from others', but only with the site's key.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from ivr import queue_log
from ivr.queue_log import GRAMMAR, LONGEST, OF_VISITS, RESTARTS, SECONDS, Event, entry
from registry.keys import Keys
from registry.numbers import e164

# What is dialled or said in other lines: a number of seven digits or more that is no part of a channel's name.
_NUMBER = re.compile(r"(?<![\w./-])\+?[0-9]{7,15}(?![\w./-])", re.ASCII)
_VERBATIM = frozenset(GRAMMAR) - {
    "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER", "OUTCALL", "DID", "INFO", "WITHDRAW", "MENU", "NOTICE", "CLOSED",
    "SURVEY", "ENTERQUEUE",
}  # fmt: skip
_PLAIN_ENTRY = re.compile(r"\|[0-9+*#./ \-]*\|[1-9][0-9]{0,4}", re.ASCII).fullmatch  # no URL, no name
# Numbers whose E.164 is plain without the numbering plan, which takes 50 us to look into.
_PLAIN = re.compile(r"0[1-9][0-9]{5,9}|3[1-8][0-9]{8}|\+39(0[1-9][0-9]{5,9}|3[0-9]{9})", re.ASCII)
REMEMBERED = 1 << 16  # numbers

Row = tuple[int, int, str, str, str]  # of queue_event


class Callers:
    """Pseudonyms of numbers as queue_log has them."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.pseudonym = lru_cache(REMEMBERED)(self._pseudonym)

    def _pseudonym(self, number: str) -> str:
        """Empty for a number that is withheld."""
        plain = canonical(number)
        return self._keys.pseudonym(plain) if plain else ""


def canonical(number: str) -> str:
    """One text for all ways to write a number: E.164 where it is one, else its digits; empty when it has none, as
    after a purge of the log (`+xxxxxxxxxxxx`)."""
    if _PLAIN.fullmatch(number):
        return number if number.startswith("+") else "+39" + number
    digits = "".join(sign for sign in number if sign in "+0123456789")
    return e164(number) or (digits if digits.strip("+") else "")


class Batch(NamedTuple):
    """What a block of lines holds. `calls`: the events that decide over visits, by call."""

    rows: list[Row]
    calls: dict[str, list[Event]]
    restarts: set[int]


@dataclass
class Count:
    """What was read."""

    lines: int = 0
    new: int = 0
    repeated: int = 0
    torn: int = 0
    mended: int = 0  # of the torn ones, those of which the end is a whole line
    future: int = 0  # later than now: the switch's clock, or a stranger's file
    unknown: Counter[str] = field(default_factory=Counter)  # verbs

    def add(self, other: Count) -> None:
        for name in ("lines", "new", "repeated", "torn", "mended", "future"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown.update(other.unknown)


def read(data: bytes, callers: Callers, until: float, count: Count) -> Batch:
    """The lines of a block. What lies after `until` (epoch seconds) is from the future: taken, and counted."""
    batch = Batch([], {}, set())
    rows, calls, new = batch.rows, batch.calls, tuple.__new__
    lines = queue_log.decode(data).split("\n")
    count.lines += len(lines) - lines.count("")
    for line in lines:
        # Nearly every line, without a call; the others, and with the same result these, by `_take_odd`.
        parts = line.split("|", 5)
        if len(parts) == 6 and len(parts[0]) == SECONDS and line.isascii() and len(line) <= LONGEST:
            epoch, call, queue, agent, verb, rest = parts
            kept = None
            if verb in _VERBATIM:
                kept = hashed = line
            elif verb == "ENTERQUEUE" and _PLAIN_ENTRY(rest):
                _, caller, place = rest.split("|")
                head, rest = line[: -len(rest)], f"|{callers.pseudonym(caller.strip())}|{place}"
                kept, hashed = head + rest, f"{head}||{place}"
            if kept is not None and epoch.isdigit() and "|QUEUESTART|" not in line and (at := int(epoch)) <= until:
                rows.append((at, _key(hashed), call, verb, kept))
                if verb in OF_VISITS:
                    event = new(Event, (at, call, queue, agent, verb, rest))
                    if call in calls:
                        calls[call].append(event)
                    else:
                        calls[call] = [event]
                continue
        if line:
            _take_odd(batch, line, callers, until, count)
    return batch


def _take_odd(batch: Batch, line: str, callers: Callers, until: float, count: Count) -> None:
    event = queue_log.parse(line)
    if event is None:
        count.torn += 1
        line = queue_log.mend(line) or ""
        event = queue_log.parse(line)
        if event is None:
            return
        count.mended += 1
    take(batch, event, line, callers, until, count)


def _key(hashed: str) -> int:
    return int.from_bytes(blake2b(hashed.encode(), digest_size=8).digest(), "little", signed=True)


def take(batch: Batch, event: Event, line: str, callers: Callers, until: float, count: Count) -> None:
    """Put an event into the batch, without numbers."""
    at, call, verb = event.at, event.call, event.verb
    hashed = line
    if verb not in _VERBATIM:
        event, hashed = without_number(event, callers)
        line = event.line()
        if verb not in GRAMMAR:
            count.unknown[verb] += 1
    if at > until:
        count.future += 1
    batch.rows.append((at, _key(hashed), call, verb, line))
    if verb in OF_VISITS:
        events = batch.calls.get(call)
        if events is None:
            batch.calls[call] = [event]
        else:
            events.append(event)
    elif verb in RESTARTS:
        batch.restarts.add(at)


def without_number(event: Event, callers: Callers) -> tuple[Event, str]:
    """The event with a pseudonym in place of the caller's number, and the line with neither, which makes its key."""
    if event.verb != "ENTERQUEUE":
        event = event._replace(rest=_NUMBER.sub("<number>", event.rest))
        return event, event.line()
    url, caller, position = entry(event)
    url = _NUMBER.sub("<number>", url.replace(caller, "<number>") if caller else url).replace("|", "%7C")
    place = "" if position is None else position
    kept = event._replace(rest=f"{url}|{callers.pseudonym(caller)}|{place}")
    return kept, event._replace(rest=f"{url}||{place}").line()
