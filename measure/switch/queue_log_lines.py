"""Lines of a queue_log as they are stored: each once, without callers' numbers.

The text of a line without the number is its key: the same line is the same event, in whatever file and however often it
appears, and before and after its number was purged from the file. The caller's pseudonym is stored beside the text;
only with the site's key can a number be matched with its pseudonym.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ivr.switch_logs import queue_log
from ivr.switch_logs.queue_log import EPOCH_DIGITS, GRAMMAR, MAX_LINE_BYTES, RESTARTS, VISIT_VERBS, Event, parse_entry
from registry.keys import Keys
from registry.people.phone_numbers import to_e164

# A number in other lines: seven digits or more that are not part of a channel's name.
_NUMBER = re.compile(r"(?<![\w./-])\+?[0-9]{7,15}(?![\w./-])", re.ASCII)
_NUMBERED = frozenset((
    "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER", "OUTCALL", "DID", "INFO", "WITHDRAW", "MENU", "NOTICE", "CLOSED",
    "SURVEY",
))  # fmt: skip
_VERBATIM = frozenset(GRAMMAR) - _NUMBERED - {"ENTERQUEUE"} - RESTARTS.keys()
_PLAIN_ENTRY = re.compile(r"\|[0-9+*#./ \-]*\|[1-9][0-9]{0,4}", re.ASCII).fullmatch  # no URL, no name
# Numbers whose E.164 form is known without the numbering plan, whose lookup takes 50 us.
_PLAIN = re.compile(r"0[1-9][0-9]{5,9}|3[1-8][0-9]{8}|\+39(0[1-9][0-9]{5,9}|3[0-9]{9})", re.ASCII)
REMEMBERED = 1 << 16  # numbers

URL = 200  # characters of the URL of an entry that are stored

Row = tuple[str, int, str, str | None]  # of queue_event


class StoredLine(NamedTuple):
    """A row of queue_event."""

    call: str
    at: int
    text: str
    caller: str | None

    def event(self) -> Event | None:
        """The event of the line, with the pseudonym in place of the number; None for an invalid line."""
        event = queue_log.parse(f"{self.at}|{self.call}|{self.text}")
        if event is None or event.verb != "ENTERQUEUE" or self.caller is None:
            return event
        url, _, place = event.rest.split("|")
        return event._replace(rest=f"{url}|{self.caller}|{place}")


class Callers:
    """Pseudonyms of numbers as they are written in a queue_log."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.pseudonym = lru_cache(REMEMBERED)(self._pseudonym)

    def _pseudonym(self, number: str) -> str:
        """Empty for a withheld number."""
        plain = canonical(number)
        return self._keys.pseudonym(plain) if plain else ""


def canonical(number: str) -> str:
    """One form for all ways to write a number: E.164 if it is valid, else its digits; empty without digits, as after a
    purge of the log (`+xxxxxxxxxxxx`)."""
    if _PLAIN.fullmatch(number):
        return number if number.startswith("+") else "+39" + number
    digits = "".join(sign for sign in number if sign in "+0123456789")
    return to_e164(number) or (digits if digits.strip("+") else "")


class Batch(NamedTuple):
    """The content of a block of lines. `calls`: the events from which visits are built, by call."""

    rows: list[Row]
    calls: dict[str, list[Event]]
    restarts: set[int]


@dataclass
class Count:
    """Numbers of lines that were read."""

    lines: int = 0
    new: int = 0
    repeated: int = 0
    torn: int = 0
    mended: int = 0  # torn lines whose end is a complete line
    future: int = 0  # later than now: a wrong clock, or a file of another switch
    unknown: Counter[str] = field(default_factory=Counter)  # verbs

    def add(self, other: Count) -> None:
        for name in ("lines", "new", "repeated", "torn", "mended", "future"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown.update(other.unknown)


def read_lines(data: bytes, callers: Callers, until: float, count: Count) -> Batch:
    """Read the lines of a block. Lines after `until` (epoch seconds) are counted as future, and read as well."""
    batch = Batch([], {}, set())
    rows, calls, new, last, at = batch.rows, batch.calls, tuple.__new__, "", 0
    text = queue_log.decode(data)
    plain, restarted = text.isascii(), "|QUEUESTART|" in text
    lines = text.split("\n")
    count.lines += len(lines) - lines.count("")
    for line in lines:
        # The fast path, without function calls, for nearly every line; `_add_unusual` gives the same result for them.
        parts = line.split("|", 5)
        if len(parts) == 6 and len(line) <= MAX_LINE_BYTES and (plain or line.isascii()):
            epoch, call, queue, agent, verb, rest = parts
            if epoch != last and len(epoch) == EPOCH_DIGITS and epoch.isdigit() and (seconds := int(epoch)) <= until:
                last, at = epoch, seconds
            if epoch == last and not (restarted and "|QUEUESTART|" in line):
                if verb in _VERBATIM:
                    rows.append((call, at, line[EPOCH_DIGITS + 2 + len(call) :], None))
                elif verb == "ENTERQUEUE" and _PLAIN_ENTRY(rest):
                    _, number, place = rest.split("|")
                    caller = callers.pseudonym(number.strip())
                    rest = f"|{caller}|{place}"
                    rows.append((call, at, f"{queue}|{agent}|ENTERQUEUE|||{place}", caller or None))
                elif verb in _NUMBERED:
                    rest = _NUMBER.sub("<number>", rest)
                    rows.append((call, at, f"{queue}|{agent}|{verb}|{rest}", None))
                else:
                    _add_unusual(batch, line, callers, until, count)
                    continue
                if verb in VISIT_VERBS:
                    event = new(Event, (at, call, queue, agent, verb, rest))
                    if call in calls:
                        calls[call].append(event)
                    else:
                        calls[call] = [event]
                continue
        if line:
            _add_unusual(batch, line, callers, until, count)
    return batch


def _add_unusual(batch: Batch, line: str, callers: Callers, until: float, count: Count) -> None:
    event = queue_log.parse(line)
    if event is None:
        count.torn += 1
        line = queue_log.recover_line(line) or ""
        event = queue_log.parse(line)
        if event is None:
            return
        count.mended += 1
    add_event(batch, event, callers, until, count)


def add_event(batch: Batch, event: Event, callers: Callers, until: float, count: Count) -> None:
    """Add an event to the batch, without numbers."""
    at, call, queue, agent, verb, rest = event
    caller = None
    if verb == "ENTERQUEUE":
        url, number, position = parse_entry(event)
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
    if verb in VISIT_VERBS:
        batch.calls.setdefault(call, []).append(event)
    elif verb in RESTARTS:
        batch.restarts.add(at)
