"""The keeper of the database's own personal data: contacts, words about them, transcripts, pseudonyms of callers."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, not_, or_, select, update

from registry.db import schema
from registry.keys import Keys
from registry.people.data_subject import Held, Person, Purged
from registry.site import DAY, Site

CONTACT, REQUEST, NOTE = schema.contact.c, schema.request.c, schema.request_note.c
MESSAGE, VISIT, EVENT = schema.voicemail_message.c, schema.queue_visit.c, schema.queue_event.c
FOREVER = 1e12  # epoch seconds: beyond every date; a database knows no infinity that both kinds write alike
SALT_DAYS = 2  # no call lasts longer than one: afterwards nothing can join a survey's answers with a call
ERASED = dict.fromkeys(("display_name", "email", "phone_e164", "phone_hash", "tax_code_enc", "tax_code_hash"))


class Rows:
    """Rows that name somebody. Requests, their history and their clocks stay, for the figures, and name nobody."""

    name = "registry"

    def find(self, site: Site, person: Person) -> list[Held]:
        with site.database.read() as connection:
            contacts = _contacts(connection, person)
            notes, visits = _notes(connection, person), _visits(connection, person)
            asked = connection.execute(select(schema.request).where(REQUEST.request_id.in_(person.requests))).all()
        found = [Held(self.name, row.contact_id, "contact: who they are", row.created_at) for row in contacts]
        found += [Held(self.name, row.protocol, f"request {row.protocol}, {row.state}", row.opened_at) for row in asked]
        found += [Held(self.name, f"{row.request_id}/{row.note_no}", "words of a request", row.at) for row in notes]
        found += [Held(self.name, row.unique_id, "pseudonym of the number of a call", row.entered_at) for row in visits]
        return found

    def export(self, site: Site, person: Person, folder: str) -> list[str]:
        with site.database.read() as connection:
            document = {
                "contacts": [_readable(row, site.keys) for row in _contacts(connection, person)],
                "requests": [_request(connection, each) for each in sorted(person.requests)],
                "calls": [
                    {"entered_at": row.entered_at, "wait_s": row.wait_s, "fate": row.fate, "topic": row.topic_code}
                    for row in _visits(connection, person)
                ],
            }
        with open(os.path.join(folder, "registry.json"), "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
        return ["registry.json"]

    def erase(self, site: Site, person: Person, now: float) -> int:
        with site.database.begin() as connection:
            contacts = [row.contact_id for row in _contacts(connection, person)]
            things = _erase_contacts(connection, contacts, person.requests, now)
            things += _forget_callers(connection, person)
        return things

    def purge(self, site: Site, now: float) -> list[Purged]:
        before, old, salted = now - site.days("contact"), now - site.days("access_log"), now - SALT_DAYS * DAY
        with site.database.begin() as connection:
            gone = _settled_before(connection, before)
            requests = connection.scalars(select(REQUEST.request_id).where(REQUEST.contact_id.in_(gone))).all()
            _erase_contacts(connection, gone, frozenset(requests), now)
            words = _erase_words_of_nobody(connection, before)
            lines = connection.execute(delete(schema.access_log).where(schema.access_log.c.at < old)).rowcount
            day = _day(salted)
            salts = connection.execute(delete(schema.survey_salt).where(schema.survey_salt.c.day < day)).rowcount
        purged = [Purged("contact", before, len(gone)), Purged("words", before, words)]
        return [*purged, Purged("access_log", old, lines), Purged("survey_salt", salted, salts)]


def _day(at: float) -> str:
    """The UTC day of an instant, as the salts are named."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


# --- finding ----------------------------------------------------------------------------------------------------------


def _contacts(connection: Connection, person: Person) -> list[Row[Any]]:
    wanted = and_(CONTACT.contact_id.in_(person.contacts), CONTACT.erased_at.is_(None))
    return list(connection.execute(select(schema.contact).where(wanted)).all())


def _notes(connection: Connection, person: Person) -> list[Row[Any]]:
    wanted = and_(NOTE.request_id.in_(person.requests), NOTE.words.is_not(None))
    return list(connection.execute(select(schema.request_note).where(wanted)).all())


def _visits(connection: Connection, person: Person) -> list[Row[Any]]:
    until = min(person.until, FOREVER)
    wanted = and_(VISIT.caller_hash.in_(person.hashes), VISIT.entered_at <= until)
    return list(connection.execute(select(schema.queue_visit).where(wanted).order_by(VISIT.entered_at)).all())


def _settled_before(connection: Connection, before: float) -> list[str]:
    """Contacts whose last request was closed before that, or who never had one and are as old."""
    theirs = REQUEST.contact_id == CONTACT.contact_id
    in_use = exists().where(and_(theirs, or_(REQUEST.closed_at.is_(None), REQUEST.closed_at >= before)))
    wanted = and_(CONTACT.erased_at.is_(None), CONTACT.created_at < before, not_(in_use))
    return list(connection.scalars(select(CONTACT.contact_id).where(wanted)))


# --- handing out ------------------------------------------------------------------------------------------------------


def _readable(row: Row[Any], keys: Keys) -> dict[str, Any]:
    words = {name: value for name, value in row._mapping.items() if not name.endswith(("_enc", "_hash"))}
    if row.tax_code_enc is not None:
        words["tax_code"] = keys.unlock(row.tax_code_enc, row.contact_id)
    return words


def _request(connection: Connection, request_id: str) -> dict[str, Any]:
    """A request with its history, its words and its messages."""
    row = connection.execute(select(schema.request).where(REQUEST.request_id == request_id)).one()
    parts: dict[str, Any] = {name: value for name, value in row._mapping.items() if value is not None}
    for name in ("request_event", "request_note", "sla_clock", "voicemail_message", "callback_attempt"):
        table = schema.metadata.tables[name]
        rows = connection.execute(select(table).where(table.c.request_id == request_id)).mappings()
        parts[name] = [{key: value for key, value in each.items() if key != "request_id"} for each in rows]
    return parts


# --- erasing ----------------------------------------------------------------------------------------------------------


def _erase_contacts(connection: Connection, contacts: list[str], requests: frozenset[str], now: float) -> int:
    """Names, numbers, words; how many rows changed."""
    named = and_(CONTACT.contact_id.in_(contacts), CONTACT.erased_at.is_(None))
    things = connection.execute(update(schema.contact).where(named).values(**ERASED, erased_at=now)).rowcount
    said = and_(NOTE.request_id.in_(requests), NOTE.words.is_not(None))
    things += connection.execute(update(schema.request_note).where(said).values(words=None)).rowcount
    heard = and_(MESSAGE.request_id.in_(requests), MESSAGE.transcript.is_not(None))
    things += connection.execute(update(schema.voicemail_message).where(heard).values(transcript=None)).rowcount
    return int(things)


def _erase_words_of_nobody(connection: Connection, before: float) -> int:
    """Words about requests that have no contact with whom they would go; how many."""
    closed = select(REQUEST.request_id).where(REQUEST.contact_id.is_(None), REQUEST.closed_at < before)
    said = and_(NOTE.request_id.in_(closed), NOTE.words.is_not(None))
    return int(connection.execute(update(schema.request_note).where(said).values(words=None)).rowcount)


def _forget_callers(connection: Connection, person: Person) -> int:
    """Pseudonyms of the person's numbers, in the visits and in the lines that they can be rebuilt from."""
    visits = _visits(connection, person)
    channels = {row.unique_id for row in visits}
    lines = and_(EVENT.call_id.in_(channels), EVENT.caller_hash.in_(person.hashes))
    connection.execute(update(schema.queue_event).where(lines).values(caller_hash=None))
    for row in visits:
        one = and_(VISIT.unique_id == row.unique_id, VISIT.visit_no == row.visit_no)
        connection.execute(update(schema.queue_visit).where(one).values(caller_hash=None))
    return len(visits)


def open_requests(connection: Connection, person: Person) -> list[str]:
    """Protocols of requests that are still open: whoever erases now can no longer answer them."""
    wanted = and_(REQUEST.request_id.in_(person.requests), REQUEST.state != "closed")
    return list(connection.scalars(select(REQUEST.protocol).where(wanted).order_by(REQUEST.opened_at)))
