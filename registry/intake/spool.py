"""The spool as the intake sees it: segments are checked, archived when taken in, and set aside when they are invalid.

Everything in a segment is checked before it reaches the database. What is invalid, by a bug or by intent, goes to a
file in `var/spool/poison/` with the reason beside it, and does not hold up the rest.
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

LONGEST_LINE = 65536  # bytes; a fact has a few hundred
REASON = ".reason"  # suffix of the file beside one that was set aside
DAY = re.compile(r"\d{4}-\d{2}-\d{2}|undated")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,119}")
_CALL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # databases treat these differently
REASONS = ("closed", "all_busy", "caller_choice")


class BadLine(NamedTuple):
    """A line that is not a fact."""

    line: bytes
    reason: str


class NotASegment(Exception):
    """The file is not a segment; the text says why."""


def read_segment(path: str) -> Iterator[Fact | BadLine]:
    """Read a segment line by line. Raises `NotASegment`, and OSError for what ops must repair (permissions)."""
    try:
        # A segment is a plain file: a link would lead elsewhere, a pipe would block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as problem:
        if os.path.islink(path):
            raise NotASegment("a link, not a file") from None
        raise problem
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotASegment("not a file")
    with open(descriptor, "rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                yield BadLine(line, f"longer than {LONGEST_LINE} bytes")
            elif not line.endswith(b"\n"):
                yield BadLine(line, "cut off: it has no line end")
            else:
                yield parse_line(line)


def parse_line(line: bytes) -> Fact | BadLine:
    """Return the fact of a line, if the database can store it and it has the data that the intake needs."""
    try:
        fact = facts.parse(line, "this line")
        _check(fact)
    except (ValueError, RecursionError) as problem:
        return BadLine(line, str(problem)[:300])
    return fact


def _check(fact: Fact) -> None:
    if not _ID.fullmatch(fact.id) or not _CALL.fullmatch(fact.call):
        raise ValueError("not a fact: id and call may have only letters, digits and _ . : -, and must not be that long")
    if type(fact.at) not in (int, float) or not math.isfinite(fact.at) or not 0 <= fact.at < 1e11:
        raise ValueError("not a fact: at is not a time in epoch seconds")
    if not isinstance(fact.kind, str) or not _CODE.fullmatch(fact.kind):
        raise ValueError("not a fact: kind is not a short word")
    if _unstorable(fact.data):
        raise ValueError("not a fact: a text has a NUL or half a character, or a number is beyond 2^63 or infinite")
    for name, fits in DATA.get(fact.kind, {}).items():
        if name not in fact.data or not fits(fact.data[name]):
            raise ValueError(f"the fact {fact.kind} has no valid {name}")


def _unstorable(value: Any) -> bool:
    """Return whether a value holds something that databases store differently, or not at all."""
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, int):
        return not -(2**63) <= value < 2**63
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(_unstorable(each) for pair in value.items() for each in pair)
    return any(map(_unstorable, value)) if isinstance(value, list) else False


def _word(value: Any) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _digit(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 9


# The data that the intake needs, by kind of fact. Facts of other kinds are stored unchecked.
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


# --- archiving --------------------------------------------------------------------------------------------------------


def archive(places: Places, path: str, now: float) -> None:
    """Move a segment that is in the database into the archive folder of its day."""
    _move(path, os.path.join(places.taken_facts, _day(path)), now)


def archive_facts(places: Places, path: str, facts_kept: Iterable[Fact], now: float) -> None:
    """Archive these facts in place of a segment that is in the database."""
    draft = f"{path}.kept"  # a name that no program reads
    _write(draft, b"".join(fact.line() for fact in facts_kept))
    _move(draft, os.path.join(places.taken_facts, _day(path)), now, os.path.basename(path))
    os.unlink(path)
    _remove_empty(os.path.dirname(path), now)


def set_aside(places: Places, path: str, reason: str, now: float) -> None:
    """Move a file that is not a segment to the poison folder, with the reason beside it."""
    os.makedirs(places.poison, mode=0o770, exist_ok=True)
    _write(os.path.join(places.poison, os.path.basename(path) + REASON), reason + "\n")
    _move(path, places.poison, now)


def copy_bad_lines(places: Places, path: str, bad: list[BadLine]) -> None:
    """Copy the bad lines of a segment to the poison folder. Repeating it writes the same file again."""
    os.makedirs(places.poison, mode=0o770, exist_ok=True)
    name = os.path.join(places.poison, os.path.basename(path))
    _write(name + REASON, "".join(f"{each.reason}\n" for each in bad))
    _write(name, b"".join(each.line if each.line.endswith(b"\n") else each.line + b"\n" for each in bad))


def archived_since(places: Places, since: str) -> list[str]:
    """Return the segments archived in folders of that day (ISO) or later, the oldest first."""
    days = [day for day in _names(places.taken_facts) if DAY.fullmatch(day) and day >= since]
    paths = [os.path.join(places.taken_facts, day, name) for day in days
             for name in _names(os.path.join(places.taken_facts, day)) if name.endswith(SEALED)]  # fmt: skip
    return sorted(paths, key=os.path.basename)


class Backlog(NamedTuple):
    """The segments waiting in the spool, and the age of the oldest, in seconds."""

    segments: int
    oldest: float


def backlog(places: Places, now: float) -> Backlog:
    """Return the backlog by the names of the segments, which begin with the milliseconds of their first fact."""
    paths = facts.segments(places.facts)
    begun = [int(head) / 1000 for path in paths if (head := os.path.basename(path).partition("-")[0]).isdecimal()
             and len(head) <= 13]  # fmt: skip
    return Backlog(len(paths), max(0.0, now - min(begun)) if begun else 0.0)


def _day(path: str) -> str:
    folder = os.path.basename(os.path.dirname(path))
    return folder if DAY.fullmatch(folder) else "undated"


def _move(path: str, folder: str, now: float, name: str = "") -> None:
    """Move a file into a folder; a different file of the same name there stays."""
    os.makedirs(folder, mode=0o770, exist_ok=True)
    name = name or os.path.basename(path)
    target, number = os.path.join(folder, name), 0
    while os.path.lexists(target) and not _same(path, target):
        number += 1
        target = os.path.join(folder, f"{number}-{name}")
    with contextlib.suppress(FileNotFoundError):  # it was moved already, before a crash
        os.rename(path, target)
    _remove_empty(os.path.dirname(path), now)


def _remove_empty(folder: str, now: float) -> None:
    """Remove an empty folder of a past day; the engine still seals segments into today's."""
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
