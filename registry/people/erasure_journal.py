"""The journal of erasures, a file beside the keys. It outlives the database: after a restore, the next purge erases
again the people that it names. It holds pseudonyms only."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from typing import BinaryIO

from common.command_line import Refusal
from registry import keys
from registry.people.person import SETS, Person
from registry.site import Site

JOURNAL = "erased.jsonl"


def journal_path(site: Site) -> str:
    return os.path.join(os.path.dirname(keys.path(site.places)), JOURNAL)


def record_erasure(site: Site, person: Person, now: float) -> None:
    """Append a person to the journal: no numbers, only hashes, which mean nothing without the key.

    Raises OSError; then nothing was written.
    """
    identifiers = {name: sorted(getattr(person, name)) for name in SETS if name != "numbers"}
    line = (json.dumps({"until": now, **identifiers}) + "\n").encode()
    with open(journal_path(site), "ab+", buffering=0, opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = _end_of_lines(file)
        file.truncate(end)  # a line cut off by a crash was never acted upon, and must not spoil this one
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def read_erasures(site: Site) -> Iterator[Person]:
    """Yield the people in the journal. Raises `Refusal` for a damaged line: that person could come back unnoticed."""
    path = journal_path(site)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.endswith("\n"):  # a line cut off by a crash was never acted upon
                    yield _parse(line, f"{path}:{number}")
    except FileNotFoundError:
        return


def _parse(line: str, where: str) -> Person:
    try:
        document = json.loads(line)
        return Person(
            until=float(document["until"]), **{name: frozenset(document[name]) for name in SETS if name != "numbers"}
        )
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{where}: not a line of the journal of erasures; restore the file from its backup") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _end_of_lines(file: BinaryIO) -> int:
    """Return the offset after the last complete line."""
    file.seek(0)
    return file.read().rfind(b"\n") + 1
