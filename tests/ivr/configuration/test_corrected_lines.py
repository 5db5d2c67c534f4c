"""A value of the wrong form: the message shows the corrected line, in every document that a person writes."""

# ruff: noqa: E501 - messages are written here as they are shown, in one line

from __future__ import annotations

import re
from typing import Any

import pytest

from common.documents import parse
from common.places import Places
from common.type_errors import find_type_errors
from ivr.configuration import service
from ivr.configuration.service_number import normalise
from ivr.configuration.settings import Catalogue, Service, Survey
from ivr.dialplan import Values, render
from queue_model.planning.workforce import Workforce
from queue_model.scenario.schema import Scenario
from tests.ivr.edited_config import EditedConfig


@pytest.mark.parametrize(
    ("written", "corrected"),
    [
        ("[9:00, 18:00]", '["09:00-18:00"]'),
        ("[9, 18]", '["09:00-18:00"]'),
        ("chiuso", "[]"),
        ("[chiuso]", "[]"),
        ("no", "[]"),
        ("", "[]"),
        ("si", '["09:00-18:00"], or [] on a closed day'),
        ("[18-9]", '["09:00-18:00"], or [] on a closed day'),
        ("[09:00\u201318:00]", '["09:00-18:00"]'),
        ("8-18", '["08:00-18:00"]'),
        ("[8-18]", '["08:00-18:00"]'),
        ("9.00-13.00 e 14.30-18", '["09:00-13:00", "14:30-18:00"]'),
        ("dalle 9 alle 18", '["09:00-18:00"]'),
        ("['9:00 - 18:00']", '["09:00-18:00"]'),
        ("[{from: 9, to: 18}]", '["09:00-18:00"]'),
        ("h24", '["00:00-24:00"]'),
    ],
)  # fmt: skip
def test_hours_in_another_form(written: str, corrected: str) -> None:
    document = {"hours": {"saturday": parse(written.encode() or b"null")}}
    messages = [text for path, text in find_type_errors(document, Service) if path.startswith("hours.saturday")]
    assert len(messages) == 1
    assert messages[0].endswith(f"; write saturday: {corrected}")


@pytest.mark.parametrize("corrected", ['["09:00-18:00"]', '["09:00-13:00", "14:30-18:00"]', "[]", '["00:00-24:00"]'])
def test_corrected_hours_are_accepted(config: EditedConfig, corrected: str) -> None:
    config.edit("service", "saturday: []", f"saturday: {corrected}")
    assert not [each for each in config.problems() if each.startswith("config/service.yaml")]


FORMS: list[tuple[Any, str, str]] = [
    (Service, "queue: {seats: 012}", "write seats: 12"),
    (Service, "queue: {seats: 0x0C}", "write seats: 12"),
    (Service, "queue: {seats: 1_2}", "write seats: 12"),
    (Service, "queue: {seats: 12.0}", "write seats: 12"),
    (Service, "queue: {seats: 9:00}", "write one number, in the unit of the setting"),
    (Service, "queue: {longest_queue: 1.000}", "write longest_queue: 1 or 1000"),
    (Service, "queue: {voicemail_key: nessuno}", "write voicemail_key: null"),
    (Service, "queue: {voicemail_key: 1}", 'write it in quotes: "1"'),
    (Service, "recording: {campaign: si}", "write campaign: true"),
    (Service, "recording: {campaign: on}", "write campaign: true"),
    (Service, "recording: {campaign: no}", "write campaign: false"),
    (Service, "recording: {sampling: 10%}", "write sampling: 0.1"),
    (Service, "recording: {sampling: 10}", "write sampling: 0.1"),
    (Service, "recording: {sampling: '0,1'}", "write sampling: 0.1"),
    (Service, "callbacks: {countries: IT}", 'write countries: ["IT"]'),
    (Service, "notification: {to: [a@example.it, b@example.it], from: n@example.it}", "write to: a@example.it"),
    (Service, "notification: {to: Capo <a@example.it>, from: n@example.it}", "write to: a@example.it"),
    (Service, "notification: a@example.it", "write notification: {to: a@example.it, from: a@example.it}"),
    (Service, "statistics: {individual_agreement: {name: RSU, signed: 12/3/2026}}", "write signed: 2026-03-12"),
    (Service, "holidays: {extra_closures: [{first: 2026-12-24 10:00, last: 2026-12-24, reason: x}]}", "write first: 2026-12-24"),
    (Survey, "questions: [{code: solved, prompts: [x], keys: 12345}]", 'write it in quotes: "12345"'),
    (Survey, "version: 01", "write version: 1"),
    (Catalogue, "prompts: {welcome: {text: 2026-12-24}}", 'write it in quotes: "2026-12-24"'),
    (Scenario, "operators: {shifts: {mattina: {hours: 9-13}}}", 'write hours: "09:00-13:00"'),
    (Scenario, "operators: {absence: 5%}", "write absence: 0.05"),
    (Scenario, "period: {days: 020}", "write days: 20"),
    (Scenario, "period: {first: 4/5/2026}", "write first: 2026-05-04"),
    (Workforce, "shifts: {mattina: {starts: [9.30], minutes: 270}}", 'write "09:30"'),
    (Workforce, "people: {'101': {contract: pieno, absences: [{first: 1.8.2026}]}}", "write first: 2026-08-01"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "text", "remedy"), FORMS, ids=[text for _, text, _ in FORMS])
def test_another_notation_gets_its_remedy(shape: Any, text: str, remedy: str) -> None:
    messages = [message for _, message in find_type_errors(parse(text.encode()), shape)]
    assert [message for message in messages if message.endswith(f"; {remedy}")], messages


@pytest.mark.parametrize("written", ["NO", "on", "012", "9:00", "2026-12-24T10:00"])
def test_text_is_kept_as_it_is_written(written: str) -> None:
    document = parse(
        f"holidays: {{extra_closures: [{{first: 2026-12-24, last: 2026-12-24, reason: {written}}}]}}".encode()
    )
    assert not [path for path, _ in find_type_errors(document, Service) if path.startswith("holidays")]
    assert document["holidays"]["extra_closures"][0]["reason"] == written


@pytest.mark.parametrize(
    "written",
    ["800000039", '"800000039"', '"+39800000039"', "+39800000039", "0039800000039", "39800000039", '"800 000 039"',
     '"+39 800 000 039"', "800.000.039", "'(+39) 800-000-039'"],
)  # fmt: skip
def test_the_number_is_normalised_however_it_is_written(config: EditedConfig, written: str) -> None:
    config.edit("service", 'number: "800000039"', f"number: {written}")
    assert config.problems() == []
    assert service.compiled(service.load(config.places), config.places)["service"]["service"]["number"] == "800000039"


def test_numbers_that_begin_with_the_digits_of_italy() -> None:
    assert normalise("3921234567") == "3921234567"  # a mobile telephone
    assert normalise("+393921234567") == "3921234567"
    assert normalise("0612345678") == "0612345678"
    assert [normalise(each) for each in ("+41441234567", "0041", "abc", None, True, 1.5)] == [
        "+41441234567", "0041", "abc", None, True, 1.5
    ]  # fmt: skip


def test_each_form_of_the_number_reaches_the_service(config: EditedConfig) -> None:
    config.edit("service", 'number: "800000039"', "number: +39 800 000 039")
    document = service.compiled(service.load(config.places), config.places)
    values = Values(Places().templates, "/s", "/n", "/r", "/m", 2026, 2027, [])
    incoming = (
        render(document, values, site=True)["extensions_nul.conf"].partition("[nul-incoming]")[2].partition("\n[")[0]
    )
    assert re.findall(r"exten => ([^,]+),1,", incoming) == [
        "800000039", "+39800000039", "0039800000039", "39800000039"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('number: "800000039"', 'number: "\u0668\u0660\u0660\u0660"'),
        ('monday: ["09:00-18:00"]', 'monday: ["\u0660\u0669:00-18:00"]'),
        ("  name: nul\n", "  name: qualit\u00e0\n"),
        ("\n  host: 127.0.0.1", "\n  host: citt\u00e0"),
        ("notification: null", "notification: {to: capo@citt\u00e0.it, from: n@example.it}"),
        ("notification: null", "notification: {to: a..b@example.it, from: n@example.it}"),
        ("notification: null", "notification: {to: a@example..it, from: n@example.it}"),
        ("name: Numero Unico per il Lavoro", 'name: "Numero\\u2028Unico"'),
    ],
)
def test_patterns_accept_only_what_the_code_can_read(config: EditedConfig, old: str, new: str) -> None:
    config.edit("service", old, new)
    assert [each for each in config.problems() if each.startswith("config/service.yaml: ")]
