"""A person, as the numbers, contacts, requests, calls and messages that lead to their data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from registry.db import schema
from registry.keys import Keys


class Person(NamedTuple):
    """The identifiers of a person's data. Numbers are E.164; hashes replace them in the database."""

    numbers: frozenset[str] = frozenset()
    hashes: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()  # LINKEDID
    channels: frozenset[str] = frozenset()  # UNIQUEID, as in the queue_log
    messages: frozenset[str] = frozenset()
    until: float = math.inf  # an erasure concerns only data up to this instant, not what the person said later


SETS = tuple(name for name in Person._fields if name != "until")


def find_person(
    connection: Connection,
    keys: Keys,
    *,
    numbers: Iterable[str] = (),
    email: str | None = None,
    tax_code: str | None = None,
    protocol: str | None = None,
) -> Person:
    """Return everything that belongs to the person with one of these: contacts, requests, calls, messages.

    A number leads to a contact and a contact to its number, once. So somebody who called from two lines is found by
    both when one contact or request joins them; it goes no further, since a shared line would join strangers.
    """
    known_numbers = set(numbers)
    contacts = _contacts(connection, keys, known_numbers, email, tax_code, protocol)
    rows = connection.execute(select(schema.contact).where(schema.contact.c.contact_id.in_(contacts))).all()
    known_numbers |= {row.phone_e164 for row in rows if row.phone_e164}
    hashes = {keys.pseudonym(number) for number in known_numbers} | {row.phone_hash for row in rows if row.phone_hash}
    request, message, visit = schema.request.c, schema.voicemail_message.c, schema.queue_visit.c
    own = or_(request.contact_id.in_(contacts), request.protocol == (protocol or ""))
    requests = connection.execute(select(request.request_id, request.call_id).where(own)).all()
    request_ids = {row.request_id for row in requests}
    of_requests = message.request_id.in_(request_ids)
    messages = connection.execute(select(message.message_id, message.call_id).where(of_requests)).all()
    visits = connection.execute(select(visit.call_id, visit.unique_id).where(visit.caller_hash.in_(hashes))).all()
    calls = {row.call_id for row in (*requests, *messages, *visits) if row.call_id}
    return Person(
        frozenset(known_numbers),
        frozenset(hashes),
        frozenset(contacts),
        frozenset(request_ids),
        frozenset(calls),
        frozenset(row.unique_id for row in visits),
        frozenset(row.message_id for row in messages),
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
    conditions = [contact.phone_hash == keys.pseudonym(number) for number in numbers]
    if email is not None:
        conditions.append(contact.email == email.strip().lower())
    if tax_code is not None:
        conditions.append(contact.tax_code_hash == keys.pseudonym("".join(tax_code.split()).upper()))
    if protocol is not None:
        of_request = select(request.contact_id).where(request.protocol == protocol)
        conditions.append(contact.contact_id.in_(of_request))
    contacts: set[str] = set()
    for condition in conditions:
        contacts |= set(connection.scalars(select(contact.contact_id).where(condition)))
    return contacts
