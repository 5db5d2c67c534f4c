"""Facts of the spool into the database: each once, and from them requests, messages to call back, answers.

A transaction takes some segments; only when it is committed are they moved away. Whatever happens in between, a kill or
a power cut, the next run finds them again, and finds by the ids of the facts what it has already. What a call amounts
to is worked out anew from all its facts whenever one of them arrives (`registry.intake.call_story`), so neither order
nor batches
matter; a request is corrected only while nobody but us has touched it.

Answers to the survey lead back to nobody: they are joined by a hash of the call under a salt that is thrown away when
the day is over, and nothing that is kept of them, in the database or in the files put away, has the call or the hour.
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
from ivr import facts as segments
from ivr.facts import Fact
from registry.db import schema
from registry.db.connection import DatabaseError
from registry.intake import spool
from registry.intake.batch import Batch, Taken
from registry.intake.message_lookup import Asked, stores
from registry.intake.spool import Bad
from registry.requests import reference_data
from registry.requests.clocks import Rules
from registry.site import Site

BATCH = 2000  # facts in a transaction: some tenths of a second for which others wait
SEGMENTS = 200  # likewise
REFUSED = (IntegrityError, DataError, Refusal, ValueError, OverflowError)  # for what a fact says, not by circumstance


class Segment(NamedTuple):
    """A file of the spool, read."""

    path: str
    facts: list[Fact]
    bad: list[Bad]


class Intake:
    """Takes in the facts of one site. `tell` is told, in a line, what somebody should look at."""

    def __init__(self, site: Site, tell: Callable[[str], object], *, asked: Asked | None = None) -> None:
        self._site = site
        self._tell = tell
        self._rules = Rules.of(site.compiled)
        self._asked = asked or stores(site.places)
        self._anonymous: dict[str, Fact] = {}  # of the batch under way, see `Batch.anonymous`
        self._stuck: list[str] = []  # of the run under way

    @property
    def stuck(self) -> str:
        """What the last run left where it was, by the disk or its rights, in a line; "" when nothing."""
        if not self._stuck:
            return ""
        more = f", and {len(self._stuck) - 1} more" if len(self._stuck) > 1 else ""
        return f"{self._stuck[0]}{more}; free space or mend the rights: until then it stays there"

    def _stays(self, path: str, problem: OSError) -> None:
        self._stuck.append(f"{problem.filename or path}: {problem.strerror}")

    def prepare(self) -> None:
        """Bring in what the configuration says of topics and promises. Raises `DatabaseError`."""
        with self._site.database.begin() as connection:
            reference_data.publish(connection, self._site.compiled)

    def run(self, now: float, *, stop: Callable[[], bool] = lambda: False) -> Taken:
        """Take in all that lies there, until there is nothing more or `stop` says so.

        Raises `DatabaseError` (the rest stays in the spool), and `Refusal` while another intake is at work.
        """
        places = self._site.places
        self._stuck = []
        with self._alone():
            try:
                segments.recover(places.facts)
            except OSError as problem:
                self._stays(places.facts, problem)
            total = self.take(segments.segments(places.facts), now, stop)
            if not stop() and not segments.segments(places.facts):
                self._forget_salts(now)
        return total

    def again(self, since: str, now: float) -> Taken:
        """Take segments once more that were put away since that day (ISO): after a backup was restored."""
        with self._alone():
            return self.take(spool.again(self._site.places, since), now, lambda: False)

    def take(self, paths: Sequence[str], now: float, stop: Callable[[], bool]) -> Taken:
        total = Taken()
        for batch in self._batches(paths, now):
            total = total.plus(self._take(batch, now))
            if stop():
                break
        return total

    # --- segments

    def _batches(self, paths: Sequence[str], now: float) -> Iterator[list[Segment]]:
        """Segments that fit into one transaction; a big one is alone in its own."""
        batch: list[Segment] = []
        for path in paths:
            segment = self._read(path, now)
            if batch and (len(batch) >= SEGMENTS or sum(len(each.facts) for each in [*batch, segment]) > BATCH):
                yield batch
                batch = []
            batch.append(segment)
        if batch:
            yield batch

    def _read(self, path: str, now: float) -> Segment:
        found: list[Fact] = []
        bad: list[Bad] = []
        try:
            for each in spool.read(path):
                if isinstance(each, Bad):
                    bad.append(each)
                else:
                    found.append(each)
        except spool.Unreadable as problem:
            return self._set_aside(path, str(problem), now)
        except OSError as problem:
            self._stays(path, problem)
            return Segment("", [], [])
        return Segment(path, found, bad)

    def _set_aside(self, path: str, reason: str, now: float) -> Segment:
        """A file that is no segment, as an empty one."""
        try:
            spool.set_aside(self._site.places, path, reason, now)
        except OSError as problem:
            self._stays(path, problem)
            return Segment("", [], [])
        self._tell(f"{path}: {reason}; it is in {self._site.places.poison} now, with the reason beside it")
        return Segment("", [], [Bad(b"", reason)])

    def _take(self, batch: list[Segment], now: float) -> Taken:
        """One transaction, then the segments go away."""
        self._anonymous = {}
        done, refused = self._write(batch, now)
        went, poison = 0, 0
        for segment in batch:
            bad = [*segment.bad, *(refused[fact.id] for fact in segment.facts if fact.id in refused)]
            try:
                if segment.path:
                    self._put_away(segment, bad, now)
            except OSError as problem:  # what was taken in is known when it is read again
                self._stays(segment.path, problem)
            else:
                went, poison = went + bool(segment.path), poison + len(bad)
        return done._replace(segments=went, poison=poison)

    def _put_away(self, segment: Segment, bad: list[Bad], now: float) -> None:
        """Lines that are no facts are kept first: a crash in between writes the same again.

        A segment with answers to the survey is put away without what leads back to their callers.
        """
        if bad:
            spool.keep_poison(self._site.places, segment.path, bad)
        if not segment.path.startswith(self._site.places.taken_facts):
            if any(fact.id in self._anonymous for fact in segment.facts):
                kept = [self._anonymous.get(fact.id, fact) for fact in segment.facts]
                spool.taken_as(self._site.places, segment.path, kept, now)
            else:
                spool.taken(self._site.places, segment.path, now)
        if bad:
            where = os.path.join(self._site.places.poison, os.path.basename(segment.path))
            self._tell(f"{segment.path}: {len(bad)} lines are no facts ({bad[0].reason}); they are in {where}")

    def _write(self, batch: list[Segment], now: float) -> tuple[Taken, dict[str, Bad]]:
        """Put a batch into the database; and the facts that it refuses, by their ids."""
        every = [fact for segment in batch for fact in segment.facts]
        try:
            with self._site.database.begin() as connection:
                work = self._batch(connection, now)
                done = work.take(every)
                _note(connection, batch, work.known, now)
            self._anonymous |= work.anonymous
            return done, {}
        except DatabaseError:
            raise
        except REFUSED:  # one of them; the others are not to wait for it
            done, refused = self._halved(every, now)
        with self._site.database.begin() as connection:
            _note(connection, batch, set(), now)
        return done, refused

    def _halved(self, every: list[Fact], now: float) -> tuple[Taken, dict[str, Bad]]:
        try:
            with self._site.database.begin() as connection:
                work = self._batch(connection, now)
                done = work.take(every)
            self._anonymous |= work.anonymous
            return done, {}
        except DatabaseError:
            raise
        except REFUSED as problem:
            if len(every) == 1:
                said = str(getattr(problem, "orig", problem)).split("\n")[0]
                return Taken(), {every[0].id: Bad(every[0].line(), f"the database refuses it: {said}")}
        half = len(every) // 2
        (one, first), (two, second) = self._halved(every[:half], now), self._halved(every[half:], now)
        return one.plus(two), first | second

    def _batch(self, connection: Connection, now: float) -> Batch:
        return Batch(connection, self._site.keys, self._rules, self._asked, now)

    def _forget_salts(self, now: float) -> None:
        """Of days that are over: from then on nobody can tell whose answers were whose."""
        yesterday = self._rules.hours.local(now).date() - timedelta(days=1)
        with self._site.database.begin() as connection:
            connection.execute(delete(schema.survey_salt).where(schema.survey_salt.c.day < yesterday.isoformat()))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One intake of a spool at a time; the kernel lets go of the lock whatever happens to its holder."""
        folder = os.path.dirname(self._site.places.facts)
        path = os.path.join(folder, ".intake.lock")
        try:
            os.makedirs(folder, mode=0o770, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        except OSError as problem:
            raise Refusal(f"{path}: {problem.strerror}; the intake writes there, mend the rights") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise Refusal(f"{folder}: another intake is at work; there is nothing to do for this one") from None
        finally:
            os.close(descriptor)


def _note(connection: Connection, batch: list[Segment], known: set[str], now: float) -> None:
    """Write down which segments were taken, unless they are written down already."""
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
