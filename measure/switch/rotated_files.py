"""Files that a switch writes and somebody rotates, read from where the last reader stopped.

A file is known by device, inode, its first bytes and those before the place that was reached: a renamed one is the same
file; one that was copied and truncated, or written over with a backup of itself, is a new one. To take a file for new
costs nothing but time: lines that are there already are known by what they say. A line without its line feed is left
for the next time.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import BinaryIO, NamedTuple

from common.command_line import Refusal

BLOCK = 2 << 20  # bytes read at once, some 30,000 lines
HEAD, TAIL = 1024, 256  # bytes by which a file is known
ENDLESS = 1 << 20  # bytes without a line feed: no line

_ROTATED = re.compile(r"[.-][0-9][0-9.-]*(\.gz)?")


class Known(NamedTuple):
    """How far a file has been read."""

    source_id: int
    device: int
    inode: int
    head_hash: str  # of its first `head_length` bytes and of the last ones before `position`
    head_length: int
    position: int


State = tuple[int, int, int, int]  # of a file: device, inode, bytes, ns of its last change, that of its rights included


class Damaged(Refusal):
    """What is in a file cannot be read; trying again helps when the file has changed, and not before."""


class Block(NamedTuple):
    """Whole lines of a file, and where it is to be gone on."""

    data: bytes
    position: int
    tail: bytes  # the last bytes before it


class Log(NamedTuple):
    """One file of a log, open, with what is known of it. `size` in bytes of what is read, not of what is compressed."""

    path: str
    file: BinaryIO | gzip.GzipFile
    closing: contextlib.ExitStack
    device: int
    inode: int
    size: int
    head: bytes
    tail: bytes  # before the place that was reached
    known: Known | None

    @property
    def position(self) -> int:
        return self.known.position if self.known is not None else 0

    @property
    def unread(self) -> int:
        return self.size - self.position

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """Everything that has not been read, but for a line that is not finished."""
        position, rest, tail = self.position, b"", self.tail
        self.file.seek(position)
        while data := self._read(size):
            cut = data.rfind(b"\n") + 1
            if not cut and len(rest) + len(data) < ENDLESS:
                rest += data
                continue
            cut = cut or len(data)
            whole, rest = rest + data[:cut], data[cut:]
            position += len(whole)
            tail = (tail + whole[-TAIL:])[-TAIL:] if not self.compressed else b""
            yield Block(whole, position, tail)

    def reached(self, block: Block) -> Known:
        """How the file is known when this block has been read; still without a number."""
        head = self.head[: block.position]  # what lies behind it may change
        known_by = _hash(head + block.tail)
        return Known(0, self.device, self.inode, known_by, len(head), block.position)

    @property
    def compressed(self) -> bool:
        """Nobody appends to it, and to go back in it takes time."""
        return self.path.endswith(".gz")

    def _read(self, size: int) -> bytes:
        try:
            return self.file.read(size)
        except (OSError, EOFError, zlib.error) as problem:
            said = f"{self.path}: cannot be read ({problem}); restore it, or move it to another folder"
            raise _kind(problem)(said) from None


def generations(path: str) -> list[str]:
    """The rotated files of a log that are still there, the oldest first, and the log itself last."""
    folder, name = os.path.split(path)
    found = []
    try:
        with os.scandir(folder or ".") as entries:
            for each in entries:
                if each.name.startswith(name) and _ROTATED.fullmatch(each.name, len(name)) and each.is_file():
                    found.append((each.stat().st_mtime, each.path))
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise Refusal(f"{folder}: {problem.strerror}; the user who runs this must be able to read it") from None
    return [each for _, each in sorted(found)] + ([path] if os.path.exists(path) else [])


def state(path: str) -> State | None:
    """By which it is seen that a file is no longer what it was; None when it is gone."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns


def opened(path: str, files: Sequence[Known]) -> Log | None:
    """The file, with what is known of it; None when it was moved away in this moment. Raises `Refusal`."""
    with contextlib.ExitStack() as after:
        try:
            plain = after.enter_context(open(path, "rb"))
            status = os.fstat(plain.fileno())
            size = status.st_size if not path.endswith(".gz") else _uncompressed(plain, status.st_size)
            file = plain if not path.endswith(".gz") else after.enter_context(gzip.open(plain))
            head = file.read(HEAD)
        except FileNotFoundError:
            return None
        except (OSError, EOFError, zlib.error) as problem:
            words = getattr(problem, "strerror", None) or str(problem)
            said = f"{path}: {words}; it must be whole, and readable for the user who runs this"
            raise _kind(problem)(said) from None
        log = Log(path, file, after.pop_all(), status.st_dev, status.st_ino, size, head, b"", None)
    for each in files:
        if (each.device, each.inode) == (log.device, log.inode) and each.position <= size:
            tail = b"" if log.compressed else _before(log.file, each.position)
            if _hash(head[: each.head_length] + tail) == each.head_hash:
                return log._replace(known=each, tail=tail)
    return log


def _kind(problem: Exception) -> type[Refusal]:
    """The system's own failures (rights of a folder above, too many open files) may pass without a sign at the file."""
    return Refusal if isinstance(problem, OSError) and problem.errno is not None else Damaged


def _uncompressed(file: BinaryIO, size: int) -> int:
    """What its last four bytes say of its size; a log of 4 GB and more is read again each time."""
    if size < 8:
        return 0
    file.seek(-4, os.SEEK_END)
    found: int = struct.unpack("<I", file.read(4))[0]
    file.seek(0)
    return found


def _before(file: BinaryIO | gzip.GzipFile, position: int) -> bytes:
    file.seek(max(0, position - TAIL))
    return file.read(min(TAIL, position))


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
