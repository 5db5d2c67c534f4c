"""The personal data in the database itself: contacts, notes, transcripts, pseudonyms of callers."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, not_, or_, select, update

from common.instants import with_iso_times
from registry.db import schema
from registry.keys import Keys
from registry.people.person import Person
from registry.people.personal_data import Held, Purged
from registry.site import DAY, Site

CONTACT, REQUEST, NOTE = schema.contact.c, schema.request.c, schema.request_note.c
MESSAGE, VISIT, EVENT = schema.voicemail_message.c, schema.queue_visit.c, schema.queue_event.c
FOREVER = 1e12  # epoch seconds, after every date: SQLite and PostgreSQL write infinity differently
SALT_DAYS = 2  # no call lasts longer than a day; later nothing can join a survey's answers with a call
OF_A_REQUEST = (
    schema.request_event, schema.request_note, schema.sla_clock, schema.voicemail_message, schema.callback_attempt,
)  # fmt: skip
ERASED = dict.fromkeys(("display_name", "email", "phone_e164", "phone_hash", "tax_code_enc", "tax_code_hash"))


class RegistryStore:
    """Rows that identify somebody. Requests, their history and their clocks stay for the figures; they do not."""

    name = "registry"
    document = "registry.json"  # the exported file

    def find(self, site: Site, person: Person) -> list[Held]:
        with site.database.read() as connection:
            contacts = _contacts(connection, person)
            notes, visits = _notes(connection, person), _visits(connection, person)
            requests = connection.execute(select(schema.request).where(REQUEST.request_id.in_(person.requests))).all()
        held = [Held(self.name, row.contact_id, "contact: name and addresses", row.created_at) for row in contacts]
        held += [
            Held(self.name, row.protocol, f"request {row.protocol}, {row.state}", row.opened_at) for row in requests
        ]
        held += [Held(self.name, f"{row.request_id}/{row.note_no}", "note on a request", row.at) for row in notes]
        held += [Held(self.name, row.unique_id, "pseudonym of a caller's number", row.entered_at) for row in visits]
        return held

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        with site.database.read() as connection:
            document = {
                "contacts": [_readable(row, site.keys) for row in _contacts(connection, person)],
                "requests": [_request(connection, request_id) for request_id in sorted(person.requests)],
                "calls": [
                    {"entered_at": row.entered_at, "wait_s": row.wait_s, "fate": row.fate, "topic": row.topic_code}
                    for row in _visits(connection, person)
                ],
            }
        with open(os.path.join(folder, self.document), "w", encoding="utf-8") as file:
            json.dump(with_iso_times(document), file, ensure_ascii=False, indent=1)
        return [self.document]

    def erase(self, site: Site, person: Person, now: float) -> int:
        with site.database.begin() as connection:
            contacts = [row.contact_id for row in _contacts(connection, person)]
            things = _erase_contacts(connection, contacts, person.requests, now)
            things += _erase_pseudonyms(connection, person)
        return things

    def purge(self, site: Site, now: float) -> list[Purged]:
        contacts_before = now - site.retention_seconds("contact")
        log_before = now - site.retention_seconds("access_log")
        salts_before = now - SALT_DAYS * DAY
        salt, log = schema.survey_salt, schema.access_log
        with site.database.begin() as connection:
            contacts = _unused_since(connection, contacts_before)
            requests = connection.scalars(select(REQUEST.request_id).where(REQUEST.contact_id.in_(contacts))).all()
            _erase_contacts(connection, contacts, frozenset(requests), now)
            notes = _erase_anonymous_notes(connection, contacts_before)
            accesses = connection.execute(delete(log).where(log.c.at < log_before)).rowcount
            salts = connection.execute(delete(salt).where(salt.c.day < _day(salts_before))).rowcount
        return [
            Purged("contact", contacts_before, len(contacts)),
            Purged("words", contacts_before, notes),
            Purged("access_log", log_before, accesses),
            Purged("survey_salt", salts_before, salts),
        ]


def _day(at: float) -> str:
    """Return the UTC day of an instant, in the form of `survey_salt.day`."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


# --- finding ----------------------------------------------------------------------------------------------------------


def _contacts(connection: Connection, person: Person) -> list[Row[Any]]:
    condition = and_(CONTACT.contact_id.in_(person.contacts), CONTACT.erased_at.is_(None))
    return list(connection.execute(select(schema.contact).where(condition)).all())


def _notes(connection: Connection, person: Person) -> list[Row[Any]]:
    condition = and_(NOTE.request_id.in_(person.requests), NOTE.words.is_not(None))
    return list(connection.execute(select(schema.request_note).where(condition)).all())


def _visits(connection: Connection, person: Person) -> list[Row[Any]]:
    until = min(person.until, FOREVER)
    condition = and_(VISIT.caller_hash.in_(person.hashes), VISIT.entered_at <= until)
    return list(connection.execute(select(schema.queue_visit).where(condition).order_by(VISIT.entered_at)).all())


def _unused_since(connection: Connection, before: float) -> list[str]:
    """Return contacts added before that instant whose requests were all closed before it."""
    theirs = REQUEST.contact_id == CONTACT.contact_id
    in_use = exists().where(and_(theirs, or_(REQUEST.closed_at.is_(None), REQUEST.closed_at >= before)))
    condition = and_(CONTACT.erased_at.is_(None), CONTACT.created_at < before, not_(in_use))
    return list(connection.scalars(select(CONTACT.contact_id).where(condition)))


# --- exporting --------------------------------------------------------------------------------------------------------


def _readable(row: Row[Any], keys: Keys) -> dict[str, Any]:
    document = {name: value for name, value in row._mapping.items() if not name.endswith(("_enc", "_hash"))}
    if row.tax_code_enc is not None:
        document["tax_code"] = keys.decrypt(row.tax_code_enc, row.contact_id)
    return document


def _request(connection: Connection, request_id: str) -> dict[str, Any]:
    """Return a request with its history, notes and messages."""
    row = connection.execute(select(schema.request).where(REQUEST.request_id == request_id)).one()
    parts: dict[str, Any] = {name: value for name, value in row._mapping.items() if value is not None}
    topic = schema.topic.c
    parts["topic"] = connection.scalar(select(topic.label_it).where(topic.topic_code == row.topic_code))
    for table in OF_A_REQUEST:
        own = select(table).where(table.c.request_id == request_id).order_by(*table.primary_key)
        rows = connection.execute(own).mappings()
        parts[table.name] = [{key: value for key, value in each.items() if key != "request_id"} for each in rows]
    for event in parts["request_event"]:
        event["changes"] = json.loads(event.pop("detail"))
    return parts


# --- erasing ----------------------------------------------------------------------------------------------------------


def _erase_contacts(connection: Connection, contacts: list[str], requests: frozenset[str], now: float) -> int:
    """Erase names, numbers, notes and transcripts; return how many rows changed."""
    named = and_(CONTACT.contact_id.in_(contacts), CONTACT.erased_at.is_(None))
    things = connection.execute(update(schema.contact).where(named).values(**ERASED, erased_at=now)).rowcount
    noted = and_(NOTE.request_id.in_(requests), NOTE.words.is_not(None))
    things += connection.execute(update(schema.request_note).where(noted).values(words=None)).rowcount
    transcribed = and_(MESSAGE.request_id.in_(requests), MESSAGE.transcript.is_not(None))
    things += connection.execute(update(schema.voicemail_message).where(transcribed).values(transcript=None)).rowcount
    return int(things)


def _erase_anonymous_notes(connection: Connection, before: float) -> int:
    """Erase the notes on requests without a contact, which nothing else would erase; return how many."""
    closed = select(REQUEST.request_id).where(REQUEST.contact_id.is_(None), REQUEST.closed_at < before)
    noted = and_(NOTE.request_id.in_(closed), NOTE.words.is_not(None))
    return int(connection.execute(update(schema.request_note).where(noted).values(words=None)).rowcount)


def _erase_pseudonyms(connection: Connection, person: Person) -> int:
    """Erase the person's pseudonyms in the visits, and in the log lines that visits are rebuilt from."""
    visits = _visits(connection, person)
    channels = {row.unique_id for row in visits}
    lines = and_(EVENT.call_id.in_(channels), EVENT.caller_hash.in_(person.hashes))
    connection.execute(update(schema.queue_event).where(lines).values(caller_hash=None))
    for row in visits:
        one = and_(VISIT.unique_id == row.unique_id, VISIT.visit_no == row.visit_no)
        connection.execute(update(schema.queue_visit).where(one).values(caller_hash=None))
    return len(visits)


def list_open_requests(connection: Connection, person: Person) -> list[str]:
    """Return the protocol numbers of open requests: after an erasure nobody can answer them."""
    condition = and_(REQUEST.request_id.in_(person.requests), REQUEST.state != "closed")
    return list(connection.scalars(select(REQUEST.protocol).where(condition).order_by(REQUEST.opened_at)))
