"""Mistakes in service.yaml, survey.yaml and prompts.yaml, each with its message."""

# ruff: noqa: E501 - messages are written here as they are shown, in one line

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ivr.configuration.rules import parse_week
from tests.ivr.edited_config import CLOSURES, EditedConfig

MON = 'monday: ["09:00-18:00"]'
MISTAKES = [
    (
        MON,
        'monday: ["09-18"]',
        'hours.monday[0]: must be hours like "09:00-18:00", not "09-18"; write monday: ["09:00-18:00"]',
    ),
    (MON, "monday: 09:00-18:00", 'hours.monday: must be a list, not "09:00-18:00"; write monday: ["09:00-18:00"]'),
    (
        MON,
        'monday: ["18:00-09:00"]',
        "hours.monday[0]: '18:00-09:00' ends before it starts; past midnight write two: until 24:00, and from 00:00",
    ),
    (
        MON,
        'monday: ["09:00-13:00", "12:00-18:00"]',
        'hours.monday[1]: "12:00-18:00" overlaps "09:00-13:00"; write one range',
    ),
    (
        MON,
        'monday: ["14:00-18:00", "09:00-13:00"]',
        'hours.monday[1]: "09:00-13:00" starts before "14:00-18:00"; write them in order',
    ),
    ("  sunday: []\n", "", "hours.sunday: missing; write a list"),
    (
        "patron_saint: null",
        "patron_saint: Milan",
        'holidays.patron_saint: "Milan" is not a city whose patron saint\'s day is known; did you mean "Milano"?',
    ),
    (
        "patron_saint: null",
        "patron_saint: London",
        'holidays.patron_saint: "London" is not a city whose patron saint\'s day is known; `ivr check --cities` lists them; for '
        "another city, write the day into extra_closures",
    ),
    (
        CLOSURES,
        "extra_closures: [{first: 2026-12-24, last: 2026-12-23, reason: x}]",
        "holidays.extra_closures[0].last: 2026-12-23 is before the first day, 2026-12-24; swap them",
    ),
    (
        CLOSURES,
        "extra_closures: [{first: 2026-12-24, last: 2028-12-24, reason: x}]",
        "holidays.extra_closures[0].last: 2028-12-24 is more than a year after 2026-12-24; check the years",
    ),
    (
        CLOSURES,
        "extra_closures: [{first: 2026-12-24, last: 2026-12-26, reason: x}, {first: 2026-12-26, last: 2026-12-27, "
        "reason: y}]",
        "holidays.extra_closures[1].first: 2026-12-26 is not after the previous closure; write closures in order, "
        "without overlap",
    ),
    (
        CLOSURES,
        "extra_closures: [{first: 24-12-2026, last: 2026-12-24, reason: x}]",
        'holidays.extra_closures[0].first: must be a date like 2026-12-24, not "24-12-2026"; write first: 2026-12-24',
    ),
    (
        CLOSURES,
        'extra_closures: [{first: 2026-12-24, last: 2026-12-24, reason: "x\\ny"}]',
        'holidays.extra_closures[0].reason: must be one line of text, not "x?y"',
    ),
    (
        'number: "800000039"',
        'number: "+41441234567"',
        'service.number: must be a telephone number of Italy: "800000039", not "+41441234567"',
    ),
    ('countries: ["IT"]', 'countries: ["UK"]', 'callbacks.countries[0]: "UK" is not a country with telephone numbers; write '
     "the two letters of ISO 3166: IT, SM, GB"),
    (
        "time_zone: Europe/Rome",
        "time_zone: Europe/Roma",
        'service.time_zone: no time zone "Europe/Roma"; did you mean "Europe/Rome"?',
    ),
    ("time_zone: Europe/Rome", "time_zone: ../etc/passwd", 'service.time_zone: no time zone "../etc/passwd"; write one '
     'like "Europe/Rome"'),
    (
        'refuse_key: "9"',
        'refuse_key: "4"',
        'recording.refuse_key: "4" is also a key of "argomenti" in menu.yaml, which comes after the notice; choose a key '
        "that is free there",
    ),
    ('voicemail_key: "1"', "voicemail_key: 1", "queue.voicemail_key: must be one key of 0123456789*# or null, not 1; "
     'write it in quotes: "1"'),
    ('voicemail_key: "1"', 'voicemail_key: "uno"', "queue.voicemail_key: must be one key of 0123456789*# or null, "
     'not "uno"'),
    ("seats: 12", 'seats: "12"', 'queue.seats: must be a whole number from 1 to 99, not "12"; write it without quotes: 12'),
    ("seats: 12", "seats: 12.5", "queue.seats: must be a whole number from 1 to 99, not 12.5"),
    ("sampling: 0.1", "sampling: 10", "recording.sampling: must be a number from 0 to 1, not 10; write sampling: 0.1"),
    ("campaign: false", "campaign: 1", "recording.campaign: must be true or false, not 1; write campaign: true"),
    ("then: wait #", "then: queue #", 'queue.all_busy.then: must be "voicemail" or "wait", not "queue"'),
    ('"127.0.0.0/8"', '"127.0.0.1/8"', "engine.allow[0]: 127.0.0.1/8 has host bits set; write an address or a network: "
     '"127.0.0.0/8"'),
    ("metrics_port: 9473", "metrics_port: 4573", "engine.metrics_port: 4573 is already engine.port; choose another, "
     "or 0"),
    ("menu_seconds: 600", "menu_seconds: 7200", "limits.menu_seconds: not below longest_call_seconds; make it smaller"),
    ("email_share: 0.90", "email_share: 0", "promises.email_share: 0 promises nothing; write a share such as "
     "0.9"),
    ("callback_hours: 9", "callback_hours: 0", "promises.callback_hours: must be a whole number from 1 to 8760, not 0"),
    ("most_attempts: 4", "most_attempts: 0", "callbacks.most_attempts: must be a whole number from 1 to 20, not 0"),
    ("trunk: nul-trunk", "trunk: a/b", "callbacks.trunk: must be a name: letters, digits, - and _, not "
     '"a/b"'),
    ('countries: ["IT"]', "countries: [Italia]", "callbacks.countries[0]: must be a country of two capital letters: IT, "
     'not "Italia"'),
    ("third_level: false", "third_level: 0", "registry.third_level: must be true or false, not 0; write third_level: false"),
    ("agreement: null", "agreement: true", "statistics.individual_agreement: must be {name: ..., signed: ...} or null, not true"),
    ("agreement: null", "agreement: {name: RSU}", "statistics.individual_agreement.signed: missing; write a date like 2026-12-24"),
    ("agreement: null", 'agreement: {name: "  ", signed: 2026-03-12}', "statistics.individual_agreement.name: must be "
     'the agreement\'s name, in one line, not "  "'),
    ("agreement: null", "agreement: {name: RSU, signed: marzo}", "statistics.individual_agreement.signed: must be a "
     'date like 2026-12-24, not "marzo"'),
    ("promises: #", "promise: #", 'promise: unknown key; did you mean "promises"?'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES, ids=[each[2][:50] for each in MISTAKES])
def test_a_mistake_in_service_yaml_is_reported_with_its_remedy(
    config: EditedConfig, old: str, new: str, said: str
) -> None:
    config.edit("service", old, new)
    assert f"config/service.yaml: {said}" in config.problems()


def test_a_service_that_never_opens(config: EditedConfig) -> None:
    text = config.path("service").read_text(encoding="utf-8")
    config.write("service", text.replace('["09:00-18:00"]', "[]"))
    assert config.problems()[0] == (
        "config/service.yaml: hours: every day is closed, so no caller could reach an operator; open at least one day"
    )


def test_more_seats_than_operators_is_a_warning(config: EditedConfig) -> None:
    config.edit("service", "operators: 24", "operators: 8")
    assert config.problems("warning") == [
        "config/service.yaml: queue.operators: fewer than the 12 seats, so some seats stay empty"
    ]


def test_survey_mistakes(config: EditedConfig) -> None:
    config.edit("survey", "code: courtesy", "code: solved")
    config.edit("survey", 'keys: "12345"', 'keys: "11"')
    config.edit("survey", "[survey-thanks]", "[survey-thank]")
    assert config.problems() == [
        'config/survey.yaml: questions[0].keys: "1" is written twice; write each key once',
        'config/survey.yaml: questions[1].code: "solved" is the code of an earlier question; choose another',
        'config/survey.yaml: thanks[0]: no prompt "survey-thank" in prompts.yaml; did you mean "survey-thanks"?',
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('keys: "12345"', 'keys: "12345*"', "keys: must be the valid keys in one word, digits only: \"12345\", not \"12345*\""),
        ('keys: "12345"', 'keys: "6789"', 'keys: "6" is not on the scale 1-5; change keys or scale, and the words of the prompt'),
        ('scale: "1-5"', 'scale: "5-1"', 'scale: "5-1" does not go up; write the worst answer, then the best: "1-5"'),
        ('scale: "1-5"', "scale: 1-10", 'scale: must be the worst and the best answer: "1-5", not "1-10"'),
    ],
)  # fmt: skip
def test_answers_outside_the_scale_are_refused(config: EditedConfig, old: str, new: str, said: str) -> None:
    config.edit("survey", old, new)
    assert f"config/survey.yaml: questions[0].{said}" in config.problems()


def test_announced_hours_that_differ_from_the_real_ones(config: EditedConfig) -> None:
    config.edit("service", 'friday: ["09:00-18:00"]', 'friday: ["09:00-13:00"]')
    config.edit("service", "saturday: []", 'saturday: ["09:00-12:00"]')
    said = [each for each in config.problems() if "fallback-closed" in each]
    assert said == [
        "config/prompts.yaml: prompts.fallback-closed.announces_hours: friday: announces 09:00-18:00, but service.yaml has "
        "09:00-13:00; change the text and this line, or service.yaml",
        "config/prompts.yaml: prompts.fallback-closed.announces_hours: saturday: announces closed, but service.yaml has "
        "09:00-12:00; change the text and this line, or service.yaml",
    ]


def test_prompts_without_text_or_audio(config: EditedConfig) -> None:
    os.remove(config.places.audio)
    config.write(
        "prompts",
        config.path("prompts").read_text(encoding="utf-8")
        + '  vuoto:\n    text: "  "\n  sbagliato:\n    text: "Aperto"\n    announces_hours: "mon-fry 9-18"\n',
    )
    assert config.problems() == [
        "config/prompts.yaml: prompts.vuoto.text: empty; write what callers hear",
        "config/prompts.yaml: prompts.sbagliato.announces_hours: 'fry' is not a weekday; write \"mon-fri 09:00-18:00\"",
    ]
    count = len(yaml.safe_load(config.path("prompts").read_bytes())["prompts"])
    assert config.problems("warning") == [
        f"config/prompts.yaml: prompts: {count - 2} prompts have no audio: welcome, recording-notice, recording-refused, "
        "topics, topics-again, ...; run `ivr prompts synthesise`"
    ]


def test_announced_weeks_are_read() -> None:
    week = parse_week("mon-thu 09:00-13:00 14:00-18:00, Friday 09:00-13:00")
    assert week["tuesday"] == [(540, 780), (840, 1080)] and week["friday"] == [(540, 780)] and week["sunday"] == []
    for wrong in ("", "fri-mon 09:00-18:00", "mon", "mo 09:00-18:00", "mon-fri 9-18", "mon-fri 09:00-18:00,"):
        with pytest.raises(ValueError, match=r"write|is not"):
            parse_week(wrong)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("service", "language: it", "language: en",
         'service.yaml: service.language: no prompts in "en", so callers hear nothing; write "it"'),
        ("menu", "priority: 0\n", 'priority: 0\n    set: {CHANNEL(language): en}\n',
         'menu.yaml: nodes.operatore.set.CHANNEL(language): no prompts in "en"'),
    ],
)  # fmt: skip
def test_a_language_without_prompts_is_refused(config: EditedConfig, name: str, old: str, new: str, said: str) -> None:
    config.edit(name, old, new)
    assert [each for each in config.problems() if each.startswith(f"config/{said}")]


def test_a_catalogue_in_another_language(config: EditedConfig) -> None:
    config.edit("service", "language: it", "language: de")
    config.edit("prompts", "prompts:\n", "language: de\nprompts:\n")
    assert config.problems() == []


def test_sounds_and_music_of_templates_are_references_too(config: EditedConfig) -> None:
    os.mkdir(config.places.templates)
    Path(config.places.templates, "extensions_nul.conf").write_text(
        "; Playback(nul/comment)\n same => n,Playback(nul/welcom)\n same => n,Playback(nul/${X})\n"
    )
    Path(config.places.templates, "musiconhold_nul_custom.conf").write_text("[general]\n[festa]\nmode = files\n")
    config.edit("menu", "priority: 0\n", "priority: 0\n    set: {CHANNEL(musicclass): fest}\n")
    assert config.problems() == [
        'config/prompts.yaml: prompts: "welcom" is missing, which asterisk/extensions_nul.conf plays in line 2; did you mean '
        '"welcome"?'
    ]
    assert config.problems("warning") == [
        'config/menu.yaml: nodes.operatore.set.CHANNEL(musicclass): no class "fest" in config/asterisk/musiconhold*.conf; did you '
        'mean "festa"?. Your Asterisk may have it'
    ]
