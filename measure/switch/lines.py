"""Lines of a queue_log as they are kept: each once, without anybody's number.

What a line says, the number left out, is its key: the same line is the same event, wherever and however often it
stands, and before and after its number was purged from the file. A pseudonym is kept beside it, and who knows the
number of somebody can tell his lines from others', but only with the site's key.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ivr.switch_logs import queue_log
from ivr.switch_logs.queue_log import GRAMMAR, LONGEST, OF_VISITS, RESTARTS, SECONDS, Event, entry
from registry.keys import Keys
from registry.people.phone_numbers import e164

# What is dialled or said in other lines: a number of seven digits or more that is no part of a channel's name.
_NUMBER = re.compile(r"(?<![\w./-])\+?[0-9]{7,15}(?![\w./-])", re.ASCII)
_NUMBERED = frozenset((
    "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER", "OUTCALL", "DID", "INFO", "WITHDRAW", "MENU", "NOTICE", "CLOSED",
    "SURVEY",
))  # fmt: skip
_VERBATIM = frozenset(GRAMMAR) - _NUMBERED - {"ENTERQUEUE"} - RESTARTS.keys()
_PLAIN_ENTRY = re.compile(r"\|[0-9+*#./ \-]*\|[1-9][0-9]{0,4}", re.ASCII).fullmatch  # no URL, no name
# Numbers whose E.164 is plain without the numbering plan, which takes 50 us to look into.
_PLAIN = re.compile(r"0[1-9][0-9]{5,9}|3[1-8][0-9]{8}|\+39(0[1-9][0-9]{5,9}|3[0-9]{9})", re.ASCII)
REMEMBERED = 1 << 16  # numbers

URL = 200  # characters of the URL of an entry; what is longer is cut

Row = tuple[str, int, str, str | None]  # of queue_event


class Kept(NamedTuple):
    """A row of queue_event."""

    call: str
    at: int
    said: str
    caller: str | None

    def event(self) -> Event | None:
        """What it was made of, the pseudonym in place of the number; None for what no line can be."""
        event = queue_log.parse(f"{self.at}|{self.call}|{self.said}")
        if event is None or event.verb != "ENTERQUEUE" or self.caller is None:
            return event
        url, _, place = event.rest.split("|")
        return event._replace(rest=f"{url}|{self.caller}|{place}")


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
    rows, calls, new, last, at = batch.rows, batch.calls, tuple.__new__, "", 0
    text = queue_log.decode(data)
    plain, restarted = text.isascii(), "|QUEUESTART|" in text
    lines = text.split("\n")
    count.lines += len(lines) - lines.count("")
    for line in lines:
        # Nearly every line, without a call; the others, and with the same result these, by `_take_odd`.
        parts = line.split("|", 5)
        if len(parts) == 6 and len(line) <= LONGEST and (plain or line.isascii()):
            epoch, call, queue, agent, verb, rest = parts
            if epoch != last and len(epoch) == SECONDS and epoch.isdigit() and (seconds := int(epoch)) <= until:
                last, at = epoch, seconds
            if epoch == last and not (restarted and "|QUEUESTART|" in line):
                if verb in _VERBATIM:
                    rows.append((call, at, line[SECONDS + 2 + len(call) :], None))
                elif verb == "ENTERQUEUE" and _PLAIN_ENTRY(rest):
                    _, number, place = rest.split("|")
                    caller = callers.pseudonym(number.strip())
                    rest = f"|{caller}|{place}"
                    rows.append((call, at, f"{queue}|{agent}|ENTERQUEUE|||{place}", caller or None))
                elif verb in _NUMBERED:
                    rest = _NUMBER.sub("<number>", rest)
                    rows.append((call, at, f"{queue}|{agent}|{verb}|{rest}", None))
                else:
                    _take_odd(batch, line, callers, until, count)
                    continue
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
    take(batch, event, callers, until, count)


def take(batch: Batch, event: Event, callers: Callers, until: float, count: Count) -> None:
    """Put an event into the batch, without numbers."""
    at, call, queue, agent, verb, rest = event
    caller = None
    if verb == "ENTERQUEUE":
        url, number, position = entry(event)
        url = _NUMBER.sub("<number>", url.replace(number, "<number>") if number else url)[:URL].replace("|", "%7C")
        caller = callers.pseudonym(number) or None
        place = "" if position is None else position
        rest = f"{url}||{place}"
        event = event._replace(rest=f"{url}|{caller or ''}|{place}")
    elif verb in _NUMBERED or verb not in GRAMMAR:
        rest = _NUMBER.sub("<number>", rest)
        event = event._replace(rest=rest)
    if verb not in GRAMMAR:
        count.unknown[verb] += 1
    if at > until:
        count.future += 1
    batch.rows.append((call, at, f"{queue}|{agent}|{verb}|{rest}", caller))
    if verb in OF_VISITS:
        batch.calls.setdefault(call, []).append(event)
    elif verb in RESTARTS:
        batch.restarts.add(at)
