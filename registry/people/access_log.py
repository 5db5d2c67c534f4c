"""The log of accesses: who read or erased somebody's identity, and why."""

from __future__ import annotations

from sqlalchemy import Connection, exists, insert, select

from registry.db import schema
from registry.people import pending_accesses
from registry.people.person import Person
from registry.site import Site


def log_access(connection: Connection, now: float, actor: str, action: str, kind: str, identity: str, why: str) -> None:
    """Log an access to the identity behind one object."""
    row = {"at": now, "actor_ref": actor, "action": action, "object_kind": kind, "object_id": identity, "why": why}
    connection.execute(insert(schema.access_log).values(**row))


def log_person_access(connection: Connection, person: Person, action: str, *, now: float, actor: str, why: str) -> None:
    """Log an access to everything about a person: a row for each contact, or else for each request.

    A search for an unknown number is logged as one row.
    """
    kind = "request" if person.requests and not person.contacts else "contact"
    for identity in sorted(person.contacts or person.requests) or ["nobody known"]:
        log_access(connection, now, actor, action, kind, identity, why)


def take_in_pending(site: Site) -> int:
    """Take in the accesses that were kept on disk while the database was away; return how many.

    Raises `DatabaseError` and `Refusal`; then they stay on disk. After a crash in between they are not added twice.
    """
    table = schema.access_log
    with pending_accesses.read_kept(site.places) as accesses:
        if not accesses:
            return 0
        with site.database.begin() as connection:
            for access in accesses:
                row = access._asdict()
                known = exists().where(*(table.c[name] == value for name, value in row.items()))
                if not connection.execute(select(known)).scalar():
                    connection.execute(insert(table).values(**row))
    return len(accesses)
