"""From the switch's files to the tables: every line once, even after a crash, and the visits that follow from them.

One block of lines is one transaction: its lines, the visits of every call in it, and the position reached in the file.
A reader that is killed halfway has changed nothing, and reading the same lines again adds nothing. Visits are never
updated from new lines: they are built again from all lines of their call (`ivr.switch_logs.visits`), in whatever order
and from however many files the lines came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from common.command_line import Refusal
from common.garbage_collection import reduced_garbage_collection
from ivr.switch_logs import queue_log
from measure.switch import rotated_files, tables
from measure.switch.cdr import are_ids, channel_links
from measure.switch.queue_log_lines import Batch, Callers, Count, read_lines
from measure.switch.service_queue import ServiceQueue
from measure.switch.visit_rows import VisitRows, stored_events
from measure.tables import call_link, queue_restart
from registry.db.connection import Database, DatabaseError
from registry.db.schema import queue_event, queue_visit
from registry.keys import Keys

TOLERANCE = 300.0  # s by which the switch's clock may be ahead of ours

LINE_FORM = "a queue_log has lines like 1791187200|1791187200.7|nul|NONE|ENTERQUEUE||0612345678|1"

Progress = Callable[[str, int, int], None]  # path, bytes read so far, bytes to read


@dataclass
class Report:
    """The result of an ingestion."""

    count: Count = field(default_factory=Count)
    files: int = 0  # with new lines
    unfinished: list[str] = field(default_factory=list)  # paths whose last line has no line feed yet
    unread: list[str] = field(default_factory=list)  # errors of files that cannot be read
    links: int = 0  # new links of channels to calls
    records: int = 0  # lines of the CDR that were read
    useless_records: int = 0  # of these, without UNIQUEID and LINKEDID
    completed: int = 0  # visits that received their topic or their call later


class Content(NamedTuple):
    """Complete lines of a file."""

    path: str
    data: bytes
    whole: bool  # whether they are all of a short file


Take = Callable[[Connection, Content, float, Report], None]


class Ingestion:
    """One reader of a switch's files. `now` returns epoch seconds and is called once per block of `block` bytes."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        queue: ServiceQueue,
        now: Callable[[], float],
        block: int = rotated_files.BLOCK,
    ) -> None:
        self._database = database
        self._block = block
        self._now = now
        self.callers = Callers(keys)
        self._queue = queue
        self._visits = VisitRows(queue)
        self._damaged: dict[str, rotated_files.State | None] = {}  # path -> its state when it could not be read
        self._reported: dict[str, str] = {}  # path -> the error that was reported last

    def take_log(self, path: str, report: Report, progress: Progress = lambda *_: None) -> None:
        """Everything new in a queue_log and its rotated files. Raises `Refusal` (the folder), `DatabaseError`."""
        self._files(path, report, progress, self._log_block)

    def take_cdr(self, path: str, report: Report, progress: Progress = lambda *_: None) -> None:
        """Everything new in a Master.csv: which channel belongs to which call."""
        self._files(path, report, progress, self._cdr_block)

    def take_links(self, pairs: Collection[tuple[str, str]], report: Report) -> None:
        """UNIQUEID and LINKEDID that were read elsewhere, in one transaction."""
        links = [pair for pair in pairs if are_ids(*pair)]
        report.records += len(pairs)
        report.useless_records += len(pairs) - len(links)
        if links:
            with self._database.begin() as connection:
                report.links += tables.insert_new(connection, call_link, ("unique_id", "call_id"), links)

    def take_batch(self, batch: Batch, count: Count) -> None:
        """Lines that were read elsewhere, in one transaction."""
        with self._database.begin() as connection:
            tables.lock_ingestion(connection)
            self._write(connection, batch, count)

    def close_overdue(self) -> int:
        """Close the visits without an end whose call must be over by now; the number of their calls."""
        now = self._now()
        before = self._queue.over_before(now)
        with self._database.read() as connection:
            if not tables.open_before(connection, before):
                return 0  # without taking the write lock
        with self._database.begin() as connection:
            tables.lock_ingestion(connection)
            calls = tables.open_before(connection, before)
            stored = stored_events(connection, calls)
            self._visits.write(connection, stored, tables.restarts(connection), stored.keys(), now)
            tables.close_without_lines(connection, before)
        return len(calls)

    def last_entry(self) -> float | None:
        """The start of the last visit that is not in the future."""
        entered = queue_visit.c.entered_at
        with self._database.read() as connection:
            last: int | None = connection.scalar(select(func.max(entered)).where(entered <= self._now() + TOLERANCE))
        return last

    def _files(self, path: str, report: Report, progress: Progress, take: Take) -> None:
        """A log with its rotated files. A file that is damaged, or just being compressed, does not keep the others from
        being read; it is reported once and tried again when it has changed. Raises `DatabaseError`."""
        for file in rotated_files.generations(path):
            state = rotated_files.state(file)
            if file in self._damaged and self._damaged[file] == state:
                continue
            self._damaged.pop(file, None)
            try:
                self._file(file, report, progress, take)
                self._reported.pop(file, None)
            except DatabaseError:
                raise
            except Refusal as problem:
                if isinstance(problem, rotated_files.Damaged):
                    self._damaged[file] = state
                if self._reported.get(file) != str(problem):
                    self._reported[file] = str(problem)
                    report.unread.append(str(problem))

    def _file(self, path: str, report: Report, progress: Progress, take: Take) -> None:
        with self._database.read() as connection:
            known = tables.files(connection)
        log = rotated_files.open_log(path, known)
        if log is None:
            return
        with log.closing:
            place = log.known
            reached = log.position
            for block in log.blocks(self._block):
                now = self._now()
                with reduced_garbage_collection(), self._database.begin() as connection:
                    tables.lock_ingestion(connection)
                    whole = reached == 0 and log.size - block.position < self._block
                    take(connection, Content(path, block.data, whole), now, report)
                    place = tables.save_position(connection, place, path, now, log.reached(block))
                reached = block.position
                progress(path, reached - log.position, log.unread)
        report.files += reached > log.position
        if reached < log.size:
            report.unfinished.append(path)

    def _log_block(self, connection: Connection, content: Content, now: float, report: Report) -> None:
        count = Count()
        batch = read_lines(content.data, self.callers, now + TOLERANCE, count)
        if content.whole and count.lines and not batch.rows:
            raise rotated_files.Damaged(f"{content.path}: none of {count.lines} lines is an event; {LINE_FORM}")
        self._write(connection, batch, count)
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
        self._visits.write(connection, fresh | stored, starts, stored.keys(), self._now())

    def _restarted(self, connection: Connection, restarts: Collection[int]) -> set[str]:
        """The calls whose visits may end differently now that these starts of the switch are known."""
        affected: set[str] = set()
        for at in restarts:
            if tables.insert_new(connection, queue_restart, ("at",), [(at,)]):
                affected |= tables.open_before(connection, at) | tables.reclosable(connection, at)
        return affected

    def _cdr_block(self, connection: Connection, content: Content, now: float, report: Report) -> None:
        links, records = channel_links(queue_log.decode(content.data).splitlines())
        report.records += records
        report.useless_records += records - len(links)
        report.links += tables.insert_new(connection, call_link, ("unique_id", "call_id"), links)
