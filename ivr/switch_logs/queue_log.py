"""Asterisk's queue_log, line by line: one grammar for the live measures and for the model.

A line is `epoch|call|queue|agent|EVENT|parameters`, in whole seconds UTC; the realtime table has the same fields as
columns. Nothing is dropped silently: an event whose verb is not in the grammar is still an event, and a line that is
not an event is reported as torn. `ivr.switch_logs.visits` combines the events of a call.

Sources: Asterisk's documentation (Queue-Logs); app_queue.c and logger.c of Asterisk 1.4, 1.8, 11, 13 and 22. Where they
differ, the code. Parameters were added over the years, some in the middle of a release: `_WAIT`, `_HOLD` and `_TALK`
name the places that are the same in all of them, and a parameter that a version does not write is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

EPOCH_DIGITS = 10  # digits of an epoch up to the year 2286; longer numbers are not times
MAX_LINE_BYTES = 2000  # bytes of a line in UTF-8; Asterisk's own are shorter, and PostgreSQL can index 2704

# Verb -> fewest and most parameters; an empty string counts as one, since a line without parameters ends with `|`. The
# number identifies a verb in an unusual place (`_parse_unknown_verb`); elsewhere no line is refused because of it.
ENTER = {"ENTERQUEUE": (1, 4)}
WAIT_ENDS = {
    "CONNECT": (2, 3),
    "ABANDON": (3, 3),
    "EXITWITHKEY": (2, 4),  # the key first; 11: without the original position and the wait
    "EXITWITHTIMEOUT": (1, 3),  # 1.8 and 11: some with the position only
    "EXITEMPTY": (3, 3),
    "WITHDRAW": (3, 4),  # not in the documentation
    "SYSCOMPAT": (0, 1),
}
TALK_ENDS = {
    "COMPLETEAGENT": (2, 3),
    "COMPLETECALLER": (2, 3),
    "BLINDTRANSFER": (4, 5),
    "ATTENDEDTRANSFER": (5, 6),
    "TRANSFER": (2, 5),  # before 12; 1.4 and 1.6.0: without the position; 1.2: extension and context only
}
ATTEMPTS = {"RINGNOANSWER": (1, 1), "RINGCANCELED": (1, 1), "AGENTDUMP": (0, 1)}
RESTARTS = {"QUEUESTART": (0, 1)}  # not CONFIGRELOAD: calls continue when a log is rotated
MEMBERS = {
    "ADDMEMBER": (0, 1), "REMOVEMEMBER": (0, 1), "PAUSE": (0, 1), "UNPAUSE": (0, 1), "PAUSEALL": (0, 1),
    "UNPAUSEALL": (0, 1), "PENALTY": (1, 1), "RINGINUSE": (1, 1), "AGENTLOGIN": (1, 1), "AGENTLOGOFF": (1, 2),
    "AGENTCALLBACKLOGIN": (1, 1), "AGENTCALLBACKLOGOFF": (1, 3), "CONFIGRELOAD": (0, 1),
    "OUTCALL": (1, 3), "DID": (1, 1), "INFO": (0, 9),
}  # fmt: skip
# Written by our own dialplan. The refusals are QUEUESTATUS: Asterisk itself writes nothing about refused callers.
REFUSALS = {"FULL": (0, 1), "JOINEMPTY": (0, 1), "JOINUNAVAIL": (0, 1), "UNKNOWN": (0, 1)}
OURS = {"MENU": (0, 9), "NOTICE": (0, 9), "CLOSED": (0, 9), "SURVEY": (0, 9), "ENDED": (1, 2), "LINELOST": (1, 1)}

GRAMMAR: dict[str, tuple[int, int]] = {
    **ENTER, **WAIT_ENDS, **TALK_ENDS, **ATTEMPTS, **RESTARTS, **MEMBERS, **REFUSALS, **OURS,
}  # fmt: skip
CALL_VERBS = frozenset((*ENTER, *WAIT_ENDS, *TALK_ENDS, *ATTEMPTS, *REFUSALS, *OURS))  # the call field is a channel
VISIT_VERBS = frozenset(
    (*ENTER, *WAIT_ENDS, *TALK_ENDS, *REFUSALS, "ENDED", "LINELOST")
)  # verbs that decide about a visit
WITH_AGENT = frozenset((*WAIT_ENDS, *TALK_ENDS, *ATTEMPTS, *MEMBERS))


class Event(NamedTuple):
    """A valid line. `rest` is everything after the verb, unchanged."""

    at: int  # epoch seconds UTC
    call: str  # UNIQUEID of the caller's channel; or NONE, REALTIME, MANAGER, CLI
    queue: str
    agent: str  # the member's name, or NONE
    verb: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The parameters."""
        return self.rest.split("|")

    def line(self) -> str:
        """The line without its line feed."""
        return f"{self.at}|{self.call}|{self.queue}|{self.agent}|{self.verb}|{self.rest}"


_new = tuple.__new__  # takes a third of the time of Event(...); a log has millions of lines


def parse(line: str) -> Event | None:
    """The event of a line (without its line feed), or None for a torn one; `recover_line` may save a part of it."""
    parts = line.split("|", 5)
    if len(parts) < 5:
        return None
    if len(parts) == 5:
        parts.append("")
    epoch, call, queue, agent, verb, rest = parts
    if len(epoch) > EPOCH_DIGITS or not (epoch.isascii() and epoch.isdigit()) or _too_long(line):
        return None
    if verb not in GRAMMAR:
        return _parse_unknown_verb(line, parts, rest)
    if "|QUEUESTART|" in rest:
        return None  # two lines in one
    return _new(Event, (int(epoch), call, queue, agent, verb, rest))


def _too_long(line: str) -> bool:
    return len(line) > MAX_LINE_BYTES or (not line.isascii() and len(line.encode("utf-8", "replace")) > MAX_LINE_BYTES)


def _parse_unknown_verb(line: str, parts: list[str], rest: str) -> Event | None:
    """The event of a line whose verb is not in the grammar. An unescaped `|` in the member's name moves the verb to a
    later field."""
    if not parts[4] or recover_line(line) is not None:
        return None
    words = rest.split("|")
    for place, verb in enumerate(words):
        fewest, most = GRAMMAR.get(verb, (1, 0)) if verb in WITH_AGENT else (1, 0)
        if fewest <= len(words) - place - 1 <= most:
            agent = "|".join((parts[3], parts[4], *words[:place]))
            return Event(int(parts[0]), parts[1], parts[2], agent, verb, "|".join(words[place + 1 :]))
    return Event(int(parts[0]), parts[1], parts[2], parts[3], parts[4], rest)


_BEGINS = re.compile(r"[0-9]{10}\|[^|]*\|[^|]*\|[^|]*\|(\w+)\|", re.ASCII)


def recover_line(line: str) -> str | None:
    """The complete line at the end of a torn one, or None. A dying switch leaves a line unfinished, and the next switch
    appends to it.

    Usually it is the QUEUESTART, without which nobody would know that calls were lost.
    """
    if len(line) > MAX_LINE_BYTES:
        return None
    for start in range(1, len(line)):
        found = _BEGINS.match(line, start) if line[start].isdigit() else None
        if found is not None and found[1] in GRAMMAR:
            return line[start:]
    return None


def decode(block: bytes) -> str:
    """The text of a block of lines. Invalid UTF-8 is replaced; zero bytes, left by a crash, are removed."""
    if b"\0" in block:
        block = block.replace(b"\0", b"")
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    return block.decode("utf-8", "replace")


# --- parameters ------------------------------------------------------------------------------------------------------

# A number; with `x` for each digit after a purge (`registry purge`).
_CALLER = re.compile(r"[0-9x+*#./ \-]*|anonymous|unknown|restricted", re.ASCII | re.IGNORECASE)
# The places of the seconds among the parameters.
_WAIT = {"CONNECT": 0, "ABANDON": 2, "EXITWITHKEY": 3, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 2, "WITHDRAW": 2}
_HOLD = {"COMPLETEAGENT": 0, "COMPLETECALLER": 0, "TRANSFER": 2, "BLINDTRANSFER": 2, "ATTENDEDTRANSFER": 2}
_LINK = 1  # an attended transfer to a LINK has one more parameter before them


class Entry(NamedTuple):
    """The parameters of an ENTERQUEUE; `caller` is empty when the number is withheld."""

    url: str
    caller: str
    position: int | None


def parse_entry(event: Event) -> Entry:
    """Who entered the queue, and at which position. The URL may hold a `|`; the caller's name may follow."""
    words = event.rest.split("|")
    if len(words) == 3 and words[2].isdecimal():
        return Entry(words[0], words[1].strip(), int(words[2]))
    for place in range(2, len(words)):
        if words[place].isdecimal() and len(words[place]) < 6 and _CALLER.fullmatch(words[place - 1]):
            return Entry("|".join(words[: place - 1]), words[place - 1].strip(), int(words[place]))
    return Entry(words[0], words[1].strip() if len(words) > 1 else "", None)


def wait_seconds(event: Event) -> int | None:
    """Seconds in the queue, from an event that ends a wait; None when they are invalid."""
    place = _WAIT.get(event.verb)
    return None if place is None else _seconds(event.rest.split("|"), place)


def has_torn_seconds(event: Event) -> bool:
    """Whether the seconds of an event are there but are not a number; a parameter that is missing is not torn."""
    words = event.rest.split("|")
    if event.verb in _WAIT and event.rest:
        return _WAIT[event.verb] < len(words) and wait_seconds(event) is None
    return event.verb.startswith("COMPLETE") and talk_seconds(event) is None


def ring_seconds(event: Event) -> int | None:
    """Seconds for which the answered telephone rang (CONNECT)."""
    return _seconds(event.rest.split("|"), 2)


def talk_seconds(event: Event) -> int | None:
    """Seconds of talk with the operator, from an event that ends it; until the transfer, if there was one."""
    words = event.rest.split("|")
    return _seconds(words, _hold_place(event.verb, words) + 1)


def hold_seconds(event: Event) -> int | None:
    """Seconds in the queue, from an event that ends a talk."""
    words = event.rest.split("|")
    return _seconds(words, _hold_place(event.verb, words))


def _hold_place(verb: str, words: list[str]) -> int:
    """The place of the seconds on hold; those of the talk follow."""
    return _HOLD[verb] + (_LINK if verb == "ATTENDEDTRANSFER" and words[0] == "LINK" else 0)


def _seconds(words: list[str], place: int) -> int | None:
    """Whole seconds; 0 for a negative number, which a clock set back between two events produces."""
    word = words[place].strip() if 0 <= place < len(words) else ""
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > EPOCH_DIGITS:
        return None
    return int(digits) if digits is word else 0


# --- the realtime table ----------------------------------------------------------------------------------------------


def parse_row(row: Mapping[str, Any], zone: tzinfo = UTC) -> Event | None:
    """The event of a row of the realtime table; None for a row that is not an event.

    Columns: time, callid, queuename, agent, event, and data1 to data5, or data in old tables. `zone`: of the column
    `time`, which is the switch's local time unless queues.conf has `queue_log_realtime_use_gmt`. The hour that occurs
    twice in October is ambiguous; the first one is taken.
    """
    at = _instant(row.get("time"), zone)
    verb = _text(row.get("event"))
    if at is None or not verb:
        return None
    # The fifth column holds all further parameters, so joining gives the text of a file.
    words = [_text(row.get(name)) for name in ("data1", "data2", "data3", "data4", "data5")]
    rest = _text(row.get("data")) if row.get("data") else "|".join(words).rstrip("|")
    if verb == "ENTERQUEUE" and rest.count("|") < 2:
        rest = "|".join(words[:3])
    event = Event(at, _text(row.get("callid")), _text(row.get("queuename")), _text(row.get("agent")), verb, rest)
    return None if _too_long(event.line()) else event


def _text(value: object) -> str:
    return "" if value is None else str(value).replace("\n", " ").replace("\r", " ").replace("\0", "")


def _instant(value: object, zone: tzinfo) -> int | None:
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=zone)).timestamp())
    word = _text(value).strip()
    if word.isascii() and word.partition(".")[0].isdigit() and len(word.partition(".")[0]) <= EPOCH_DIGITS:
        return int(word.partition(".")[0])
    try:
        return _instant(datetime.fromisoformat(word), zone)
    except (ValueError, OverflowError):
        return None
