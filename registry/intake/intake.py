"""The intake: it takes each fact of the spool into the database once, and opens requests and call-backs from them.

A transaction takes in several segments, which are moved away only after the commit. After a kill or a power cut in
between, the next run reads them again and recognizes known facts by their ids. A call is summarized again from all its
facts whenever one of them arrives (`registry.intake.call_summary`), so neither order nor batches matter. A second
beginning or end of a call is refused (`SINGLE`). A request is
corrected only while nobody else has acted on it.

Survey answers cannot be traced to a caller: they are joined by a hash of the call with a salt that is deleted when the
day is over. Neither the database nor the archived files keep the call or the hour of an answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import DataError, IntegrityError

from common.command_line import Refusal
from common.file_errors import describe
from ivr import facts as segments
from ivr.facts import Fact
from registry.db import schema
from registry.db.connection import DatabaseError
from registry.intake import spool
from registry.intake.batch import Batch, IntakeCounts
from registry.intake.message_lookup import MessageLookup, message_lookup
from registry.intake.spool import BadLine
from registry.people.access_log import take_in_pending
from registry.requests import reference_data
from registry.requests.clocks import Rules
from registry.site import Site

MOST_FACTS = 2000  # in a transaction: other writers wait a few tenths of a second
MOST_SEGMENTS = 200  # likewise
REFUSED = (
    IntegrityError,
    DataError,
    Refusal,
    ValueError,
    OverflowError,
)  # errors caused by a fact itself, not by the circumstances


class Segment(NamedTuple):
    """A file of the spool, read."""

    path: str
    facts: list[Fact]
    bad: list[BadLine]


class Intake:
    """Takes in the facts of one site. `log` gets a line for everything that somebody should look at."""

    def __init__(self, site: Site, log: Callable[[str], object], *, lookup: MessageLookup | None = None) -> None:
        self._site = site
        self._log = log
        self._rules = Rules.of(site.compiled)
        self._lookup = lookup or message_lookup(site.places)
        self._anonymous: dict[str, Fact] = {}  # of the current batch, see `Batch.anonymous`
        self._stuck: list[str] = []  # files that the current run could not move or read

    @property
    def stuck(self) -> str:
        """One line about files that the last run left in place because of the disk or permissions; "" if none."""
        if not self._stuck:
            return ""
        more = f", and {len(self._stuck) - 1} more" if len(self._stuck) > 1 else ""
        return f"{self._stuck[0]}{more}; free space or repair the permissions: until then it stays there"

    def _leave(self, path: str, problem: OSError) -> None:
        self._stuck.append(f"{problem.filename or path}: {problem.strerror}")

    def prepare(self, now: float) -> None:
        """Copy topics and promises from the configuration, recalculate running deadlines. Raises `DatabaseError`."""
        with self._site.database.begin() as connection:
            reference_data.save_reference_data(connection, self._site.compiled, now)

    def run(self, now: float, *, stop: Callable[[], bool] = lambda: False) -> IntakeCounts:
        """Take in the whole spool, unless `stop` returns true.

        Raises `DatabaseError` (the rest stays in the spool), and `Refusal` while another intake is running.
        """
        places = self._site.places
        self._stuck = []
        with self._locked():
            try:
                segments.recover(places.facts)
            except OSError as problem:
                self._leave(places.facts, problem)
            total = self.take_in(segments.segments(places.facts), now, stop)
            self._take_in_accesses()
            if not stop() and not segments.segments(places.facts):
                self._delete_salts(now)
        return total

    def _take_in_accesses(self) -> None:
        try:
            take_in_pending(self._site)
        except DatabaseError:
            raise
        except Refusal as problem:  # a damaged file must not hold up the facts
            self._stuck.append(str(problem))

    def run_again(self, since: str, now: float) -> IntakeCounts:
        """Take in again the segments archived since that day (ISO), after a backup was restored."""
        with self._locked():
            return self.take_in(spool.archived_since(self._site.places, since), now, lambda: False)

    def take_in(self, paths: Sequence[str], now: float, stop: Callable[[], bool]) -> IntakeCounts:
        """Take in these segments, unless `stop` returns true between two batches."""
        total = IntakeCounts()
        for batch in self._batches(paths, now):
            total = total.plus(self._take_in_batch(batch, now))
            if stop():
                break
        return total

    # --- segments

    def _batches(self, paths: Sequence[str], now: float) -> Iterator[list[Segment]]:
        """Yield groups of segments that fit into one transaction; a large segment is alone in its group."""
        batch: list[Segment] = []
        for path in paths:
            segment = self._read(path, now)
            if batch and (
                len(batch) >= MOST_SEGMENTS or sum(len(each.facts) for each in [*batch, segment]) > MOST_FACTS
            ):
                yield batch
                batch = []
            batch.append(segment)
        if batch:
            yield batch

    def _read(self, path: str, now: float) -> Segment:
        facts: list[Fact] = []
        bad: list[BadLine] = []
        try:
            for line in spool.read_segment(path):
                if isinstance(line, BadLine):
                    bad.append(line)
                else:
                    facts.append(line)
        except spool.NotASegment as problem:
            return self._set_aside(path, str(problem), now)
        except OSError as problem:
            self._leave(path, problem)
            return Segment("", [], [])
        return Segment(path, facts, bad)

    def _set_aside(self, path: str, reason: str, now: float) -> Segment:
        """Set aside a file that is not a segment; return it as an empty one."""
        try:
            spool.set_aside(self._site.places, path, reason, now)
        except OSError as problem:
            self._leave(path, problem)
            return Segment("", [], [])
        self._log(f"{path}: {reason}; moved to {self._site.places.poison}, with the reason beside it")
        return Segment("", [], [BadLine(b"", reason)])

    def _take_in_batch(self, batch: list[Segment], now: float) -> IntakeCounts:
        """Write a batch in one transaction, then move its segments away."""
        self._anonymous = {}
        done, refused = self._write(batch, now)
        archived, poison = 0, 0
        for segment in batch:
            bad = [*segment.bad, *(refused[fact.id] for fact in segment.facts if fact.id in refused)]
            try:
                if segment.path:
                    self._archive(segment, bad, now)
            except OSError as problem:  # when it is read again, its facts are known already
                self._leave(segment.path, problem)
            else:
                archived, poison = archived + bool(segment.path), poison + len(bad)
        return done._replace(segments=archived, poison=poison)

    def _archive(self, segment: Segment, bad: list[BadLine], now: float) -> None:
        """Archive a segment, after copying its bad lines: after a crash in between the same copy is written again.

        Survey answers are archived in their anonymous form.
        """
        if bad:
            spool.copy_bad_lines(self._site.places, segment.path, bad)
        if not segment.path.startswith(self._site.places.taken_facts):
            if any(fact.id in self._anonymous for fact in segment.facts):
                kept = [self._anonymous.get(fact.id, fact) for fact in segment.facts]
                spool.archive_facts(self._site.places, segment.path, kept, now)
            else:
                spool.archive(self._site.places, segment.path, now)
        if bad:
            where = os.path.join(self._site.places.poison, os.path.basename(segment.path))
            self._log(f"{segment.path}: {len(bad)} invalid lines ({bad[0].reason}); copied to {where}")

    def _write(self, batch: list[Segment], now: float) -> tuple[IntakeCounts, dict[str, BadLine]]:
        """Write a batch into the database; return the facts that it refuses, by their ids."""
        every = [fact for segment in batch for fact in segment.facts]
        try:
            with self._site.database.begin() as connection:
                work = self._batch(connection, now)
                done = work.take_in(every)
                _record_segments(connection, batch, work.known, now)
            self._anonymous |= work.anonymous
            return done, {}
        except DatabaseError:
            raise
        except REFUSED:  # one of them is refused; it must not hold up the others
            done, refused = self._bisect(every, now)
        with self._site.database.begin() as connection:
            _record_segments(connection, batch, set(), now)
        return done, refused

    def _bisect(self, every: list[Fact], now: float) -> tuple[IntakeCounts, dict[str, BadLine]]:
        """Write facts in smaller and smaller transactions, to find those that the database refuses."""
        try:
            with self._site.database.begin() as connection:
                work = self._batch(connection, now)
                done = work.take_in(every)
            self._anonymous |= work.anonymous
            return done, {}
        except DatabaseError:
            raise
        except REFUSED as problem:
            if len(every) == 1:
                reason = str(getattr(problem, "orig", problem)).split("\n")[0]
                return IntakeCounts(), {every[0].id: BadLine(every[0].line(), f"the database refuses it: {reason}")}
        half = len(every) // 2
        (one, first), (two, second) = self._bisect(every[:half], now), self._bisect(every[half:], now)
        return one.plus(two), first | second

    def _batch(self, connection: Connection, now: float) -> Batch:
        return Batch(connection, self._site.keys, self._rules, self._lookup, now)

    def _delete_salts(self, now: float) -> None:
        """Delete the salts of past days: then nobody can join answers with calls any more."""
        yesterday = self._rules.hours.local(now).date() - timedelta(days=1)
        with self._site.database.begin() as connection:
            connection.execute(delete(schema.survey_salt).where(schema.survey_salt.c.day < yesterday.isoformat()))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock out other intakes of the spool; the kernel frees the lock, whatever happens to its holder."""
        folder = os.path.dirname(self._site.places.facts)
        path = os.path.join(folder, ".intake.lock")
        try:
            os.makedirs(folder, mode=0o770, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        except OSError as problem:
            raise Refusal(describe(problem, path)) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise Refusal(f"{folder}: another intake is running; there is nothing to do for this one") from None
        finally:
            os.close(descriptor)


def _record_segments(connection: Connection, batch: list[Segment], known: set[str], now: float) -> None:
    """Record the segments that were taken in, unless they are recorded already."""
    table = schema.intake_segment
    rows = {
        os.path.basename(each.path): {
            "name": os.path.basename(each.path),
            "taken_at": now,
            "facts": len(each.facts),
            "repeated": sum(fact.id in known for fact in each.facts),
            "poison": len(each.bad),
        }
        for each in batch
        if each.path
    }
    before = set(connection.execute(select(table.c.name).where(table.c.name.in_(list(rows)))).scalars())
    fresh = [row for name, row in rows.items() if name not in before]
    if fresh:
        connection.execute(insert(table), fresh)
