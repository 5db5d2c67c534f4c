"""Callers' numbers in the switch's own logs: queue_log, Master.csv and its text logs, rotated files included.

Asterisk keeps its logs open and appends to them, so nothing is cut out: a number is overwritten in place, each letter
and digit by an `x`. The file keeps its length and its inode, readers keep their position, and a line that is being
written is not touched. Compressed logs cannot be overwritten: `logrotate` must delete them in time, and `purge` reports
those that are still there.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from measure.personal.folder import regular_files
from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.people.phone_numbers import to_e164
from registry.site import Site

QUEUE_LOG, CDR = "queue_log", os.path.join("cdr-csv", "Master.csv")
# What Asterisk reports, such as a call to a number that does not exist. Which of them there are, logger.conf decides.
TEXT_LOGS = ("messages.log", "messages", "security.log", "security", "full.log", "full", "console.log")
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
LONGEST_LINE = 65536
# ENTERQUEUE|url|number|position: the number, with any characters that a trunk put around its digits.
ENTERED = re.compile(rb"\A(\d{1,12})\|[^|\n]*\|[^|\n]*\|[^|\n]*\|ENTERQUEUE\|[^|\n]*\|([^|\n]*)")
# BLINDTRANSFER|extension|context...: what an operator dialled (TRANSFER in older versions).
TRANSFERRED = re.compile(rb"\A(\d{1,12})\|[^|\n]*\|[^|\n]*\|[^|\n]*\|(?:BLIND)?TRANSFER\|(\+?[0-9]{7,15})\|")
# A line of a text log: `[2026-11-24 10:00:00.123] NOTICE...`, or with Asterisk's own date format `[Nov 24 10:00:00]`.
STAMP = re.compile(rb"\A\[(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)|([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d))")
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
    """Callers' numbers in queue_log, Master.csv and the text logs."""

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
    """queue_log, Master.csv, the text logs, and their uncompressed rotated files."""
    return sorted(entry.path for entry in _log_files(site) if not entry.name.endswith(COMPRESSED))


def _log_files(site: Site) -> list[os.DirEntry[str]]:
    """All logs, with those that logrotate has renamed to `<name>.1` or `<name>-20261124`, compressed or not."""
    files: dict[str, os.DirEntry[str]] = {}
    for name in (QUEUE_LOG, CDR, *TEXT_LOGS):
        folder, base = os.path.split(os.path.join(site.places.switch_log, name))
        for entry in regular_files(folder):
            if entry.name == base or entry.name.startswith((base + ".", base + "-")):
                files[entry.path] = entry
    return list(files.values())


def compressed_before(site: Site, before: float) -> list[str]:
    """Compressed logs that were last changed before that instant; the numbers in them cannot be masked."""
    compressed = [entry for entry in _log_files(site) if entry.name.endswith(COMPRESSED)]
    return sorted(entry.path for entry in compressed if entry.stat().st_mtime < before)


def _numbers_of(site: Site, path: str, person: Person) -> list[LoggedNumber]:
    return [logged for logged in _numbers(site, path) if _belongs_to(logged, person)]


def _numbers(site: Site, path: str) -> Iterator[LoggedNumber]:
    """Every number in a log that is not masked yet, except the service's own."""
    own = site.compiled["service"]["service"]["number"].encode()
    name, stamps = os.path.basename(path), _Stamps(path)
    with open(path, "rb") as file:
        start = 0
        while line := file.readline(LONGEST_LINE):
            if name.startswith("Master.csv"):
                yield from _cdr_numbers(line, start, own)
            elif name.startswith(QUEUE_LOG):
                yield from _queue_log_numbers(line, start)
            else:
                yield from _text_numbers(line, start, own, stamps.read(line))
            start += len(line)


def _queue_log_numbers(line: bytes, start: int) -> Iterator[LoggedNumber]:
    match = ENTERED.match(line) or TRANSFERRED.match(line)
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


def _text_numbers(line: bytes, start: int, own: bytes, at: float) -> Iterator[LoggedNumber]:
    """Whatever has the length of a telephone number: a process id or a call id among them does no harm."""
    for match in DIALLED.finditer(line):
        if match[0] != own:
            yield LoggedNumber(start + match.start(), start + match.end(), match[0], at, line)


class _Stamps:
    """The instants of the lines of a text log, in local time. A line without one has that of the line before."""

    def __init__(self, path: str) -> None:
        self._last = datetime.fromtimestamp(os.stat(path).st_mtime)
        self._at = 0.0  # lines before the first instant count as old

    def read(self, line: bytes) -> float:
        if match := STAMP.match(line):
            with contextlib.suppress(ValueError, OverflowError):  # an impossible date
                self._at = self._parse(match[1], match[2]).timestamp()
        return self._at

    def _parse(self, with_year: bytes | None, without: bytes | None) -> datetime:
        if with_year is not None:
            return datetime.strptime(with_year.decode(), "%Y-%m-%d %H:%M:%S")
        assert without is not None
        year = self._last.year
        found = datetime.strptime(f"{year} {without.decode()}", "%Y %b %d %H:%M:%S")
        return found.replace(year=year - 1) if found > self._last + timedelta(days=1) else found


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
