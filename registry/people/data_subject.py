"""What is known about a person, wherever it lies: found, handed out, erased, and purged when its days are over.

Personal data lies in several rooms: names and numbers in the database, voices in the message store, numbers in the
switch's logs, recordings in its spool. Each room that holds some has a *keeper*, an object with four verbs, announced
under the entry-point group `registry.keepers`. So whoever adds such a place adds its keeper beside it, and `registry
find`, `export`, `erase` and `purge` reach it without knowing it.

An erasure is written down, by pseudonyms only, in a journal beside the keys: a restored backup would bring the person
back, and the next purge erases again what the journal names.
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import BinaryIO, NamedTuple, Protocol

from sqlalchemy import Connection, insert, or_, select

from common.command_line import Refusal
from registry.db import schema
from registry.db.connection import Away
from registry.keys import Keys, path
from registry.site import Site

JOURNAL = "erased.jsonl"


class Person(NamedTuple):
    """By what a person is found. Numbers are E.164; hashes are what the database has in their place."""

    numbers: frozenset[str] = frozenset()
    hashes: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()  # LINKEDID
    channels: frozenset[str] = frozenset()  # UNIQUEID, as in the queue_log
    messages: frozenset[str] = frozenset()
    until: float = math.inf  # what is younger was said after an erasure, and is not meant by it


SETS = tuple(name for name in Person._fields if name != "until")


class Held(NamedTuple):
    """One thing that is held about a person."""

    keeper: str
    id: str
    what: str  # in plain words
    since: float


class Purged(NamedTuple):
    """What one keeper let go because its days were over."""

    what: str
    before: float
    things: int
    bytes: int = 0


class Keeper(Protocol):
    """Who knows one kind of place. Each verb may be repeated: what is gone already is not an error."""

    name: str

    def find(self, site: Site, person: Person) -> list[Held]: ...

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        """Write copies into `folder`, which exists; the names of the files."""

    def erase(self, site: Site, person: Person, now: float) -> int:
        """How many things were erased."""

    def purge(self, site: Site, now: float) -> list[Purged]: ...


def keepers() -> list[Keeper]:
    """All that are installed, in the order of their names."""
    found = sorted(entry_points(group="registry.keepers"), key=lambda each: each.name)
    return [each.load()() for each in found]


# --- who is meant -----------------------------------------------------------------------------------------------------


def person(
    connection: Connection,
    keys: Keys,
    *,
    numbers: Iterable[str] = (),
    email: str | None = None,
    tax_code: str | None = None,
    protocol: str | None = None,
) -> Person:
    """Everything that belongs to whoever has one of these: contacts, requests, calls, messages.

    A number leads to a contact and a contact to its number, once: somebody who called from two lines is found by both
    when one contact or request joins them, and no further, since a shared line would join strangers.
    """
    given = set(numbers)
    contacts = _contacts(connection, keys, given, email, tax_code, protocol)
    rows = connection.execute(select(schema.contact).where(schema.contact.c.contact_id.in_(contacts))).all()
    given |= {row.phone_e164 for row in rows if row.phone_e164}
    hashes = {keys.pseudonym(number) for number in given} | {row.phone_hash for row in rows if row.phone_hash}
    request, message, visit = schema.request.c, schema.voicemail_message.c, schema.queue_visit.c
    own = or_(request.contact_id.in_(contacts), request.protocol == (protocol or ""))
    asked = connection.execute(select(request.request_id, request.call_id).where(own)).all()
    requests = {row.request_id for row in asked}
    left = connection.execute(select(message.message_id, message.call_id).where(message.request_id.in_(requests))).all()
    visits = connection.execute(select(visit.call_id, visit.unique_id).where(visit.caller_hash.in_(hashes))).all()
    calls = {row.call_id for row in (*asked, *left, *visits) if row.call_id}
    return Person(
        frozenset(given),
        frozenset(hashes),
        frozenset(contacts),
        frozenset(requests),
        frozenset(calls),
        frozenset(row.unique_id for row in visits),
        frozenset(row.message_id for row in left),
    )


def _contacts(
    connection: Connection,
    keys: Keys,
    numbers: Iterable[str],
    email: str | None,
    tax_code: str | None,
    protocol: str | None,
) -> set[str]:
    contact, request = schema.contact.c, schema.request.c
    wanted = [contact.phone_hash == keys.pseudonym(number) for number in numbers]
    if email is not None:
        wanted.append(contact.email == email.strip().lower())
    if tax_code is not None:
        wanted.append(contact.tax_code_hash == keys.pseudonym("".join(tax_code.split()).upper()))
    if protocol is not None:
        named = select(request.contact_id).where(request.protocol == protocol)
        wanted.append(contact.contact_id.in_(named))
    found: set[str] = set()
    for condition in wanted:
        found |= set(connection.scalars(select(contact.contact_id).where(condition)))
    return found


# --- erasing, and erasing again ---------------------------------------------------------------------------------------


def find(site: Site, someone: Person) -> list[Held]:
    """Everything that is held, oldest first."""
    return sorted((held for each in keepers() for held in each.find(site, someone)), key=lambda held: held.since)


def erase(site: Site, someone: Person, *, now: float, actor: str, why: str) -> dict[str, int]:
    """Erase everywhere, and write it down first; things erased, by keeper.

    Raises `Refusal` in the end, when a keeper could not: the others have erased. A repeat finds what is left, and so
    does the next purge.
    """
    try:
        _write_down(site, someone, now)
    except OSError as problem:
        raise Refusal(
            f"{_journal_path(site)}: {problem.strerror}; mend the disk or the rights: nothing was erased"
        ) from None
    with site.database.begin() as connection:
        looked(connection, someone, "erase", now=now, actor=actor, why=why)
    done, failed = _everywhere(site, someone, now)
    _flush(site, failed)
    if failed:
        raise Refusal(f"{'; '.join(failed)}; mend it, and run it again: all else was erased")
    return done


def _everywhere(site: Site, someone: Person, now: float) -> tuple[dict[str, int], list[str]]:
    """Things erased, by keeper; and what is wrong with the keepers that could not."""
    done, failed = {}, []
    for keeper in keepers():
        try:
            done[keeper.name] = keeper.erase(site, someone, now)
        except (OSError, Refusal) as problem:
            failed.append(_failure(keeper, problem))
    return done, failed


def _flush(site: Site, failed: list[str]) -> None:
    """`Database.flush`. Where something has `failed` that is told, and the repeat that it needs flushes, too."""
    try:
        site.database.flush()
    except Away:
        if not failed:
            raise


def _failure(keeper: Keeper, problem: OSError | Refusal) -> str:
    said = f"{problem.filename or 'a file'}: {problem.strerror}" if isinstance(problem, OSError) else str(problem)
    return f"{keeper.name}: {said}"


def again(site: Site, now: float) -> tuple[int, list[str]]:
    """Erase whom the journal names and who has come back, from a backup say; how many things that were, and what kept
    others from being erased."""
    things, failed = 0, []
    try:
        for someone in _journal(site):
            done, problems = _everywhere(site, someone, now)
            things += sum(done.values())
            failed += problems
    except Refusal as problem:  # of the journal itself
        failed.append(str(problem))
    return things, failed


def purge(site: Site, *, now: float, actor: str) -> list[Purged]:
    """Let go of everything whose days are over; each purge leaves one line of evidence.

    Raises `Refusal` in the end, when a keeper could not: a folder without rights must not keep the others from it.
    """
    done, failed = [], []
    for keeper in keepers():
        try:
            purged = keeper.purge(site, now)
        except OSError as problem:
            failed.append(_failure(keeper, problem))
            continue
        _evidence(site, purged, now, actor)
        done += purged
    came_back, problems = again(site, now)
    failed += problems
    if came_back:
        done.append(Purged("erased again after a restore", now, came_back))
        _evidence(site, done[-1:], now, actor)
    _flush(site, failed)
    if failed:
        raise Refusal(f"{'; '.join(failed)}; mend the rights or the disk, and run it again: all else was purged")
    return done


def _evidence(site: Site, purged: list[Purged], now: float, actor: str) -> None:
    with site.database.begin() as connection:
        for each in purged:
            row = {"at": now, "what": each.what, "before_at": each.before, "things": each.things, "bytes": each.bytes}
            connection.execute(insert(schema.purge).values(**row, actor_ref=actor))


def log_access(connection: Connection, now: float, actor: str, action: str, kind: str, identity: str, why: str) -> None:
    """Who looked at, or erased, somebody's identity, and why."""
    row = {"at": now, "actor_ref": actor, "action": action, "object_kind": kind, "object_id": identity, "why": why}
    connection.execute(insert(schema.access_log).values(**row))


def looked(connection: Connection, someone: Person, action: str, *, now: float, actor: str, why: str) -> None:
    """Who asked about somebody: a line for each contact, or else each request; one for a number that nobody has."""
    kind = "request" if someone.requests and not someone.contacts else "contact"
    for each in sorted(someone.contacts or someone.requests) or ["nobody known"]:
        log_access(connection, now, actor, action, kind, each, why)


def _journal_path(site: Site) -> str:
    return os.path.join(os.path.dirname(path(site.places)), JOURNAL)


def _write_down(site: Site, someone: Person, now: float) -> None:
    """No number: the hashes, which mean nothing without the key. Raises OSError; then nothing was written."""
    words = {name: sorted(getattr(someone, name)) for name in SETS if name != "numbers"}
    line = (json.dumps({"until": now, **words}) + "\n").encode()
    with open(_journal_path(site), "ab+", buffering=0, opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = _whole(file)
        file.truncate(end)  # a line that a crash has torn was never acted upon, and must not spoil this one
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _whole(file: BinaryIO) -> int:
    """Where the last line ends that has an end."""
    file.seek(0)
    return file.read().rfind(b"\n") + 1


def _journal(site: Site) -> Iterator[Person]:
    """Raises `Refusal` for a line that is none: whom it names could come back with a backup."""
    path = _journal_path(site)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.endswith("\n"):  # a torn one was never acted upon
                    yield _written_down(line, f"{path}:{number}")
    except FileNotFoundError:
        return


def _written_down(line: str, where: str) -> Person:
    try:
        words = json.loads(line)
        return Person(
            until=float(words["until"]), **{name: frozenset(words[name]) for name in SETS if name != "numbers"}
        )
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{where}: no line of the journal of erasures; restore that file from its own backup") from None
