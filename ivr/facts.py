"""What happened on the calls, as facts in a spool.

A flow reports a fact; the fact is one line of JSON. The telephone depends on nothing but the disk: whoever wants the
facts (registry, measure) takes them from the spool later, as often as it likes, since each has an id of its own. The
same fact may lie there twice, when a ring of the dialplan failed just after it had told it: readers go by the id.

The kinds: answered, choice, informed, notice, refusal, handed_over, queue_refused, number, message, survey, ended.

A writer appends its facts to a small segment that only it has open, one `write` each, so a killed process loses none.
About once a second the engine seals the segment: data to the disk, then an atomic rename to `<day>/*.jsonl`. Only
sealed segments are for readers. A segment whose writer died is sealed by whoever finds it (`recover`): writers hold a
lock on theirs, and the system drops a dead process's locks. One file per fact would cost 80 us each, this costs 2
(docs/decisions/0003-facts-in-segments.md).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from common.safe_files import sync_path

SEALED = ".jsonl"
OPEN = ".open"


class Fact(NamedTuple):
    """Something that happened on a call: no personal data beyond what this kind of fact needs."""

    id: str
    call: str  # LINKEDID
    at: float  # epoch seconds, UTC, by the switch's clock
    kind: str
    data: dict[str, Any]

    def line(self) -> bytes:
        # Numbers, short words: what a flow reports is ASCII or Italian; a line break cannot stand in JSON.
        fact = {"id": self.id, "call": self.call, "at": self.at, "kind": self.kind, "data": self.data}
        return _encode(fact).encode() + b"\n"


def _encoder() -> Callable[[Any], str]:
    """What turns a fact into JSON. `JSONEncoder.encode` makes a C encoder anew for each fact, which takes as long as
    the fact itself; this makes one for all, where this Python has it."""
    plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
    if c_make_encoder is None:
        return plain.encode
    chunks = c_make_encoder(None, plain.default, encode_basestring, None, ":", ",", False, False, True)
    return lambda value: "".join(chunks(value, 0))


_encode = _encoder()


def new_id(at: float) -> str:
    """An id that sorts by time and is never given twice: milliseconds, then 80 random bits."""
    return f"{int(at * 1000):012x}{os.urandom(10).hex()}"


Alarm = Callable[[str, Fact | None], None]  # told what went wrong, and the fact that could not be written


class Spool:
    """One writer's end of the spool. Never raises on `write`: a call does not end because a disk is full."""

    def __init__(self, folder: str, alarm: Alarm) -> None:
        self.folder = folder
        self._alarm = alarm
        self._descriptor = -1
        self._path = ""
        self._size = 0
        self._serial = 0
        self.written = 0  # facts, since the writer began
        self._writer = f"{os.getpid()}-{os.urandom(4).hex()}"

    def write(self, fact: Fact) -> bool:
        """Append a fact; False when it could not be kept (the alarm has been told)."""
        line = fact.line()
        try:
            if self._descriptor < 0:
                self._open(fact.at)
            written = os.write(self._descriptor, line)
            if written != len(line):  # the disk filled up in the middle: leave no torn line behind
                os.ftruncate(self._descriptor, self._size)
                raise OSError(f"only {written} of {len(line)} bytes fitted")
        except OSError as problem:
            self._alarm(f"{self.folder}: a fact could not be written: {problem}; free space or mend the folder", fact)
            return False
        self._size += written
        self.written += 1
        return True

    @property
    def pending(self) -> bool:
        """Whether there is something to seal."""
        return self._descriptor >= 0

    def detach(self) -> Segment | None:
        """Take the open segment out of use; the next fact starts a new one. Sealing may then take its time."""
        if self._descriptor < 0:
            return None
        segment: Segment | None = Segment(self._descriptor, self._path)
        if not self._size:  # nothing has fitted on the disk
            _discard(self._descriptor, self._path)
            segment = None
        self._descriptor, self._size = -1, 0
        return segment

    def seal(self) -> None:
        """Make all that was written visible to readers. Tells the alarm when the disk refuses."""
        segment = self.detach()
        if segment is None:
            return
        try:
            segment.seal()
        except OSError as problem:
            self._alarm(f"{segment.path}: could not be sealed: {problem}; it is recovered at the next start", None)

    def _open(self, at: float) -> None:
        os.makedirs(self.folder, mode=0o770, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        while True:
            self._serial += 1
            path = os.path.join(self.folder, f"{int(at * 1000):013d}-{self._writer}-{self._serial}{OPEN}")
            descriptor = os.open(path, flags, 0o640)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.path.exists(path):
                    break
                os.close(descriptor)  # `recover` came between our open and our lock, and has sealed an empty segment
            except OSError:
                os.close(descriptor)
                raise
        self._descriptor, self._path, self._size = descriptor, path, 0


def _discard(descriptor: int, path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
    os.close(descriptor)


class Segment(NamedTuple):
    """Facts that were written together, not yet for readers."""

    descriptor: int
    path: str

    def seal(self) -> None:
        """Data to the disk, then visible under its final name, in one step."""
        try:
            os.fdatasync(self.descriptor)
            sealed = _sealed_path(self.path)
            # With an access list on the spool (an engine and a switch of different users), 0o770 is what it allows.
            os.makedirs(os.path.dirname(sealed), mode=0o770, exist_ok=True)
            os.rename(self.path, sealed)
            sync_path(os.path.dirname(sealed))
        finally:
            os.close(self.descriptor)  # and with it the lock


def _sealed_path(path: str) -> str:
    """A folder for each day (UTC), so that none holds more than a day's segments."""
    folder, name = os.path.split(path)
    milliseconds = name.partition("-")[0]
    known = milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 13
    day = time.strftime("%Y-%m-%d", time.gmtime(int(milliseconds) // 1000)) if known else "undated"
    return os.path.join(folder, day, name.removesuffix(OPEN) + SEALED)


def recover(folder: str) -> int:
    """Seal the segments of writers that died; return how many. Safe beside writers that live.

    Raises OSError for a segment that cannot be sealed, after the others have been.
    """
    recovered, refused = 0, None
    for name in _names(folder, OPEN):
        try:
            recovered += _recovered(os.path.join(folder, name))
        except OSError as problem:
            refused = problem
    if refused is not None:
        raise refused
    return recovered


def _recovered(path: str) -> bool:
    """Seal one segment; False when its writer lives or has sealed it just now."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(descriptor)
        if isinstance(problem, BlockingIOError):
            return False
        raise
    try:
        Segment(descriptor, path).seal()
    except FileNotFoundError:
        return False  # sealed between our open and our lock
    return True


def read(folder: str, *, unsealed: bool = False) -> Iterator[Fact]:
    """All facts of the spool, segment by segment; with `unsealed` also those that are still being written.

    A torn last line (power was lost in the middle of it) is passed over.
    """
    for path in segments(folder, unsealed=unsealed):
        yield from read_segment(path)


def segments(folder: str, *, unsealed: bool = False) -> list[str]:
    """The paths of the segments for readers, the oldest first: `<folder>/<day>/*.jsonl`."""
    opened = [os.path.join(folder, name) for name in _names(folder, OPEN)] if unsealed else []
    paths: set[str] = set()
    for day in _names(folder, ""):
        if not day.endswith(OPEN):
            paths |= {os.path.join(folder, day, name) for name in _names(os.path.join(folder, day), SEALED)}
    paths |= {path for path in opened if _sealed_path(path) not in paths}  # not what was sealed between the two looks
    return sorted(paths, key=os.path.basename)


def read_segment(path: str) -> Iterator[Fact]:
    """The facts of one segment. Raises ValueError, naming file and line, for a line that is no fact."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        if path.endswith(OPEN):  # sealed while we looked
            yield from read_segment(_sealed_path(path))
        return  # or sealed and taken
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line feed is empty or torn
        yield parse(line, f"{path}:{number}")


def parse(line: bytes, where: str) -> Fact:
    """The fact of a line. Raises ValueError, naming where, for one that is none."""
    try:
        fact = Fact(**json.loads(line))
    except (TypeError, ValueError, RecursionError) as problem:
        raise ValueError(f"{where}: not a fact: {problem}") from None
    if not (isinstance(fact.id, str) and isinstance(fact.call, str) and isinstance(fact.data, dict)):
        raise ValueError(f"{where}: not a fact: id, call and data must be text, text and a mapping")
    return fact


def _names(folder: str, suffix: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(suffix)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def stderr_alarm(message: str, fact: Fact | None) -> None:
    """The alarm of a process that has no engine: one line on standard error, which Asterisk logs."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    rest = "" if fact is None else " " + fact.line().decode().rstrip()
    os.write(2, f"{stamp} ALARM {message}{rest}\n".encode())
