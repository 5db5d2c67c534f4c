"""Facts: what happened on the calls, as JSON lines in a spool.

A flow reports a fact; the fact is one line of JSON. The telephone depends on nothing but the disk: registry and measure
read the facts from the spool later. They may read a fact more than once, since each has an id. The spool may also hold
the same fact twice, if one fallback of the dialplan failed just after reporting it; readers go by the id.

The kinds: answered, choice, informed, notice, refusal, handed_over, queue_refused, number, message, survey, line_lost,
ended. A call has one `answered` and one `ended`, whatever happens: their ids contain the call's, and the intake keeps
the first.

A writer appends its facts to its own small segment, one `write` each, so a killed process loses none. About once a
second the engine seals the segment: it syncs the data to the disk and renames the file to `<day>/*.jsonl`. Readers read
only sealed segments. `recover` seals the segments of dead writers: a writer holds a lock on its segment, and the system
releases the locks of a dead process. One file per fact would cost 80 us each, a line in a segment costs 2
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
    """Something that happened on a call, without personal data beyond what this kind of fact needs."""

    id: str
    call: str  # LINKEDID
    at: float  # epoch seconds, UTC, by the switch's clock
    kind: str
    data: dict[str, Any]

    def line(self) -> bytes:
        # Facts hold numbers and short words, in ASCII or Italian. JSON escapes line breaks.
        fact = {"id": self.id, "call": self.call, "at": self.at, "kind": self.kind, "data": self.data}
        return _encode(fact).encode() + b"\n"


def _encoder() -> Callable[[Any], str]:
    """The function that turns a fact into JSON. `JSONEncoder.encode` creates a C encoder for each fact, which takes as
    long as encoding it; this creates one for all facts, if this Python has a C encoder."""
    plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
    if c_make_encoder is None:
        return plain.encode
    chunks = c_make_encoder(None, plain.default, encode_basestring, None, ":", ",", False, False, True)
    return lambda value: "".join(chunks(value, 0))


_encode = _encoder()


def new_id(at: float) -> str:
    """A unique id that sorts by time: milliseconds, then 80 random bits."""
    return f"{int(at * 1000):012x}{os.urandom(10).hex()}"


Alarm = Callable[[str, Fact | None], None]  # gets the error, and the fact that could not be written


class Spool:
    """One writer of the spool. `write` never raises: a full disk does not end a call."""

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
        """Append a fact; False when it could not be written, after calling the alarm."""
        line = fact.line()
        try:
            if self._descriptor < 0:
                self._open(fact.at)
            written = os.write(self._descriptor, line)
            if written != len(line):  # the disk is full: leave no incomplete line behind
                os.ftruncate(self._descriptor, self._size)
                raise OSError(f"only {written} of {len(line)} bytes were written")
        except OSError as problem:
            self._alarm(
                f"{self.folder}: a fact could not be written: {problem}; free space, or make the folder writable", fact
            )
            return False
        self._size += written
        self.written += 1
        return True

    @property
    def pending(self) -> bool:
        """Whether there is something to seal."""
        return self._descriptor >= 0

    def detach(self) -> Segment | None:
        """Detach the open segment, so that it can be sealed slowly; the next fact starts a new one."""
        if self._descriptor < 0:
            return None
        segment: Segment | None = Segment(self._descriptor, self._path)
        if not self._size:  # nothing was written
            _discard(self._descriptor, self._path)
            segment = None
        self._descriptor, self._size = -1, 0
        return segment

    def seal(self) -> None:
        """Make all written facts visible to readers. Calls the alarm when the disk fails."""
        segment = self.detach()
        if segment is None:
            return
        try:
            segment.seal()
        except OSError as problem:
            self._alarm(f"{segment.path}: could not be sealed: {problem}; it will be recovered at the next start", None)

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
                os.close(descriptor)  # `recover` sealed the empty segment between our open and our lock
            except OSError:
                os.close(descriptor)
                raise
        self._descriptor, self._path, self._size = descriptor, path, 0


def _discard(descriptor: int, path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
    os.close(descriptor)


class Segment(NamedTuple):
    """A file of facts that readers cannot see yet."""

    descriptor: int
    path: str

    def seal(self) -> None:
        """Sync the data to the disk, then make the file visible under its final name in one step."""
        try:
            os.fdatasync(self.descriptor)
            sealed = _sealed_path(self.path)
            # With an access list on the spool (engine and switch under different users), 0o770 becomes its mask.
            os.makedirs(os.path.dirname(sealed), mode=0o770, exist_ok=True)
            os.rename(self.path, sealed)
            sync_path(os.path.dirname(sealed))
        finally:
            os.close(self.descriptor)  # which releases the lock


def _sealed_path(path: str) -> str:
    """The final path: one folder for each day (UTC), which limits the size of folders."""
    folder, name = os.path.split(path)
    milliseconds = name.partition("-")[0]
    known = milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 13
    day = time.strftime("%Y-%m-%d", time.gmtime(int(milliseconds) // 1000)) if known else "undated"
    return os.path.join(folder, day, name.removesuffix(OPEN) + SEALED)


def recover(folder: str) -> int:
    """Seal the segments of dead writers; returns their number. Safe while other writers run.

    Raises OSError for a segment that cannot be sealed, after sealing the others.
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
    """Seal one segment; False when its writer is alive or has just sealed it."""
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
    """All facts of the spool, segment by segment; with `unsealed` also those of segments still being written.

    An incomplete last line (after a power failure) is skipped.
    """
    for path in segments(folder, unsealed=unsealed):
        yield from read_segment(path)


def segments(folder: str, *, unsealed: bool = False) -> list[str]:
    """The paths of the segments, oldest first: `<folder>/<day>/*.jsonl`, with `unsealed` also the open ones."""
    opened = [os.path.join(folder, name) for name in _names(folder, OPEN)] if unsealed else []
    paths: set[str] = set()
    for day in _names(folder, ""):
        if not day.endswith(OPEN):
            paths |= {os.path.join(folder, day, name) for name in _names(os.path.join(folder, day), SEALED)}
    paths |= {
        path for path in opened if _sealed_path(path) not in paths
    }  # without those sealed between the two listings
    return sorted(paths, key=os.path.basename)


def read_segment(path: str) -> Iterator[Fact]:
    """The facts of one segment. Raises ValueError, with file and line, for a line that is not a fact."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        if path.endswith(OPEN):  # sealed in the meantime
            yield from read_segment(_sealed_path(path))
        return  # sealed and already taken away
    for number, line in enumerate(lines[:-1], 1):  # the text after the last line feed is empty or incomplete
        yield parse(line, f"{path}:{number}")


def parse(line: bytes, where: str) -> Fact:
    """Parse a line. Raises ValueError, naming `where`, when it is not a fact."""
    try:
        fact = Fact(**json.loads(line))
    except (TypeError, ValueError, RecursionError) as problem:
        raise ValueError(f"{where}: not a fact: {problem}") from None
    if not all(isinstance(text, str) for text in (fact.id, fact.call, fact.kind)) or not isinstance(fact.data, dict):
        raise ValueError(f"{where}: not a fact: id, call and kind must be text, data a mapping")
    if not isinstance(fact.at, (int, float)) or not -1e11 < fact.at < 1e11:  # NaN fails both comparisons
        raise ValueError(f"{where}: not a fact: at must be epoch seconds")
    return fact


def _names(folder: str, suffix: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(suffix)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def stderr_alarm(message: str, fact: Fact | None) -> None:
    """The alarm of a process without an engine: one line on standard error, which Asterisk logs."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    rest = "" if fact is None else " " + fact.line().decode().rstrip()
    os.write(2, f"{stamp} ALARM {message}{rest}\n".encode())
