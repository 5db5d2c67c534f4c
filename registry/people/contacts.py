"""Who asked: found again by keyed hashes, read only with a reason, which is logged.

The Carta asks for a name and an e-mail address where a request needs a deeper look; a call-back needs a number. A
codice fiscale is needed by a practice only: without one it is refused, with one it is encrypted, and found again by its
keyed hash. Nothing that it says of birth and sex is ever worked out.
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
from registry.people.data_subject import log_access

table = schema.contact
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Identity(NamedTuple):
    """What somebody said of themselves. `practice`: what their codice fiscale is needed for."""

    kind: str = "citizen"
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    tax_code: str | None = None
    practice: str | None = None
    province: str | None = None


def checked(said: Identity) -> Identity:
    """The same, each part in the one form in which it is kept. Raises `Refusal` for what is none."""
    if said.kind not in schema.KINDS:
        raise Refusal(f"kind: {text_input.shown(said.kind)} is none; there are {', '.join(schema.KINDS)}")
    if said.tax_code is not None and said.practice is None:
        raise Refusal("a codice fiscale is kept only for a practice: say which with --practice, or leave it out")
    return Identity(
        kind=said.kind,
        name=None if said.name is None else text_input.line(said.name, "name"),
        email=None if said.email is None else address(said.email),
        phone=None if said.phone is None else number(said.phone),
        tax_code=None if said.tax_code is None else tax_code(said.tax_code),
        practice=None if said.practice is None else text_input.line(said.practice, "practice"),
        province=None if said.province is None else provinces.checked(said.province),
    )


def address(said: str) -> str:
    """An e-mail address, in small letters."""
    found = said.strip().lower()
    if len(found) > 254 or not found.isprintable() or not ADDRESS.fullmatch(found):
        raise Refusal(f"e-mail: {text_input.shown(said)} is no address; write it like anna.rossi@example.it")
    return found


def number(said: str) -> str:
    """A telephone number that can be called back, in E.164."""
    found = phone_numbers.e164(said)
    if found is None:
        raise Refusal(f"telephone: {text_input.shown(said)} is no number; write it like 06 1234567 or +39 333 1234567")
    return found


def tax_code(said: str) -> str:
    """A codice fiscale without blanks, in capital letters. A message never repeats it: it could end in a log."""
    try:
        found: str = codicefiscale.validate(said[:40])
    except ValidationError:
        raise Refusal("codice fiscale: a letter or digit is wrong; read it from the card again") from None
    return found


# --- writing ----------------------------------------------------------------------------------------------------------


def identify(connection: Connection, keys: Keys, said: Identity, actor: str, now: float) -> str:
    """The contact of this person: the one that is known already, completed, or a new one; its id.

    Known is who has the same codice fiscale, address or number, in that order, unless both names, or both codici
    fiscali, are known and differ: families share a telephone. What is known is never overwritten.
    """
    said = checked(said)
    text_input.actor(actor)
    known = next((row for row in _alike(connection, keys, said) if _same_person(keys, row, said)), None)
    if known is None:
        contact_id = str(uuid.uuid4())
        row = {"contact_id": contact_id, "kind": said.kind, "created_at": now, **_row(keys, contact_id, said)}
        connection.execute(insert(table).values(**row))
    else:
        contact_id = known.contact_id
        fresh = {name: value for name, value in _row(keys, contact_id, said).items() if known._mapping[name] is None}
        if fresh:
            connection.execute(update(table).where(table.c.contact_id == contact_id).values(**fresh))
    if said.tax_code is not None:
        log_access(connection, now, actor, "tax_code", "contact", contact_id, said.practice or "")
    return contact_id


def find(connection: Connection, keys: Keys, said: Identity) -> list[str]:
    """The contacts that have this codice fiscale, address or number: ids only, nobody's identity is read."""
    return [row.contact_id for row in _alike(connection, keys, checked(said))]


def _alike(connection: Connection, keys: Keys, said: Identity) -> list[Any]:
    """Rows that agree in something which names a person; what names them best first."""
    marks: list[tuple[ColumnElement[bool], bool]] = [
        (table.c.tax_code_hash == keys.pseudonym(said.tax_code or ""), said.tax_code is not None),
        (table.c.email == said.email, said.email is not None),
        (table.c.phone_hash == keys.pseudonym(said.phone or ""), said.phone is not None),
    ]
    found: dict[str, Any] = {}
    for mark, given in marks:
        if given:
            rows = connection.execute(select(table).where(mark).order_by(table.c.created_at, table.c.contact_id))
            found |= {row.contact_id: row for row in rows if row.contact_id not in found}
    return list(found.values())


def _same_person(keys: Keys, row: Any, said: Identity) -> bool:
    if said.tax_code is not None and row.tax_code_hash not in (None, keys.pseudonym(said.tax_code)):
        return False
    return said.name is None or row.display_name is None or said.name.casefold() == row.display_name.casefold()


def _row(keys: Keys, contact_id: str, said: Identity) -> dict[str, Any]:
    code = said.tax_code
    return {
        "display_name": said.name,
        "email": said.email,
        "phone_e164": said.phone,
        "phone_hash": None if said.phone is None else keys.pseudonym(said.phone),
        "tax_code_enc": None if code is None else keys.lock(code, contact_id),
        "tax_code_hash": None if code is None else keys.pseudonym(code),
        "province": said.province,
    }


# --- reading ----------------------------------------------------------------------------------------------------------


def read(connection: Connection, keys: Keys, contact_id: str, actor: str, why: str, now: float) -> Identity:
    """Who it is; that it was read, by whom and why, is written down in the same transaction. Raises `Refusal`."""
    text_input.actor(actor)
    reason = text_input.line(why, "why")
    row = connection.execute(select(table).where(table.c.contact_id == contact_id)).first()
    if row is None or row.erased_at is not None:
        raise Refusal("who asked is not known any more: the data of that person have been erased")
    log_access(connection, now, actor, "read", "contact", contact_id, reason)
    code = None if row.tax_code_enc is None else keys.unlock(row.tax_code_enc, contact_id)
    return Identity(row.kind, row.display_name, row.email, row.phone_e164, code, None, row.province)
