"""What prompts say in numbers is compared with the settings: one check for every kind of number."""

# ruff: noqa: E501 - messages are written here as they are shown, in one line

from __future__ import annotations

import inspect
import re

import pytest

import ivr.flows.menu
import voicemail.flow
from charter.calendar import Range
from common.places import ROOT, Places
from ivr.configuration import service
from ivr.configuration.spoken import PROGRAM_KEYS, find_settings, write_week
from ivr.configuration.spoken_numbers import find_hours, find_numbers
from tests.ivr.edited_config import EditedConfig


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Prema un tasto da 1, per niente, a 5, del tutto.", [("da 1, per niente, a 5", "scale", 1, 5)]),
        ("Ha 3 minuti; poi prema cancelletto.", [("3 minuti", "seconds", 180, 180), ("prema cancelletto", "key", -35, -35)]),
        ("tre domande, meno di un minuto", [("tre domande", "questions", 3, 3), ("un minuto", "seconds", 60, 60)]),
        ("un'ora e mezza o mezz'ora", [("un'ora e mezza", "seconds", 5400, 5400), ("mezz'ora", "seconds", 1800, 1800)]),
        ("Premere il tasto due.", [("Premere il tasto due", "key", 2, 2)]),
        ("due anni, 24 mesi, l'80 per cento", [
            ("due anni", "days", 730, 732), ("24 mesi", "days", 720, 744), ("80 per cento", "percent", 80, 80)]),
        ("Digiti il numero; un operatore risponde, 24 ore su 24.", []),
    ],
)  # fmt: skip
def test_numbers_are_found_in_italian_words(text: str, found: list[tuple[str, str, float, float]]) -> None:
    assert [(each.within(text), each.unit, each.low, each.high) for each in find_numbers(text)] == found


def test_opening_hours_are_found_in_italian_words() -> None:
    text = "dal lunedì al giovedì dalle nove alle 13 e dalle 14:30 alle 18 e mezza, il sabato e la domenica dalle 9 alle 12"
    found = find_hours(text)
    assert found is not None
    assert found.week["monday"] == found.week["thursday"] == [Range(540, 780), Range(870, 1110)]
    assert (found.week["friday"], found.week["sunday"]) == ([], [Range(540, 720)])
    assert write_week(found.week) == "monday-thursday 09:00-13:00 14:30-18:30, saturday-sunday 09:00-12:00"
    assert find_hours("Prema un tasto da 1 a 5.") is find_hours("Richiami lunedì.") is None


DRIFTS = [
    ("service", 'voicemail_key: "1"', 'voicemail_key: "2"',
     'queue-offer-voicemail.speaks.queue.voicemail_key: callers hear "prema 1", but queue.voicemail_key is "2"'),
    ("service", "voicemail_audio: 30", "voicemail_audio: 60",
     'vm-privacy-full.speaks.retention_days.voicemail_audio: callers hear "30 giorni", but retention_days.voicemail_audio is 60'),
    ("service", "voicemail_audio: 30", "voicemail_audio: 60",
     'fallback-record.speaks.retention_days.voicemail_audio: callers hear "30 giorni", but '
     "retention_days.voicemail_audio is 60"),
    ("service", "contact: 730", "contact: 365",
     'vm-privacy-full.speaks.retention_days.contact: callers hear "due anni", but retention_days.contact is 365'),
    ("service", "recording: 30", "recording: 90",
     'recording-notice.speaks.retention_days.recording: callers hear "30 giorni", but retention_days.recording is 90'),
    ("service", "longest_seconds: 180", "longest_seconds: 120",
     'vm-record.speaks.voicemail.longest_seconds: callers hear "3 minuti", but voicemail.longest_seconds is 120'),
    ("service", 'refuse_key: "9"', 'refuse_key: "8"',
     'recording-notice.speaks.recording.refuse_key: callers hear "prema 9", but recording.refuse_key is "8"'),
    ("survey", '  - code: courtesy\n    title: {it: Cortesia, en: Courtesy}\n    prompts: [survey-courtesy]\n    keys: "12345"\n    scale: "1-5"\n', "",
     'survey-invitation.speaks.survey.questions: callers hear "tre domande", but survey.questions is 2'),
    ("survey", 'prompts: [survey-overall]\n    keys: "12345"\n    scale: "1-5"',
     'prompts: [survey-overall]\n    keys: "0123456789"\n    scale: "0-9"',
     'survey-overall.speaks.survey.scale.overall: callers hear "da 1, per niente, a 5", but survey.scale.overall is "0-9"'),
    ("prompts", "il segnale ha 3 minuti", "il segnale ha 2 minuti",
     'vm-record.speaks.voicemail.longest_seconds: "3 minuti" is not in the text'),
    ("prompts", "Per inviare il messaggio, prema 1", "Per inviare il messaggio, prema 4",
     'vm-review.text: callers hear "prema 4", but the keys after this prompt are 1, 2, 3, #'),
    ("prompts", "Rispondiamo dal lunedì al venerdì, dalle 9 alle 18", "Rispondiamo dal lunedì al venerdì, dalle 8 alle 18",
     "fallback-closed.text: monday: the text says 08:00-18:00, but announces_hours 09:00-18:00; change the text, or write "
     'announces_hours: "monday-friday 08:00-18:00"'),
    ("prompts", "dal lunedì al venerdì, dalle 9 alle 18, esclusi i giorni festivi. Arrivederci",
     "dal lunedì al giovedì, dalle 9 alle 18. Arrivederci",
     "vm-store-failed.text: friday: the text says closed, but announces_hours 09:00-18:00"),
    ("prompts", "speaks: {voicemail.longest_seconds", "speaks: {voicemail.longest_second",
     'vm-record.speaks.voicemail.longest_second: no setting has this name; did you mean "voicemail.longest_seconds"?'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "message"), DRIFTS, ids=[each[2][:30] for each in DRIFTS])
def test_words_that_drift_from_a_setting_are_refused(
    config: EditedConfig, name: str, old: str, new: str, message: str
) -> None:
    config.edit(name, old, new)
    assert [each for each in config.problems() if each.startswith(f"config/prompts.yaml: prompts.{message}")]


@pytest.mark.parametrize("setting", ["voicemail_key: null", 'voicemail_key: "1"'])
def test_words_of_a_setting_that_is_off_or_unchanged_are_accepted(config: EditedConfig, setting: str) -> None:
    config.edit("service", 'voicemail_key: "1"', setting)
    assert config.problems() == []


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("La richiameremo entro due ore.", 'says "due ore"; add `speaks: {callbacks.hours_between: "due ore"}`, or no_setting'),
        ("Prema 7 per aspettare.", 'says "Prema 7"; add `speaks: {no_setting: "Prema 7"}` if no setting decides it'),
        ("Dal lunedì al sabato, dalle 9 alle 13.", 'states opening hours; add `announces_hours: "monday-saturday 09:00-13:00"`'),
    ],
)  # fmt: skip
def test_an_undeclared_number_is_a_warning_with_the_line_to_add(config: EditedConfig, text: str, remedy: str) -> None:
    config.edit("prompts", "Grazie per l'attesa.", text)
    warnings = [each for each in config.problems("warning") if "queue-thankyou" in each]
    assert len(warnings) == 1 and f"prompts.queue-thankyou.text: {remedy}" in warnings[0]


def test_every_shipped_number_is_declared_or_a_key_of_the_menu() -> None:
    configuration, problems = service.examine(Places())
    assert configuration is not None and problems == []
    declared = {path for prompt in configuration.prompts.values() for path in prompt.speaks or {}}
    assert {"queue.voicemail_key", "recording.refuse_key", "voicemail.longest_seconds"} <= declared
    settings = find_settings(configuration.service, configuration.survey)
    assert declared - {"no_setting"} <= settings.keys()


def test_the_keys_of_the_program_are_those_of_its_sources() -> None:
    box, menu = inspect.getsource(voicemail.flow), inspect.getsource(ivr.flows.menu)
    for prompt in ("vm-confirm-number", "vm-continue", "vm-review"):
        choice = re.search(rf'\["{prompt}"\],\s*"([0-9]+)"[^)]*?(?:repeat_key="(.)")?\s*\)', box)
        assert choice is not None and choice[1] + (choice[2] or "") == PROGRAM_KEYS[prompt]
    assert f'["number-confirm"], "{PROGRAM_KEYS["number-confirm"]}"' in menu
    assert f'PRIVACY_KEY = "{PROGRAM_KEYS["vm-privacy"]}"' in box
    assert '"wav", "#"' in box and PROGRAM_KEYS["vm-record"] == PROGRAM_KEYS["vm-type-number"] == "#"
    with open(f"{ROOT}/config/asterisk/extensions_nul.conf", encoding="utf-8") as file:
        record = re.search(r"Record\(.*,(\w*)\)", file.read())
    assert record is not None and "x" not in record[1] and "t" not in record[1]  # "#" ends the recording
