"""Log files that are rotated, read from the position where the last reader stopped.

A file is identified by device, inode, its first bytes and the bytes before that position: a renamed file is the same
file; one that was copied and truncated, or overwritten with its backup, is a new one. Treating a file as new only costs
time, because stored lines are recognized by their text. A last line without a line feed is left for the next run.
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
from common.file_errors import describe

BLOCK = 2 << 20  # bytes read at once, some 30,000 lines
HEAD, TAIL = 1024, 256  # bytes that identify a file
ENDLESS = 1 << 20  # bytes without a line feed, after which the file is read on without one

_ROTATED = re.compile(r"[.-][0-9][0-9.-]*(\.gz)?")


class Known(NamedTuple):
    """The identity of a file and the position that was reached in it."""

    source_id: int
    device: int
    inode: int
    head_hash: str  # of its first `head_length` bytes and the last ones before `position`
    head_length: int
    position: int


State = tuple[int, int, int, int]  # device, inode, bytes, ns of the last change of content or permissions


class Damaged(Refusal):
    """The content of a file cannot be read; trying again is useless until the file has changed."""


class Block(NamedTuple):
    """Complete lines of a file, and the offset to resume from."""

    data: bytes
    position: int
    tail: bytes  # the last bytes before that offset


class Log(NamedTuple):
    """An open log file. `size` is in uncompressed bytes; `known` is None for a new file."""

    path: str
    file: BinaryIO | gzip.GzipFile
    closing: contextlib.ExitStack
    device: int
    inode: int
    size: int
    head: bytes
    tail: bytes  # the last bytes before the position reached
    known: Known | None

    @property
    def position(self) -> int:
        return self.known.position if self.known is not None else 0

    @property
    def unread(self) -> int:
        return self.size - self.position

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """Everything not read yet, except an unfinished last line."""
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
        """The identity of the file after this block; its `source_id` is not set."""
        head = self.head[: block.position]  # the bytes after it may change
        identity = _hash(head + block.tail)
        return Known(0, self.device, self.inode, identity, len(head), block.position)

    @property
    def compressed(self) -> bool:
        """Compressed files do not grow, and seeking backward in them is slow."""
        return self.path.endswith(".gz")

    def _read(self, size: int) -> bytes:
        try:
            return self.file.read(size)
        except (OSError, EOFError, zlib.error) as problem:
            message = f"{self.path}: cannot be read ({problem}); restore it, or move it to another folder"
            raise _error_type(problem)(message) from None


def generations(path: str) -> list[str]:
    """The existing rotated files of a log, oldest first, and the log itself last."""
    folder, name = os.path.split(path)
    rotated = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if entry.name.startswith(name) and _ROTATED.fullmatch(entry.name, len(name)) and entry.is_file():
                    rotated.append((entry.stat().st_mtime, entry.path))
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise Refusal(describe(problem, folder)) from None
    return [file for _, file in sorted(rotated)] + ([path] if os.path.exists(path) else [])


def state(path: str) -> State | None:
    """A state that differs once the file has changed; None if the file is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns


def open_log(path: str, files: Sequence[Known]) -> Log | None:
    """Open a file and find it among the known `files`; None if it was just moved away. Raises `Refusal`."""
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
            reason = getattr(problem, "strerror", None) or str(problem)
            message = f"{path}: {reason}; it must be complete, and readable for the user who runs this"
            raise _error_type(problem)(message) from None
        log = Log(path, file, after.pop_all(), status.st_dev, status.st_ino, size, head, b"", None)
    for each in files:
        if (each.device, each.inode) == (log.device, log.inode) and each.position <= size:
            tail = b"" if log.compressed else _before(log.file, each.position)
            if _hash(head[: each.head_length] + tail) == each.head_hash:
                return log._replace(known=each, tail=tail)
    return log


def _error_type(problem: Exception) -> type[Refusal]:
    """System errors (folder permissions, too many open files) can pass without a change of the file: not `Damaged`."""
    return Refusal if isinstance(problem, OSError) and problem.errno is not None else Damaged


def _uncompressed(file: BinaryIO, size: int) -> int:
    """The size in the last four bytes of a gzip file; a log of 4 GB or more is read again each time."""
    if size < 8:
        return 0
    file.seek(-4, os.SEEK_END)
    uncompressed: int = struct.unpack("<I", file.read(4))[0]
    file.seek(0)
    return uncompressed


def _before(file: BinaryIO | gzip.GzipFile, position: int) -> bytes:
    file.seek(max(0, position - TAIL))
    return file.read(min(TAIL, position))


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
