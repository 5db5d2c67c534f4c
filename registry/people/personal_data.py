"""Find, export, erase and purge personal data in all the places that store it.

Several places store personal data: names and numbers are in the database, voices in the message store, numbers in the
switch's logs, recordings in its spool. For each there is a `PersonalDataStore`, an object with four methods, announced
under the entry-point group `registry.personal_data`. A package that adds a place adds its store, and `registry find`,
`export`, `erase` and `purge` reach it.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import NamedTuple, Protocol

from sqlalchemy import insert

from common.command_line import Refusal
from registry.db import schema
from registry.db.connection import DatabaseError, Unavailable
from registry.people.access_log import log_person_access, take_in_pending
from registry.people.erasure_journal import journal_path, read_erasures, record_erasure
from registry.people.person import Person
from registry.site import Site

GROUP = "registry.personal_data"


class Held(NamedTuple):
    """One thing that is held about a person."""

    store: str
    id: str
    what: str  # in plain words
    since: float


class Purged(NamedTuple):
    """What one store deleted past its retention period."""

    what: str
    before: float
    things: int
    bytes: int = 0


class PersonalDataStore(Protocol):
    """One place that stores personal data. Each method may be repeated: missing data is not an error."""

    name: str

    def find(self, site: Site, person: Person) -> list[Held]: ...

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        """Write copies into `folder`, which exists; return the names of the files."""

    def erase(self, site: Site, person: Person, now: float) -> int:
        """Erase what is held; return how many things that was."""

    def purge(self, site: Site, now: float) -> list[Purged]: ...


def stores() -> list[PersonalDataStore]:
    """Return all installed stores, in the order of their names."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return [point.load()() for point in points]


def find_data(site: Site, person: Person) -> list[Held]:
    """Return everything that is held about a person, oldest first."""
    return sorted((held for store in stores() for held in store.find(site, person)), key=lambda held: held.since)


# --- erasures ---------------------------------------------------------------------------------------------------------


def erase_person(site: Site, person: Person, *, now: float, actor: str, why: str) -> dict[str, int]:
    """Record the erasure in the journal, then erase everywhere; return the things erased, by store.

    Raises `Refusal` at the end when a store failed: the others have erased. A repeat erases what is left, and so does
    the next purge.
    """
    try:
        record_erasure(site, person, now)
    except OSError as problem:
        raise Refusal(
            f"{journal_path(site)}: {problem.strerror}; repair the disk or the permissions: nothing was erased"
        ) from None
    with site.database.begin() as connection:
        log_person_access(connection, person, "erase", now=now, actor=actor, why=why)
    done, failed = _erase_everywhere(site, person, now)
    _flush(site, failed)
    if failed:
        raise Refusal(f"{'; '.join(failed)}; repair it and repeat the erasure: everything else was erased")
    return done


def repeat_erasures(site: Site, now: float) -> tuple[int, list[str]]:
    """Erase the persons of the journal again whose data has come back, for example with a backup.

    Return how many things were erased, and the failures.
    """
    things, failed = 0, []
    try:
        for person in read_erasures(site):
            done, problems = _erase_everywhere(site, person, now)
            things += sum(done.values())
            failed += problems
    except Refusal as problem:  # the journal itself is damaged
        failed.append(str(problem))
    return things, failed


def _erase_everywhere(site: Site, person: Person, now: float) -> tuple[dict[str, int], list[str]]:
    """Return the things erased, by store, and the failures."""
    done, failed = {}, []
    for store in stores():
        try:
            done[store.name] = store.erase(site, person, now)
        except (OSError, Refusal) as problem:
            failed.append(_failure(store, problem))
    return done, failed


def _flush(site: Site, failed: list[str]) -> None:
    """Flush the database. After another failure this one is not reported: the repeat flushes, too."""
    try:
        site.database.flush()
    except Unavailable:
        if not failed:
            raise


def _failure(store: PersonalDataStore, problem: OSError | Refusal) -> str:
    text = f"{problem.filename or 'a file'}: {problem.strerror}" if isinstance(problem, OSError) else str(problem)
    return f"{store.name}: {text}"


# --- retention --------------------------------------------------------------------------------------------------------


def purge_expired(site: Site, *, now: float, actor: str) -> list[Purged]:
    """Delete data past its retention period, and record each purge as evidence.

    Raises `Refusal` at the end when a store failed: a folder without permissions must not stop the other stores.
    """
    done, failed = [], []
    try:
        take_in_pending(site)
    except DatabaseError:
        raise
    except Refusal as problem:
        failed.append(str(problem))
    for store in stores():
        try:
            purged = store.purge(site, now)
        except OSError as problem:
            failed.append(_failure(store, problem))
            continue
        _record_purges(site, purged, now, actor)
        done += purged
    came_back, problems = repeat_erasures(site, now)
    failed += problems
    if came_back:
        done.append(Purged("erased again after a restore", now, came_back))
        _record_purges(site, done[-1:], now, actor)
    _flush(site, failed)
    if failed:
        raise Refusal(
            f"{'; '.join(failed)}; repair the permissions or the disk and repeat the purge: everything else was purged"
        )
    return done


def _record_purges(site: Site, purged: list[Purged], now: float, actor: str) -> None:
    with site.database.begin() as connection:
        for each in purged:
            row = {"at": now, "what": each.what, "before_at": each.before, "things": each.things, "bytes": each.bytes}
            connection.execute(insert(schema.purge).values(**row, actor_ref=actor))
