"""Contacts: who asked. They are found by keyed hashes, and read only with a reason, which is logged.

The Carta asks for a name and an e-mail address when a request needs a closer look; a call-back needs a number. Only a
practice needs a codice fiscale: without a practice it is refused; with one it is encrypted, and found by its keyed
hash. The birth date and sex that it encodes are never derived.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select, update
from stdnum.exceptions import ValidationError
from stdnum.it import codicefiscale

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.keys import Keys
from registry.people import phone_numbers, provinces
from registry.people.access_log import log_access
from registry.texts import translate

table = schema.contact
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Identity(NamedTuple):
    """What people give about themselves. `practice`: what their codice fiscale is needed for."""

    kind: str = "citizen"
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    tax_code: str | None = None
    practice: str | None = None
    province: str | None = None


def check_identity(given: Identity) -> Identity:
    """Return the identity with each part in the form in which it is stored. Raises `Refusal` for an invalid part."""
    text_input.check_choice(given.kind, schema.KINDS, "kind")
    if given.tax_code is not None and given.practice is None:
        raise Refusal(
            translate("a codice fiscale is stored only for a practice: name it with --practice, or leave the code out")
        )
    return Identity(
        kind=given.kind,
        name=None if given.name is None else text_input.check_line(given.name, "name"),
        email=None if given.email is None else check_email(given.email),
        phone=None if given.phone is None else check_number(given.phone),
        tax_code=None if given.tax_code is None else check_tax_code(given.tax_code),
        practice=None if given.practice is None else text_input.check_line(given.practice, "practice"),
        province=None if given.province is None else provinces.check_province(given.province),
    )


def check_email(typed: str) -> str:
    """Return an e-mail address in lower case. Raises `Refusal`."""
    address = typed.strip().lower()
    if len(address) > 254 or not address.isprintable() or not ADDRESS.fullmatch(address):
        raise Refusal(
            translate(
                "e-mail: {typed} is not an address; write it like anna.rossi@example.it", typed=text_input.quote(typed)
            )
        )
    return address


def check_number(typed: str) -> str:
    """Return a telephone number that can be called back, in E.164. Raises `Refusal`."""
    number = phone_numbers.to_e164(typed)
    if number is None:
        raise Refusal(
            translate(
                "telephone: {typed} is not a number; write it like 06 1234567 or +39 333 1234567",
                typed=text_input.quote(typed),
            )
        )
    return number


def check_tax_code(typed: str) -> str:
    """Return a codice fiscale without blanks, in capitals. The message never repeats it: it could end in a log."""
    try:
        code: str = codicefiscale.validate(typed[:40])
    except ValidationError:
        raise Refusal(translate("codice fiscale: a letter or digit is wrong; read it from the card again")) from None
    return code


# --- writing ----------------------------------------------------------------------------------------------------------


def identify(connection: Connection, keys: Keys, given: Identity, actor: str, now: float) -> str:
    """Find the contact of this person and complete it, or add a new one; return its id.

    A contact matches by codice fiscale, address or number, in that order, unless both names, or both codici fiscali,
    are known and differ: families share a telephone. Known data is never overwritten.
    """
    given = check_identity(given)
    text_input.check_actor(actor)
    known = next((row for row in _matches(connection, keys, given) if _same_person(keys, row, given)), None)
    if known is None:
        contact_id = str(uuid.uuid4())
        row = {"contact_id": contact_id, "kind": given.kind, "created_at": now, **_row(keys, contact_id, given)}
        connection.execute(insert(table).values(**row))
    else:
        contact_id = known.contact_id
        fresh = {name: value for name, value in _row(keys, contact_id, given).items() if known._mapping[name] is None}
        if fresh:
            connection.execute(update(table).where(table.c.contact_id == contact_id).values(**fresh))
    if given.tax_code is not None:
        log_access(connection, now, actor, "tax_code", "contact", contact_id, given.practice or "")
    return contact_id


def find_contacts(connection: Connection, keys: Keys, given: Identity) -> list[str]:
    """Return the ids of the contacts with this codice fiscale, address or number. No identity is read."""
    return [row.contact_id for row in _matches(connection, keys, check_identity(given))]


def _matches(connection: Connection, keys: Keys, given: Identity) -> list[Any]:
    """Return the rows with the same codice fiscale, address or number, in that order."""
    conditions: list[tuple[ColumnElement[bool], bool]] = [
        (table.c.tax_code_hash == keys.pseudonym(given.tax_code or ""), given.tax_code is not None),
        (table.c.email == given.email, given.email is not None),
        (table.c.phone_hash == keys.pseudonym(given.phone or ""), given.phone is not None),
    ]
    matches: dict[str, Any] = {}
    for condition, applies in conditions:
        if applies:
            rows = connection.execute(select(table).where(condition).order_by(table.c.created_at, table.c.contact_id))
            matches |= {row.contact_id: row for row in rows if row.contact_id not in matches}
    return list(matches.values())


def _same_person(keys: Keys, row: Any, given: Identity) -> bool:
    if given.tax_code is not None and row.tax_code_hash not in (None, keys.pseudonym(given.tax_code)):
        return False
    return given.name is None or row.display_name is None or given.name.casefold() == row.display_name.casefold()


def _row(keys: Keys, contact_id: str, given: Identity) -> dict[str, Any]:
    code = given.tax_code
    return {
        "display_name": given.name,
        "email": given.email,
        "phone_e164": given.phone,
        "phone_hash": None if given.phone is None else keys.pseudonym(given.phone),
        "tax_code_enc": None if code is None else keys.encrypt(code, contact_id),
        "tax_code_hash": None if code is None else keys.pseudonym(code),
        "province": given.province,
    }


# --- reading ----------------------------------------------------------------------------------------------------------


def read_identity(connection: Connection, keys: Keys, contact_id: str, actor: str, why: str, now: float) -> Identity:
    """Read a contact, and log who read it and why, in the same transaction. Raises `Refusal` after an erasure."""
    text_input.check_actor(actor)
    reason = text_input.check_line(why, "why")
    row = connection.execute(select(table).where(table.c.contact_id == contact_id)).first()
    if row is None or row.erased_at is not None:
        raise Refusal(translate("who asked is no longer known: that person's data was erased"))
    log_access(connection, now, actor, "read", "contact", contact_id, reason)
    code = None if row.tax_code_enc is None else keys.decrypt(row.tax_code_enc, contact_id)
    return Identity(row.kind, row.display_name, row.email, row.phone_e164, code, None, row.province)
