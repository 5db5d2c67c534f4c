"""Accesses to personal data while the database is away: lines in a file, taken into the log of accesses later.

An access that cannot be logged is refused, so the log has no gaps. Only the standard library, since the message store
also works where the registry's packages are not installed.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from common.command_line import Refusal
from common.places import Places


class Access(NamedTuple):
    """One row of `access_log`."""

    at: float
    actor_ref: str
    action: str
    object_kind: str
    object_id: str
    why: str


def keep(places: Places, access: Access) -> None:
    """Append an access to the file; it is on the disk when this returns. Raises `Refusal`: then show nothing."""
    path = places.pending_accesses
    try:
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
        with _locked(path) as file:
            end = _end_of_lines(file)
            file.truncate(end)  # a line cut off by a crash: nothing was shown after it
            file.seek(end)
            line = (json.dumps(access._asdict(), ensure_ascii=False) + "\n").encode()
            try:
                if file.write(line) != len(line):
                    raise OSError(28, os.strerror(28))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise
    except OSError as problem:
        raise Refusal(
            f"{path}: {problem.strerror}; this access cannot be logged, so nothing is shown:"
            " free space, or let this user write there"
        ) from None


@contextmanager
def read_kept(places: Places) -> Iterator[list[Access]]:
    """The accesses kept so far; when the block ends without an error, they are deleted from the file.

    Raises `Refusal` for a damaged line, which is left in place.
    """
    path = places.pending_accesses
    if not os.path.exists(path):
        yield []
        return
    try:
        with _locked(path) as file:
            file.seek(0)
            lines = file.read()[: _end_of_lines(file)].splitlines()
            yield [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]
            file.truncate(0)
            os.fsync(file.fileno())
    except OSError as problem:
        raise Refusal(f"{path}: {problem.strerror}; make it readable and writable for this user") from None


@contextmanager
def _locked(path: str) -> Iterator[BinaryIO]:
    with open(path, "ab+", buffering=0, opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _parse(line: bytes, where: str) -> Access:
    try:
        document = json.loads(line)
        texts = [str(document[name]) for name in Access._fields[1:]]
        return Access(float(document["at"]), *texts)
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{where}: not a line of the log of accesses; correct the line, never delete the file") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o640)


def _end_of_lines(file: BinaryIO) -> int:
    file.seek(0)
    return file.read().rfind(b"\n") + 1
