"""From the switch's files to the tables: every line once, whatever happens, and the visits that follow from them.

A block of lines is one transaction: its lines, the visits of every call that it touches, and how far the file has been
read. So who is killed in the middle has done nothing, and who reads the same lines twice adds nothing. Visits are never
changed, only made again from all the lines of their call (`ivr.switch_logs.visits`); in whatever order, and from
however many
files, these have come.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from charter.calendar import OpeningHours
from common.command_line import Refusal
from common.garbage_collection import reduced_garbage_collection
from ivr.switch_logs import queue_log
from ivr.switch_logs.queue_log import OF_VISITS, Event
from ivr.switch_logs.visits import Visit, visits_of
from measure.switch import rotated_files, tables
from measure.switch.lines import Batch, Callers, Count, read
from registry.db.connection import Database, DatabaseError
from registry.db.schema import call_link, queue_event, queue_restart, queue_visit
from registry.keys import Keys

TOLERANCE = 300.0  # s by which the switch's clock may be ahead of ours
MINUTES_REMEMBERED = 1 << 17

Progress = Callable[[str, int, int], None]  # path, bytes read so far, bytes to read


@dataclass
class Report:
    """What an ingestion did."""

    count: Count = field(default_factory=Count)
    files: int = 0  # that had something new
    unfinished: list[str] = field(default_factory=list)  # paths whose last line has no end yet
    unread: list[str] = field(default_factory=list)  # what is wrong with files that cannot be read
    links: int = 0  # new ones, of channels to calls
    joined: int = 0  # visits that have got their topic or their call afterwards


class Ingestion:
    """One reader of a switch's files. `now` gives the time in epoch seconds, and is asked once for each block of
    `block` bytes."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        hours: OpeningHours,
        now: Callable[[], float],
        block: int = rotated_files.BLOCK,
    ) -> None:
        self._database = database
        self._block = block
        self._now = now
        self.callers = Callers(keys)
        self._visits = VisitRows(hours)
        self._damaged: dict[str, rotated_files.State | None] = {}  # path -> as it was when it could not be read
        self._told: dict[str, str] = {}  # path -> what is wrong with it

    def take_log(self, path: str, report: Report, progress: Progress = lambda *_: None) -> None:
        """Everything new in a queue_log and in its rotated files. Raises `Refusal` (the folder), `DatabaseError`."""
        self._files(path, report, progress, self._log_block)

    def take_cdr(self, path: str, report: Report, progress: Progress = lambda *_: None) -> None:
        """Everything new in a Master.csv: which channel belongs to which call."""
        self._files(path, report, progress, self._cdr_block)

    def take_batch(self, batch: Batch, count: Count) -> None:
        """Lines that were read elsewhere, in a transaction of their own."""
        with self._database.begin() as connection:
            tables.alone(connection)
            self._write(connection, batch, count)

    def last_entry(self) -> float | None:
        """The instant of the last visit that is not from the future."""
        place = queue_visit.c.entered_at
        with self._database.read() as connection:
            found: int | None = connection.scalar(select(func.max(place)).where(place <= self._now() + TOLERANCE))
        return found

    def _files(
        self, path: str, report: Report, progress: Progress, take: Callable[[Connection, bytes, float, Report], None]
    ) -> None:
        """A log with its rotated files. One that is damaged, or being compressed at this moment, keeps nobody from the
        others; it is told once, and tried again when it has changed. Raises `DatabaseError`."""
        for each in rotated_files.generations(path):
            state = rotated_files.state(each)
            if each in self._damaged and self._damaged[each] == state:
                continue
            self._damaged.pop(each, None)
            try:
                self._file(each, report, progress, take)
                self._told.pop(each, None)
            except DatabaseError:
                raise
            except Refusal as problem:
                if isinstance(problem, rotated_files.Damaged):
                    self._damaged[each] = state
                if self._told.get(each) != str(problem):
                    self._told[each] = str(problem)
                    report.unread.append(str(problem))

    def _file(
        self, path: str, report: Report, progress: Progress, take: Callable[[Connection, bytes, float, Report], None]
    ) -> None:
        with self._database.read() as connection:
            known = tables.files(connection)
        log = rotated_files.opened(path, known)
        if log is None:
            return
        with log.closing:
            place = log.known
            reached = log.position
            for block in log.blocks(self._block):
                now = self._now()
                with reduced_garbage_collection(), self._database.begin() as connection:
                    tables.alone(connection)
                    take(connection, block.data, now, report)
                    place = tables.keep_position(connection, place, path, now, log.reached(block))
                reached = block.position
                progress(path, reached - log.position, log.unread)
        report.files += reached > log.position
        if reached < log.size:
            report.unfinished.append(path)

    def _log_block(self, connection: Connection, data: bytes, now: float, report: Report) -> None:
        count = Count()
        self._write(connection, read(data, self.callers, now + TOLERANCE, count), count)
        report.count.add(count)

    def _write(self, connection: Connection, batch: Batch, count: Count) -> None:
        known = tables.with_lines(connection, batch.calls) if batch.calls else set()
        added = tables.insert_new(connection, queue_event, tables.EVENT, batch.rows)
        count.new += added
        count.repeated += len(batch.rows) - added
        if not added:
            return
        fresh = {call: events for call, events in batch.calls.items() if call not in known}
        known |= self._restarted(connection, batch.restarts)
        starts = tables.restarts(connection)
        stored = stored_events(connection, known - fresh.keys())
        self._visits.write(connection, fresh | stored, starts, stored.keys())

    def _restarted(self, connection: Connection, restarts: Collection[int]) -> set[str]:
        """The calls whose visits have an end, now that it is known when the switch was started."""
        touched: set[str] = set()
        for at in restarts:
            if tables.insert_new(connection, queue_restart, ("at",), [(at,)]):
                touched |= tables.open_before(connection, at) | tables.reclosable(connection, at)
        return touched

    def _cdr_block(self, connection: Connection, data: bytes, now: float, report: Report) -> None:
        found = cdr_links(queue_log.decode(data).splitlines())
        report.links += tables.insert_new(connection, call_link, ("unique_id", "call_id"), found)


def stored_events(connection: Connection, calls: Collection[str]) -> dict[str, list[Event]]:
    """Everything that decides over the visits of these calls; without those whose lines were erased."""
    found: dict[str, list[Event]] = {}
    for kept in tables.lines_of(connection, calls) if calls else ():
        event = kept.event()
        if event is not None and event.verb in OF_VISITS:
            found.setdefault(event.call, []).append(event)
    return found


class VisitRows:
    """Visits as the database has them: joined with the call's topic, in service hours or not."""

    def __init__(self, hours: OpeningHours) -> None:
        self._hours = hours
        self._open: dict[int, bool] = {}  # by minute: opening hours begin and end with one

    def write(
        self, connection: Connection, calls: dict[str, list[Event]], restarts: Sequence[int], there: Collection[str]
    ) -> None:
        """Make the visits of these calls; of those in `there` the old ones are taken away first."""
        if there:
            tables.forget_visits(connection, there)
        visits = [visit for events in calls.values() for visit in visits_of(events, restarts)]
        if not visits:
            return
        made = {visit.call for visit in visits}
        links = tables.links(connection, made)
        topics = tables.topics(connection, {links.get(call, call) for call in made})
        rows = [self._row(visit, links, topics) for visit in visits]
        tables.insert_new(connection, queue_visit, tables.VISIT, rows)

    def _row(self, visit: Visit, links: dict[str, str], topics: dict[str, str]) -> tuple[object, ...]:
        call = links.get(visit.call, visit.call)
        return (
            visit.call, visit.number, call, visit.queue, visit.entered, visit.left, visit.wait, visit.talk, visit.ring,
            visit.fate, topics.get(call, ""), self._in_service(visit.entered), visit.caller or None, visit.position,
        )  # fmt: skip

    def _in_service(self, at: int) -> int:
        minute = at // 60
        found = self._open.get(minute)
        if found is None:
            if len(self._open) > MINUTES_REMEMBERED:
                self._open.clear()
            found = self._open[minute] = self._hours.is_open(at)
        return int(found)


# --- CDR -------------------------------------------------------------------------------------------------------------

_ID = re.compile(r"[\w.:-]*[0-9]{9,10}\.[0-9]+", re.ASCII)
_UNIQUEID, _LINKEDID, _LEAST = 16, -2, 19  # columns of Master.csv with loguniqueid and newcdrcolumns


def cdr_links(lines: Iterable[str]) -> list[tuple[str, str]]:
    """UNIQUEID and LINKEDID of each channel in lines of a Master.csv; nothing else of them is kept."""
    found: list[tuple[str, str]] = []
    reader = csv.reader(lines)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return found
        except csv.Error:
            continue
        if len(row) >= _LEAST and _ID.fullmatch(row[_UNIQUEID]) and _ID.fullmatch(row[_LINKEDID]):
            found.append((row[_UNIQUEID], row[_LINKEDID]))
