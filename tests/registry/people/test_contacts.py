"""Contacts: found by hashes, encrypted where required, read only with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from common.command_line import Refusal
from common.places import Places
from registry import keys
from registry.db import schema
from registry.db.connection import Database
from registry.keys import Keys
from registry.people import contacts
from registry.people.contacts import Identity
from registry.people.person import find_person

NOW = 1795510800.0
CODE = "RSSMRA85T10A562S"
ANNA = Identity(name="Anna Rossi", email="Anna.Rossi@Example.IT", phone="06 1234 5678", province="rm")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    monkeypatch.delenv("NUL_KEYS", raising=False)
    return keys.make(Places(var=str(tmp_path)))


def kept(database: Database, mine: Keys, said: Identity, now: float = NOW) -> str:
    with database.begin() as connection:
        return contacts.identify(connection, mine, said, "op117", now)


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table)))


def test_a_person_is_stored_once_and_in_one_form(database: Database, mine: Keys) -> None:
    first = kept(database, mine, ANNA)
    again = [
        Identity(phone="+39 06 12345678"),
        Identity(email="ANNA.ROSSI@example.it"),
        Identity(name="anna rossi", phone="0039 0612345678"),
    ]
    assert {kept(database, mine, each, NOW + 1) for each in again} == {first}
    (row,) = rows(database, schema.contact)
    assert (row.display_name, row.email, row.phone_e164, row.province, row.created_at) == (
        "Anna Rossi", "anna.rossi@example.it", "+390612345678", "RM", NOW
    )  # fmt: skip
    assert row.phone_hash == mine.pseudonym("+390612345678")


def test_new_data_is_added_and_known_data_stays(database: Database, mine: Keys) -> None:
    first = kept(database, mine, Identity(phone="0612345678"))
    assert kept(database, mine, ANNA) == first
    assert kept(database, mine, Identity(name="Anna Rossi", phone="0612345678", email="other@example.it")) == first
    (row,) = rows(database, schema.contact)
    assert (row.display_name, row.email) == ("Anna Rossi", "anna.rossi@example.it")


def test_a_family_shares_a_telephone_not_a_name(database: Database, mine: Keys) -> None:
    anna = kept(database, mine, ANNA)
    bruno = kept(database, mine, Identity(name="Bruno Rossi", phone="0612345678"))
    assert anna != bruno
    with database.read() as connection:
        found = contacts.find_contacts(connection, mine, Identity(phone="0612345678"))
        assert sorted(found) == sorted([anna, bruno])
        assert contacts.find_contacts(connection, mine, Identity(phone="0687654321")) == []


def test_a_family_shares_a_telephone_not_a_codice_fiscale(database: Database, mine: Keys) -> None:
    first = kept(database, mine, Identity(phone="0612345678", tax_code=CODE, practice="DID"))
    other = "RSSMRA80A01H501U"
    second = kept(database, mine, Identity(phone="0612345678", tax_code=other, practice="DID"))
    assert first != second
    assert kept(database, mine, Identity(phone="0612345678", tax_code=other, practice="DID")) == second
    with database.begin() as connection:
        assert contacts.read_identity(connection, mine, second, "op117", "x", NOW).tax_code == other


def test_a_person_without_identifiers_is_always_new(database: Database, mine: Keys) -> None:
    assert kept(database, mine, Identity(name="Anna Rossi")) != kept(database, mine, Identity(name="Anna Rossi"))


def test_a_codice_fiscale_needs_a_practice_and_is_encrypted(database: Database, mine: Keys) -> None:
    with pytest.raises(Refusal, match="stored only for a practice: name it with --practice"):
        kept(database, mine, Identity(tax_code=CODE))
    assert rows(database, schema.contact) == []
    first = kept(database, mine, Identity(tax_code="rss mra 85t10 a562s", practice="DID on line 123"))
    (row,) = rows(database, schema.contact)
    (log,) = rows(database, schema.access_log)
    assert CODE.encode() not in row.tax_code_enc and CODE not in str(row)
    assert mine.decrypt(row.tax_code_enc, first) == CODE
    assert (log.actor_ref, log.action, log.object_id, log.why) == ("op117", "tax_code", first, "DID on line 123")
    assert kept(database, mine, Identity(tax_code=CODE, practice="ADR", email="a@example.it")) == first


@pytest.mark.parametrize("code", [CODE[:-1] + "T", CODE[:-1], CODE + "1", "12345", "x" * 1_000_000, "\x00"])
def test_a_wrong_codice_fiscale_is_refused_without_repeating_it(code: str) -> None:
    with pytest.raises(Refusal) as problem:
        contacts.check_identity(Identity(tax_code=code, practice="DID"))
    assert str(problem.value) == "codice fiscale: a letter or digit is wrong; read it from the card again"


def test_an_omocode_is_a_codice_fiscale() -> None:
    assert contacts.check_tax_code("RSSMRA85T10A56NH") == "RSSMRA85T10A56NH"


def test_reading_an_identity_is_logged(database: Database, mine: Keys) -> None:
    contact = kept(database, mine, ANNA._replace(tax_code=CODE, practice="DID"))
    with database.begin() as connection:
        found = contacts.read_identity(connection, mine, contact, "op118", "la cittadina ha richiamato", NOW + 60)
    assert found == Identity("citizen", "Anna Rossi", "anna.rossi@example.it", "+390612345678", CODE, None, "RM")
    log = rows(database, schema.access_log)[-1]
    assert (log.at, log.actor_ref, log.action, log.object_kind, log.object_id, log.why) == (
        NOW + 60, "op118", "read", "contact", contact, "la cittadina ha richiamato"
    )  # fmt: skip


def test_reading_needs_a_reason(database: Database, mine: Keys) -> None:
    contact = kept(database, mine, ANNA)
    for actor, why in (("op118", ""), ("op118", "a\nb"), ("Anna", "curiosity")):
        with pytest.raises(Refusal), database.begin() as connection:
            contacts.read_identity(connection, mine, contact, actor, why, NOW)
    assert rows(database, schema.access_log) == []


def test_an_erased_contact_is_neither_found_nor_read(database: Database, mine: Keys) -> None:
    contact = kept(database, mine, ANNA)
    nothing = dict.fromkeys(("display_name", "email", "phone_e164", "phone_hash"))
    with database.begin() as connection:
        connection.execute(update(schema.contact).values(erased_at=NOW + 1, **nothing))
    with database.begin() as connection:
        assert contacts.find_contacts(connection, mine, ANNA) == []
        with pytest.raises(Refusal, match="data was erased"):
            contacts.read_identity(connection, mine, contact, "op117", "why", NOW + 2)
    assert kept(database, mine, ANNA) != contact


HOSTILE = ["a\x00b", "\x1b[2J", "\udcff", "x" * 1_000_000, "a\u202eb", "", "a\nb"]


@pytest.mark.parametrize("said", HOSTILE)
@pytest.mark.parametrize("field", ["kind", "name", "email", "phone", "tax_code", "practice", "province"])
def test_hostile_text_is_refused_in_every_field(field: str, said: str) -> None:
    with pytest.raises(Refusal) as problem:
        contacts.check_identity(Identity(tax_code=CODE, practice="DID")._replace(**{field: said}))
    assert str(problem.value).isprintable() and len(str(problem.value)) < 200


def test_unusual_names_are_stored_verbatim(database: Database, mine: Keys) -> None:
    names = {"Robert'); DROP TABLE contact;--", "<b>Anna</b>", "D'Amico-Müller 👩🏽", "=1+1"}
    for name in names:
        kept(database, mine, Identity(name=name))
    assert {row.display_name for row in rows(database, schema.contact)} == names


@pytest.mark.parametrize(
    "said", ["anna", "anna@", "@example.it", "anna@example", "anna rossi@example.it", "a@b@c.it", "<a@b.it>", "a@b..it"]
)
def test_an_invalid_address_is_refused(said: str) -> None:
    with pytest.raises(Refusal, match="is not an address; write it like"):
        contacts.check_email(said)


def test_a_person_is_found_by_a_code_typed_as_on_the_card(database: Database, mine: Keys) -> None:
    contact = kept(database, mine, Identity(tax_code=CODE, practice="DID"))
    with database.read() as connection:
        assert find_person(connection, mine, tax_code="rss mra 85t10 a562s").contacts == {contact}
