"""The keeper of what the switch wrote down by itself: numbers in its queue_log and CDR, recordings of campaigns.

Asterisk has its logs open and appends to them, so nothing is cut out of them: a number is overwritten in place, each
digit by an `x`. The file keeps its length and its inode, readers keep their place, and no line that is being written
is touched. Compressed logs cannot be overwritten: `logrotate` must
let them go in time, and the purge says which did not.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, update

from registry.db import schema
from registry.people.data_subject import Held, Person, Purged
from registry.people.phone_numbers import e164
from registry.site import Site

QUEUE_LOG, CDR = "queue_log", os.path.join("cdr-csv", "Master.csv")
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
LONGEST_LINE = 65536
# ENTERQUEUE|url|number|position: the number, with whatever a trunk put around its digits.
ENTERED = re.compile(rb"\A(\d{1,12})\|[^|\n]*\|[^|\n]*\|[^|\n]*\|ENTERQUEUE\|[^|\n]*\|([^|\n]*)")
# Master.csv: accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,...
CELL = rb'"((?:[^"\n]|"")*)"|([^",\n]*)'
SIGN = re.compile(rb"[0-9A-Za-z]")
WHOLE_OF_CDR = (1, 4)  # src, clid: whatever a trunk wrote there
PARTS_OF_CDR = (2, 8)  # dst, lastdata: of a call-back they name the citizen, `PJSIP/+39...@trunk,45`
DIALLED = re.compile(rb"(?<![0-9])\+?[0-9]{7,15}(?![0-9])")
START_OF_CDR = 9
MASK = b"x"
RECORDING = schema.recording.c


class Found(NamedTuple):
    """Where a number stands in a file: bytes from `start` to `end`; since when, as far as the line tells."""

    start: int
    end: int
    number: bytes
    at: float
    line: bytes


class SwitchLogs:
    """Numbers of callers in queue_log and Master.csv, rotated ones included."""

    name = "switch-logs"

    def find(self, site: Site, person: Person) -> list[Held]:
        found = []
        for path in _logs(site):
            for each in _numbers(site, path):
                if _is(each, person):
                    found.append(Held(self.name, f"{os.path.basename(path)}:{each.start}", "number in a log", each.at))
        return found

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        lines: list[bytes] = []
        for path in _logs(site):
            lines += [each.line for each in _numbers(site, path) if _is(each, person)]
        if not lines:
            return []
        with open(os.path.join(folder, "switch-logs.txt"), "wb") as written:
            written.write(b"".join(lines))
        return ["switch-logs.txt"]

    def erase(self, site: Site, person: Person, now: float) -> int:
        return sum(_mask(path, [each for each in _numbers(site, path) if _is(each, person)]) for path in _logs(site))

    def purge(self, site: Site, now: float) -> list[Purged]:
        before = now - site.days("caller_numbers")
        things = sum(_mask(path, [each for each in _numbers(site, path) if each.at < before]) for path in _logs(site))
        for path in compressed(site, before):
            remedy = "let logrotate remove it, or keep rotated logs uncompressed"
            print(f"{path}: compressed and too old to hold numbers; {remedy}", file=sys.stderr)
        return [Purged("caller_numbers", before, things)]


class Recordings:
    """Sound of the quality campaign, `<LINKEDID>.wav`. The register keeps the evidence: notice, beginning, end."""

    name = "recordings"

    def find(self, site: Site, person: Person) -> list[Held]:
        folder = site.places.recordings
        found = []
        for call in sorted(person.calls):
            path = os.path.join(folder, f"{call}.wav")
            if _plain_name(call) and os.path.exists(path) and os.stat(path).st_mtime <= person.until:
                found.append(Held(self.name, call, "recording of a conversation", os.stat(path).st_mtime))
        return found

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        names = []
        for each in self.find(site, person):
            name = f"recording-{each.id}.wav"
            shutil.copyfile(os.path.join(site.places.recordings, f"{each.id}.wav"), os.path.join(folder, name))
            names.append(name)
        return names

    def erase(self, site: Site, person: Person, now: float) -> int:
        found = self.find(site, person)
        for each in found:
            os.unlink(os.path.join(site.places.recordings, f"{each.id}.wav"))
        _register(site, RECORDING.call_id.in_(person.calls), now)
        return len(found)

    def purge(self, site: Site, now: float) -> list[Purged]:
        before, things, size = now - site.days("recording"), 0, 0
        for entry in _files(site.places.recordings, ".wav"):
            about = entry.stat(follow_symlinks=False)
            if about.st_mtime < before:
                os.unlink(entry.path)
                things, size = things + 1, size + about.st_size
        _register(site, RECORDING.started_at < before, now)
        return [Purged("recording", before, things, size)]


def _register(site: Site, which: ColumnElement[bool], now: float) -> None:
    """Write down of which recordings the sound is gone: those whose file is, also since a run that was cut short."""
    with site.database.begin() as connection:
        kept = connection.execute(
            select(RECORDING.recording_id, RECORDING.audio_ref).where(which, RECORDING.purged_at.is_(None))
        )
        gone = [each for each, name in kept if not os.path.exists(os.path.join(site.places.recordings, name))]
        for each in gone:
            one = update(schema.recording).where(RECORDING.recording_id == each)
            connection.execute(one.values(purged_at=now, audio_ref=None))


class TakenFacts:
    """Files of facts that the registry has taken in: no personal data, kept for a while in case of doubt."""

    name = "taken-facts"

    def find(self, site: Site, person: Person) -> list[Held]:
        return []

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        return []

    def erase(self, site: Site, person: Person, now: float) -> int:
        return 0

    def purge(self, site: Site, now: float) -> list[Purged]:
        before, things, size = now - site.days("taken_facts"), 0, 0
        root = os.path.join(os.path.dirname(site.places.facts), "taken")
        for folder, _, names in os.walk(root, topdown=False):
            for name in names:
                path = os.path.join(folder, name)
                about = os.stat(path)
                if about.st_mtime < before:
                    os.unlink(path)
                    things, size = things + 1, size + about.st_size
            if folder != root:
                with contextlib.suppress(OSError):
                    os.rmdir(folder)  # only when it is empty
        return [Purged("taken_facts", before, things, size)]


# --- the switch's logs ------------------------------------------------------------------------------------------------


def _logs(site: Site) -> list[str]:
    """queue_log and Master.csv, and what they were rotated to."""
    found = []
    for name in (QUEUE_LOG, CDR):
        folder, base = os.path.split(os.path.join(site.places.switch_log, name))
        found += [entry.path for entry in _files(folder) if entry.name == base or entry.name.startswith(base + ".")]
    return sorted(path for path in found if not path.endswith(COMPRESSED))


def compressed(site: Site, before: float) -> list[str]:
    """Compressed logs that are older than numbers may be kept: nothing here can change them."""
    found = []
    for name in (QUEUE_LOG, CDR):
        folder, base = os.path.split(os.path.join(site.places.switch_log, name))
        for entry in _files(folder):
            if entry.name.startswith(base) and entry.name.endswith(COMPRESSED) and entry.stat().st_mtime < before:
                found.append(entry.path)
    return sorted(found)


def _files(folder: str, suffix: str = "") -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [each for each in entries if each.name.endswith(suffix) and each.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _numbers(site: Site, path: str) -> Iterator[Found]:
    """Every number in a log that is not masked yet, but for the service's own."""
    own = site.compiled["service"]["service"]["number"].encode()
    read = _of_cdr if os.path.basename(path).startswith("Master.csv") else _of_queue_log
    with open(path, "rb") as file:
        start = 0
        while line := file.readline(LONGEST_LINE):
            yield from read(line, start, own)
            start += len(line)


def _of_queue_log(line: bytes, start: int, own: bytes) -> Iterator[Found]:
    match = ENTERED.match(line)
    if match and _shows(match[2]):
        yield Found(start + match.start(2), start + match.end(2), match[2], float(match[1]), line)


def _of_cdr(line: bytes, start: int, own: bytes) -> Iterator[Found]:
    cells = _cells(line)
    if len(cells) <= START_OF_CDR:
        return
    at = _epoch(line[slice(*cells[START_OF_CDR])])
    whole = [cells[place] for place in WHOLE_OF_CDR]
    parts = [match.span() for place in PARTS_OF_CDR for match in DIALLED.finditer(line, *cells[place])]
    for first, last in (*whole, *parts):
        word = line[first:last]
        if _shows(word) and word != own:
            yield Found(start + first, start + last, word, at, line)


def _shows(word: bytes) -> bool:
    """Whether there is still something to mask."""
    return any(sign != MASK for sign in SIGN.findall(word))


def _cells(line: bytes) -> list[tuple[int, int]]:
    """Where the cells of a line of comma-separated values stand, without their quotation marks."""
    found, at = [], 0
    pattern = re.compile(CELL)
    while at <= len(line):
        match = pattern.match(line, at)
        if match is None:
            break
        found.append(match.span(1) if match[1] is not None else match.span(2))
        at = match.end() + 1
    return found


def _epoch(word: bytes) -> float:
    """Of `2026-10-05 09:00:00`, in UTC (cdr.conf); 0, as old as can be, when it is none."""
    try:
        return datetime.strptime(word.decode("ascii"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _is(found: Found, person: Person) -> bool:
    """Whether this is one of the person's numbers, in whatever way the trunk wrote it: `"" <+39...>` in a clid."""
    word = found.number.decode("ascii", "replace")
    inside = re.search(r"<([^<>]*)>", word)
    return e164(inside[1] if inside else word) in person.numbers and found.at <= person.until


def _mask(path: str, found: list[Found]) -> int:
    """Overwrite the digits and letters of these numbers; how many."""
    if not found:
        return 0
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for each in found:
            if os.pread(descriptor, each.end - each.start, each.start) == each.number:  # not truncated meanwhile
                os.pwrite(descriptor, SIGN.sub(MASK, each.number), each.start)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return len(found)


def _plain_name(call: str) -> bool:
    """A LINKEDID becomes part of a path only when it looks like one."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", call) is not None
