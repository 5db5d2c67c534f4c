"""Callers' numbers in the switch's own logs: queue_log and Master.csv, rotated files included.

Asterisk keeps its logs open and appends to them, so nothing is cut out: a number is overwritten in place, each letter
and digit by an `x`. The file keeps its length and its inode, readers keep their position, and a line that is being
written is not touched. Compressed logs cannot be overwritten: `logrotate` must delete them in time, and `purge` reports
those that are still there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from measure.personal.folder import regular_files
from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.people.phone_numbers import to_e164
from registry.site import Site

QUEUE_LOG, CDR = "queue_log", os.path.join("cdr-csv", "Master.csv")
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
LONGEST_LINE = 65536
# ENTERQUEUE|url|number|position: the number, with any characters that a trunk put around its digits.
ENTERED = re.compile(rb"\A(\d{1,12})\|[^|\n]*\|[^|\n]*\|[^|\n]*\|ENTERQUEUE\|[^|\n]*\|([^|\n]*)")
# Master.csv: accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,...
FIELD = re.compile(rb'"((?:[^"\n]|"")*)"|([^",\n]*)')
CHARACTER = re.compile(rb"[0-9A-Za-z]")
WHOLE_FIELDS = (1, 4)  # src, clid: masked whatever a trunk wrote there
FIELDS_WITH_NUMBERS = (2, 8)  # dst, lastdata: for a call-back they hold the citizen's number, `PJSIP/+39...@trunk,45`
DIALLED = re.compile(rb"(?<![0-9])\+?[0-9]{7,15}(?![0-9])")
START_FIELD = 9
MASK = b"x"


class LoggedNumber(NamedTuple):
    """A number in a file: bytes `start` to `end`, and the instant that its line gives."""

    start: int
    end: int
    number: bytes
    at: float
    line: bytes


class SwitchLogs:
    """Callers' numbers in queue_log and Master.csv."""

    name = "switch-logs"

    def find(self, site: Site, person: Person) -> list[Held]:
        return [
            Held(self.name, f"{os.path.basename(path)}:{logged.start}", "number in a log", logged.at)
            for path in _logs(site)
            for logged in _numbers_of(site, path, person)
        ]

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        lines = [logged.line for path in _logs(site) for logged in _numbers_of(site, path, person)]
        if not lines:
            return []
        with open(os.path.join(folder, "switch-logs.txt"), "wb") as file:
            file.write(b"".join(lines))
        return ["switch-logs.txt"]

    def erase(self, site: Site, person: Person, now: float) -> int:
        return sum(_mask(path, _numbers_of(site, path, person)) for path in _logs(site))

    def purge(self, site: Site, now: float) -> list[Purged]:
        before = now - site.retention_seconds("caller_numbers")
        count = sum(_mask(path, [each for each in _numbers(site, path) if each.at < before]) for path in _logs(site))
        for path in compressed_before(site, before):
            remedy = "have logrotate delete it, or keep rotated logs uncompressed"
            print(f"{path}: compressed, and past the retention period of numbers; {remedy}", file=sys.stderr)
        return [Purged("caller_numbers", before, count)]


def _logs(site: Site) -> list[str]:
    """queue_log, Master.csv, and their uncompressed rotated files."""
    paths = []
    for name in (QUEUE_LOG, CDR):
        folder, base = os.path.split(os.path.join(site.places.switch_log, name))
        files = regular_files(folder)
        paths += [entry.path for entry in files if entry.name == base or entry.name.startswith(base + ".")]
    return sorted(path for path in paths if not path.endswith(COMPRESSED))


def compressed_before(site: Site, before: float) -> list[str]:
    """Compressed logs that were last changed before that instant; the numbers in them cannot be masked."""
    paths = []
    for name in (QUEUE_LOG, CDR):
        folder, base = os.path.split(os.path.join(site.places.switch_log, name))
        for entry in regular_files(folder):
            if entry.name.startswith(base) and entry.name.endswith(COMPRESSED) and entry.stat().st_mtime < before:
                paths.append(entry.path)
    return sorted(paths)


def _numbers_of(site: Site, path: str, person: Person) -> list[LoggedNumber]:
    return [logged for logged in _numbers(site, path) if _belongs_to(logged, person)]


def _numbers(site: Site, path: str) -> Iterator[LoggedNumber]:
    """Every number in a log that is not masked yet, except the service's own."""
    own = site.compiled["service"]["service"]["number"].encode()
    read = _cdr_numbers if os.path.basename(path).startswith("Master.csv") else _queue_log_numbers
    with open(path, "rb") as file:
        start = 0
        while line := file.readline(LONGEST_LINE):
            yield from read(line, start, own)
            start += len(line)


def _queue_log_numbers(line: bytes, start: int, own: bytes) -> Iterator[LoggedNumber]:
    match = ENTERED.match(line)
    if match and _unmasked(match[2]):
        yield LoggedNumber(start + match.start(2), start + match.end(2), match[2], float(match[1]), line)


def _cdr_numbers(line: bytes, start: int, own: bytes) -> Iterator[LoggedNumber]:
    fields = _fields(line)
    if len(fields) <= START_FIELD:
        return
    at = _epoch(line[slice(*fields[START_FIELD])])
    whole = [fields[n] for n in WHOLE_FIELDS]
    parts = [match.span() for n in FIELDS_WITH_NUMBERS for match in DIALLED.finditer(line, *fields[n])]
    for first, last in (*whole, *parts):
        text = line[first:last]
        if _unmasked(text) and text != own:
            yield LoggedNumber(start + first, start + last, text, at, line)


def _unmasked(text: bytes) -> bool:
    """Whether there is still something to mask."""
    return any(character != MASK for character in CHARACTER.findall(text))


def _fields(line: bytes) -> list[tuple[int, int]]:
    """Start and end of each field of a CSV line, without quotation marks."""
    spans, at = [], 0
    while at <= len(line):
        match = FIELD.match(line, at)
        if match is None:
            break
        spans.append(match.span(1) if match[1] is not None else match.span(2))
        at = match.end() + 1
    return spans


def _epoch(text: bytes) -> float:
    """The instant of `2026-10-05 09:00:00` in UTC (cdr.conf); 0, so that it counts as old, for anything else."""
    try:
        return datetime.strptime(text.decode("ascii"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _belongs_to(logged: LoggedNumber, person: Person) -> bool:
    """Whether this is one of the person's numbers, also inside a clid such as `"" <+39...>`."""
    text = logged.number.decode("ascii", "replace")
    inside = re.search(r"<([^<>]*)>", text)
    return to_e164(inside[1] if inside else text) in person.numbers and logged.at <= person.until


def _mask(path: str, numbers: list[LoggedNumber]) -> int:
    """Overwrite the letters and digits of these numbers; returns how many numbers."""
    if not numbers:
        return 0
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for logged in numbers:
            # The file may have been truncated since it was read.
            if os.pread(descriptor, logged.end - logged.start, logged.start) == logged.number:
                os.pwrite(descriptor, CHARACTER.sub(MASK, logged.number), logged.start)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return len(numbers)
