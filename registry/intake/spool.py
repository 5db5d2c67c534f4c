"""The spool as intake sees it: segments read without trust, put away when taken, set aside when they are no facts.

Everything in a segment is checked before it reaches the database: whoever can write there, by a bug or by intent, gets
a file in `var/spool/poison/` with the reason beside it, and holds up nobody.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from common.places import Places
from common.safe_files import write_file
from ivr import facts
from ivr.facts import SEALED, Fact

LONGEST_LINE = 65536  # bytes; a fact has some hundreds
REASON = ".reason"  # behind the name of what was set aside
DAY = re.compile(r"\d{4}-\d{2}-\d{2}|undated")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,119}")
_CALL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_STRANGE = re.compile("[\x00\ud800-\udfff]")  # what no database keeps alike
REASONS = ("closed", "all_busy", "caller_choice")


class Bad(NamedTuple):
    """A line that is no fact."""

    line: bytes
    reason: str


class Unreadable(Exception):
    """The file is no segment at all; the text says why."""


def read(path: str) -> Iterator[Fact | Bad]:
    """What stands in a segment, line by line. Raises `Unreadable`, and OSError for what ops must mend (rights)."""
    try:
        # A segment is a plain file: a link would lead elsewhere, a pipe would keep us waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as problem:
        if os.path.islink(path):
            raise Unreadable("a link, not a file") from None
        raise problem
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("not a file")
    with open(descriptor, "rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                yield Bad(line, f"longer than {LONGEST_LINE} bytes")
            elif not line.endswith(b"\n"):
                yield Bad(line, "torn: it has no end")
            else:
                yield checked(line)


def checked(line: bytes) -> Fact | Bad:
    """The fact of a line, when the database can keep it and what follows from it is plain."""
    try:
        fact = facts.parse(line, "this line")
        _check(fact)
    except (ValueError, RecursionError) as problem:
        return Bad(line, str(problem)[:300])
    return fact


def _check(fact: Fact) -> None:
    if not _ID.fullmatch(fact.id) or not _CALL.fullmatch(fact.call):
        raise ValueError("not a fact: id and call have only letters, digits and _ . : -, and are not that long")
    if type(fact.at) not in (int, float) or not math.isfinite(fact.at) or not 0 <= fact.at < 1e11:
        raise ValueError("not a fact: at is no instant in epoch seconds")
    if not isinstance(fact.kind, str) or not _CODE.fullmatch(fact.kind):
        raise ValueError("not a fact: kind is no short word")
    if _strange(fact.data):
        raise ValueError("not a fact: a NUL or half a character in a text, or a number beyond 2^63 or without end")
    for name, fits in DATA.get(fact.kind, {}).items():
        if name not in fact.data or not fits(fact.data[name]):
            raise ValueError(f"the fact {fact.kind} has no {name} that makes sense")


def _strange(value: Any) -> bool:
    """Whether something in there cannot be kept alike by every database."""
    if isinstance(value, str):
        return _STRANGE.search(value) is not None
    if isinstance(value, int):
        return not -(2**63) <= value < 2**63
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(_strange(each) for pair in value.items() for each in pair)
    return any(map(_strange, value)) if isinstance(value, list) else False


def _word(value: Any) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _digit(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 9


# What must be there before something can follow from a fact. A kind that is not here is kept as it is.
DATA: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "informed": {"topic": _word},
    "handed_over": {"topic": _word},
    "ended": {"fate": _word},
    "refusal": {"of": _word},
    "notice": {"prompts": lambda value: isinstance(value, dict), "campaign": lambda value: isinstance(value, str)},
    "message": {
        "message_id": lambda value: value is None or _word(value),
        "reason": lambda value: value in REASONS,
        "seconds": lambda value: type(value) in (int, float) and 0 <= value < 1e9,
        "empty": lambda value: type(value) is bool,
    },
    "survey": {"version": lambda value: type(value) is int and value >= 0, "question": _word, "value": _digit},
}


# --- putting away -----------------------------------------------------------------------------------------------------


def taken(places: Places, path: str, now: float) -> None:
    """Put a segment away that is in the database, into a folder for its day."""
    _move(path, os.path.join(places.taken_facts, _day(path)), now)


def taken_as(places: Places, path: str, kept: Iterable[Fact], now: float) -> None:
    """Put a segment away that is in the database, with these facts in place of its own."""
    draft = f"{path}.kept"  # no name that anybody reads
    _write(draft, b"".join(fact.line() for fact in kept))
    _move(draft, os.path.join(places.taken_facts, _day(path)), now, os.path.basename(path))
    os.unlink(path)
    _leave(os.path.dirname(path), now)


def set_aside(places: Places, path: str, reason: str, now: float) -> None:
    """Put away a file that is no segment, with the reason beside it."""
    os.makedirs(places.poison, mode=0o770, exist_ok=True)
    _write(os.path.join(places.poison, os.path.basename(path) + REASON), reason + "\n")
    _move(path, places.poison, now)


def keep_poison(places: Places, path: str, bad: list[Bad]) -> None:
    """Copy the lines of a segment that are no facts; the same again when it is read again, so nothing comes twice."""
    os.makedirs(places.poison, mode=0o770, exist_ok=True)
    name = os.path.join(places.poison, os.path.basename(path))
    _write(name + REASON, "".join(f"{each.reason}\n" for each in bad))
    _write(name, b"".join(each.line if each.line.endswith(b"\n") else each.line + b"\n" for each in bad))


def again(places: Places, since: str) -> list[str]:
    """The segments that were put away on that day (ISO) or later, the oldest first."""
    days = [day for day in _names(places.taken_facts) if DAY.fullmatch(day) and day >= since]
    paths = [os.path.join(places.taken_facts, day, name) for day in days
             for name in _names(os.path.join(places.taken_facts, day)) if name.endswith(SEALED)]  # fmt: skip
    return sorted(paths, key=os.path.basename)


class Backlog(NamedTuple):
    """What waits in the spool: segments, and how old the oldest is, in seconds."""

    segments: int
    oldest: float


def backlog(places: Places, now: float) -> Backlog:
    """By the names of the segments, which begin with the milliseconds of their first fact."""
    paths = facts.segments(places.facts)
    begun = [int(head) / 1000 for path in paths if (head := os.path.basename(path).partition("-")[0]).isdecimal()
             and len(head) <= 13]  # fmt: skip
    return Backlog(len(paths), max(0.0, now - min(begun)) if begun else 0.0)


def _day(path: str) -> str:
    folder = os.path.basename(os.path.dirname(path))
    return folder if DAY.fullmatch(folder) else "undated"


def _move(path: str, folder: str, now: float, name: str = "") -> None:
    """Into that folder, beside whatever has the same name there already."""
    os.makedirs(folder, mode=0o770, exist_ok=True)
    name = name or os.path.basename(path)
    target, number = os.path.join(folder, name), 0
    while os.path.lexists(target) and not _same(path, target):
        number += 1
        target = os.path.join(folder, f"{number}-{name}")
    with contextlib.suppress(FileNotFoundError):  # it went already, and then there was a crash
        os.rename(path, target)
    _leave(os.path.dirname(path), now)


def _leave(folder: str, now: float) -> None:
    """Remove a day's folder that is empty and over; today's is one into which engines seal."""
    if DAY.fullmatch(day := os.path.basename(folder)) and day < time.strftime("%Y-%m-%d", time.gmtime(now)):
        with contextlib.suppress(OSError):  # it is not empty yet
            os.rmdir(folder)


def _same(one: str, other: str) -> bool:
    if not (os.path.isfile(one) and os.path.isfile(other)) or os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as left, open(other, "rb") as right:
        return left.read() == right.read()


def _write(path: str, content: bytes | str) -> None:
    encoded = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    write_file(path, encoded, 0o640, single_writer=True)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
