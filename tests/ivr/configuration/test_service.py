"""Reading, checking and compiling `config/`: files that no honest person writes, and the slips that everybody makes."""

# ruff: noqa: E501 - messages are written here as they are shown, in one line

from __future__ import annotations

import datetime
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.calendar import OpeningHours
from common.documents import MOST_VALUES, Unreadable, parse
from common.places import Places
from common.type_errors import find_type_errors
from ivr.configuration import compiled as runtime
from ivr.configuration import compiled_types, service
from ivr.configuration import menu as menus
from ivr.configuration.rules import parse_week
from ivr.configuration.settings import Catalogue, Service, Survey
from tests.ivr.edited_config import FILES, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- files that cannot be read ---------------------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)

UNREADABLE = {
    "tab": (b"queue:\n\tseats: 12\n", "line 2, column 1: not YAML: while scanning for the next token found character that "
            "cannot start any token; indent with spaces, not tabs, and put text that starts with @, ` or % in quotes"),
    "utf-16": ("a: 1".encode("utf-16"), "written in UTF-16; save it as UTF-8"),
    "latin-1": ("a: 1\nname: perché".encode("latin-1"), "line 2: not UTF-8; save the file as UTF-8"),
    "nul": (b"a: \0", 'not YAML: unacceptable character #x0000: control characters are not allowed, position 3'
            ""),
    "huge": (b"#" * 1_000_001, "larger than 1 MB; a configuration has a few pages"),
    "deep": (b"[" * 100_000, "line 1: more than 40 nested levels; write it flatter"),
    "bomb": (BOMB.encode(), "line 6: its anchors multiply into a huge document; write less"),
    "cycle": (b"a: &a [*a]", "line 1: an anchor contains itself; write the value out"),
    "twice": (b"a: 1\nb: 2\na: 3\n", 'line 3: "a" was already written in line 1; keep one of them'),
    "mapping as key": (b"? {a: 1}\n: 2\n", "line 1: a key must be text or a number, not a list or a mapping"),
    "alias": (b"a: *b\n", 'line 1, column 4: not YAML: found undefined alias; a text that starts with * or & needs quotes: '
              '"*"'),
    "colon": (b"a: b: c\n", "line 1, column 5: not YAML: mapping values are not allowed in this context; check the "
              "indentation, and put text with a colon in quotes"),
    "tag": (b"!!python/object/apply:os.system [id]\n", "line 1, column 1: not YAML: could not determine a constructor for "
            "the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
    "date": (b"a: 2026-13-45\n", "line 1: 2026-13-45: no such date: month must be in 1..12"),
    "truth value": (b"a: 1\nb: !!bool perhaps\n", "line 2: perhaps: not a valid bool"),
    "date by name": (b"a: !!timestamp soon\n", "line 1: soon: not a valid timestamp"),
    "number by name": (b"a: !!int ''\n", "line 1: : not a valid int"),
    "two documents": (b"a: 1\n---\nb: 2\n", "line 2, column 1: not YAML: expected a single document in the stream but found "
                      "another document"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_says_why(name: str, desk: Desk) -> None:
    content, said = UNREADABLE[name]
    desk.write("service", content)
    assert f"config/service.yaml: {said}" in desk.problems()


def test_a_number_of_thousands_of_digits(desk: Desk) -> None:
    desk.edit("service", "seats: 12", "seats: " + "9" * 5000)
    assert desk.problems()[0].endswith(": a number of 5000 digits; write a smaller one")
    with pytest.raises(Unreadable):
        parse(b"a: " + b"9" * 5000)
    assert parse(b"a: 0x" + b"f" * 2000)["a"] > 10**2000
    assert next(find_type_errors({"version": 10**2000}, Survey)) == (
        "version", "must be a whole number from 1 to 1000000, not a number of hundreds of digits"
    )  # fmt: skip


def test_a_byte_order_mark_and_windows_line_ends_are_welcome() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\r\nb: due\r\n") == {"a": 1, "b": "due"}


def test_honest_anchors_are_allowed() -> None:
    assert parse(b"a: &x [1, 2]\nb: *x\nc: {<<: {d: 1}, e: 2}\n") == {"a": [1, 2], "b": [1, 2], "c": {"d": 1, "e": 2}}
    assert MOST_VALUES > 10_000


def test_a_missing_and_an_unreadable_file(desk: Desk) -> None:
    os.remove(desk.path("menu"))
    os.remove(desk.path("survey"))
    os.mkdir(desk.path("survey"))
    assert desk.problems() == [
        "config/menu.yaml: not there; put it beside the other files of the configuration",
        "config/survey.yaml: cannot be read: Is a directory",
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", ["", "5", "[]", "text", "{}", "null", "- a: 1"])
def test_a_file_of_another_shape(desk: Desk, name: str, content: str) -> None:
    desk.write(name, content)
    said = desk.problems()
    assert said and all(each.startswith(f"config/{name}.yaml: ") for each in said)
    assert "must be a mapping with" in said[0] or "missing; write" in said[0]


# --- slips -----------------------------------------------------------------------------------------------------------

MON = 'monday: ["09:00-18:00"]'
CLOSURES = "extra_closures: []"
SLIPS = [
    (MON, 'monday: ["09-18"]', 'hours.monday[0]: must be hours like "09:00-18:00", not "09-18"'),
    (MON, "monday: 09:00-18:00", 'hours.monday: must be a list, not "09:00-18:00"; write it in brackets: [...]'),
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
        'holidays.extra_closures[0].first: must be a date like 2026-12-24, not "24-12-2026"',
    ),
    (
        CLOSURES,
        'extra_closures: [{first: 2026-12-24, last: 2026-12-24, reason: "x\\ny"}]',
        'holidays.extra_closures[0].reason: must be one line of text, not "x?y"',
    ),
    (
        'number: "800000039"',
        "number: 800000039",
        'service.number: must be a telephone number, digits only, not 800000039; write it in quotes: "800000039"',
    ),
    (
        "time_zone: Europe/Rome",
        "time_zone: Europe/Roma",
        'service.time_zone: no time zone "Europe/Roma"; did you mean "Europe/Rome"?',
    ),
    ("time_zone: Europe/Rome", "time_zone: ../etc/passwd", 'service.time_zone: no time zone "../etc/passwd"; write one '
     'like "Europe/Rome"'),
    (
        'refuse_key: "9"',
        'refuse_key: "5"',
        'recording.refuse_key: "5" is also a key of "argomenti" in menu.yaml, which comes after the notice; choose a key '
        "that is free there",
    ),
    ('voicemail_key: "1"', "voicemail_key: 1", "queue.voicemail_key: must be one key of 0123456789*# or null, not 1; "
     'write it in quotes: "1"'),
    ('voicemail_key: "1"', 'voicemail_key: "uno"', "queue.voicemail_key: must be one key of 0123456789*# or null, "
     'not "uno"'),
    ("seats: 12", 'seats: "12"', 'queue.seats: must be a whole number from 1 to 99, not "12"; write it without quotes: 12'),
    ("seats: 12", "seats: 12.5", "queue.seats: must be a whole number from 1 to 99, not 12.5"),
    ("sampling: 0.1", "sampling: 10", "recording.sampling: must be a number from 0 to 1, not 10"),
    ("campaign: false", "campaign: 1", "recording.campaign: must be true or false, not 1"),
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
    ("third_level: false", "third_level: 0", "registry.third_level: must be true or false, not 0"),
    ("agreement: null", "agreement: true", "statistics.individual_agreement: must be {name: ..., signed: ...} or null, not true"),
    ("agreement: null", "agreement: {name: RSU}", "statistics.individual_agreement.signed: missing; write a date like 2026-12-24"),
    ("agreement: null", 'agreement: {name: "  ", signed: 2026-03-12}', "statistics.individual_agreement.name: must be "
     'the agreement\'s name, in one line, not "  "'),
    ("agreement: null", "agreement: {name: RSU, signed: marzo}", "statistics.individual_agreement.signed: must be a "
     'date like 2026-12-24, not "marzo"'),
    ("promises: #", "promise: #", 'promise: unknown key; did you mean "promises"?'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), SLIPS, ids=[each[2][:50] for each in SLIPS])
def test_a_slip_in_service_yaml_is_told_with_its_remedy(desk: Desk, old: str, new: str, said: str) -> None:
    desk.edit("service", old, new)
    assert f"config/service.yaml: {said}" in desk.problems()


def test_a_service_that_never_opens(desk: Desk) -> None:
    text = desk.path("service").read_text(encoding="utf-8")
    desk.write("service", text.replace('["09:00-18:00"]', "[]"))
    assert desk.problems()[0] == (
        "config/service.yaml: hours: every day is closed, so no caller could reach an operator; open at least one day"
    )


def test_more_seats_than_operators_is_a_warning(desk: Desk) -> None:
    desk.edit("service", "operators: 24", "operators: 8")
    assert desk.problems("warning") == [
        "config/service.yaml: queue.operators: fewer than the 12 seats, so some seats stay empty"
    ]


def test_survey_slips(desk: Desk) -> None:
    desk.edit("survey", "code: courtesy", "code: solved")
    desk.edit("survey", 'keys: "12345"', 'keys: "11"')
    desk.edit("survey", "[survey-thanks]", "[survey-thank]")
    assert desk.problems() == [
        'config/survey.yaml: questions[0].keys: "1" is written twice; write each key once',
        'config/survey.yaml: questions[1].code: "solved" is the code of an earlier question; choose another',
        'config/survey.yaml: thanks[0]: no prompt "survey-thank" in prompts.yaml; did you mean "survey-thanks"?',
    ]


def test_announced_hours_that_are_not_the_real_ones(desk: Desk) -> None:
    desk.edit("service", 'friday: ["09:00-18:00"]', 'friday: ["09:00-13:00"]')
    desk.edit("service", "saturday: []", 'saturday: ["09:00-12:00"]')
    said = [each for each in desk.problems() if "fallback-closed" in each]
    assert said == [
        "config/prompts.yaml: prompts.fallback-closed.announces_hours: friday: announces 09:00-18:00, but service.yaml has "
        "09:00-13:00; change the text and this line, or service.yaml",
        "config/prompts.yaml: prompts.fallback-closed.announces_hours: saturday: announces closed, but service.yaml has "
        "09:00-12:00; change the text and this line, or service.yaml",
    ]


def test_prompts_without_words_or_sound(desk: Desk) -> None:
    os.remove(desk.places.audio)
    desk.write(
        "prompts",
        desk.path("prompts").read_text(encoding="utf-8")
        + '  vuoto:\n    text: "  "\n  sbagliato:\n    text: "Aperto"\n    announces_hours: "mon-fry 9-18"\n',
    )
    assert desk.problems() == [
        "config/prompts.yaml: prompts.vuoto.text: empty; write what callers hear",
        "config/prompts.yaml: prompts.sbagliato.announces_hours: 'fry' is not a weekday; write \"mon-fri 09:00-18:00\"",
    ]
    count = len(yaml.safe_load(desk.path("prompts").read_bytes())["prompts"])
    assert desk.problems("warning") == [
        f"config/prompts.yaml: prompts: {count} prompts have no audio: welcome, recording-notice, topics, no-input, "
        "wrong-input, ...; run `ivr prompts synthesise`"
    ]


def test_announced_weeks_are_read() -> None:
    week = parse_week("mon-thu 09:00-13:00 14:00-18:00, Friday 09:00-13:00")
    assert week["tuesday"] == [(540, 780), (840, 1080)] and week["friday"] == [(540, 780)] and week["sunday"] == []
    for wrong in ("", "fri-mon 09:00-18:00", "mon", "mo 09:00-18:00", "mon-fri 9-18", "mon-fri 09:00-18:00,"):
        with pytest.raises(ValueError, match=r"write|is not"):
            parse_week(wrong)


# --- never a crash ---------------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(),
    st.sampled_from(["09:00-18:00", "queue", "1", "ask", 10**400, "x" * 5000]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(scalars.filter(lambda key: key == key), inner, max_size=3)
    ),
    max_leaves=8,
)
SHIPPED = {name: yaml.safe_load(Path(Places().config, f"{name}.yaml").read_bytes()) for name in FILES}
# the catalogue is long and all alike: a few entries are enough to spoil
SHIPPED["prompts"] = {"prompts": dict(list(SHIPPED["prompts"]["prompts"].items())[:3])}
TYPES: dict[str, Any] = {"service": Service, "menu": menus.Menu, "survey": Survey, "prompts": Catalogue}


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, Any]:
    """A shipped document with something else in one or two places."""
    name = draw(st.sampled_from(FILES))
    document = json.loads(json.dumps(SHIPPED[name]))
    for _ in range(draw(st.integers(1, 2))):
        here, way = document, []
        while isinstance(here, (dict, list)) and here and draw(st.integers(0, 3)):
            key = draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
            way.append(key)
            here = here[key]
        inside = document
        for key in way[:-1]:
            inside = inside[key]
        if way:
            inside[way[-1]] = draw(values)
    return name, document


def test_a_key_of_nothing_is_no_key() -> None:
    found = list(find_type_errors({**SHIPPED["service"], "holidays": {None: None}}, TYPES["service"]))
    assert [(path, message.partition(";")[0]) for path, message in found] == [
        ("holidays.nothing (null)", "unknown key")
    ]


@given(spoiled())
@settings(max_examples=200)
def test_whatever_is_written_is_told_or_taken_never_a_crash(found: tuple[str, Any]) -> None:
    name, document = found
    said = list(find_type_errors(document, TYPES[name]))
    if not said:
        converted = msgspec.convert(document, TYPES[name])  # what `compare` lets pass, msgspec takes
        if isinstance(converted, menus.Menu):
            assert all(len(each) == 3 for each in menus.check(converted))
    for path, message in said:
        assert message and len(message) < 1000 and (path + message).isprintable()


@given(st.binary(max_size=200) | st.text("ab:&*[]{}-?!|>%@`\"'\n \t<1", max_size=60).map(str.encode))
@settings(max_examples=300)
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    try:
        parse(raw)
    except Unreadable as problem:
        assert str(problem) and "\n" not in str(problem)


@given(values, st.sampled_from(list(TYPES)))
def test_compare_agrees_with_msgspec(value: Any, name: str) -> None:
    try:
        msgspec.convert(value, TYPES[name])
    except (msgspec.ValidationError, OverflowError):
        assert list(find_type_errors(value, TYPES[name]))


# --- compiling -------------------------------------------------------------------------------------------------------


def test_compiled_document_has_exactly_the_fields_of_its_types(desk: Desk) -> None:
    desk.edit("service", CLOSURES, "extra_closures: [{first: 2026-12-24, last: 2026-12-24, reason: Chiusura}]")
    service.compile(desk.places)
    document = runtime.load(desk.places.compiled)
    conforms(document, compiled_types.Compiled, "")
    kinds = {node["kind"] for node in document["menu"]["nodes"].values()}
    assert kinds >= {"hours", "play", "notice", "ask", "inform", "queue", "message", "hangup"}


def conforms(value: Any, wanted: Any, where: str) -> None:
    """Check that a value is what a type says; of a TypedDict, with exactly its keys."""
    if wanted == compiled_types.Node:
        wanted = next(each for each in get_args(wanted) if get_args(get_type_hints(each)["kind"]) == (value["kind"],))
    elif wanted == compiled_types.Prompt:
        wanted = compiled_types.SayToken if isinstance(value, dict) else str
    if is_typeddict(wanted):
        types = get_type_hints(wanted)
        assert set(value) == set(types), where
        for key, item in value.items():
            conforms(item, types[key], f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            conforms(item, get_args(wanted)[0], f"{where}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            conforms(item, get_args(wanted)[1], f"{where}.{key}")
    else:
        msgspec.convert(value, wanted)


def test_compiling_writes_one_file_that_everybody_may_read_and_nothing_else(desk: Desk) -> None:
    service.compile(desk.places)
    assert os.listdir(desk.places.var) == ["compiled.json"]
    assert stat.S_IMODE(os.stat(desk.places.compiled).st_mode) == 0o644
    document = runtime.load(desk.places.compiled)
    assert document["paths"]["socket"] == desk.places.socket
    assert document["paths"]["facts"] == desk.places.facts
    assert OpeningHours.of(document["service"]).is_open(1795424400.0)  # 2026-11-23 10:00 in Rome


def test_the_revision_changes_with_the_content_and_only_with_it(desk: Desk, tmp_path: Path) -> None:
    first = service.compile(desk.places)["revision"]
    assert service.compile(desk.places)["revision"] == first
    elsewhere = Places(config=desk.places.config, var=str(tmp_path / "other"))
    assert service.compile(elsewhere)["revision"] == first
    desk.edit("service", "longest_wait: 600", "longest_wait: 601")
    assert service.compile(desk.places)["revision"] != first


def test_defaults_are_filled_in(desk: Desk) -> None:
    desk.edit("menu", "    wait_seconds: 5\n    attempts: 3\n", "")
    desk.edit("service", "survey:\n  offered: true\n", "")
    desk.edit("service", "  third_level: false", "  {}")
    document = service.compile(desk.places)
    node = document["menu"]["nodes"]["argomenti"]
    assert node["kind"] == "ask" and (node["wait_seconds"], node["attempts"]) == (5, 3)
    assert document["service"]["survey"] == {"offered": True}
    assert document["service"]["registry"] == {"third_level": False}


def test_seconds_come_from_the_audio_or_else_from_the_words(desk: Desk) -> None:
    os.remove(desk.places.audio)
    os.mkdir(desk.places.audio)
    Path(desk.places.audio, "welcome.alaw").write_bytes(b"\xd5" * 20_000)
    Path(desk.places.audio, "topics.alaw").write_bytes(b"")
    sheets = service.compile(desk.places)["prompts"]
    assert sheets["welcome"]["seconds"] == 2.5
    assert math.isclose(sheets["topics"]["seconds"], len(sheets["topics"]["text"]) / 14, abs_tol=0.001)


def test_a_configuration_with_errors_is_not_compiled_and_the_old_one_stays(desk: Desk) -> None:
    service.compile(desk.places)
    before = Path(desk.places.compiled).read_bytes()
    desk.edit("menu", "start: orario", "start: orari")
    desk.edit("service", "seats: 12", "seats: 0")
    with pytest.raises(service.ConfigurationError) as caught:
        service.compile(desk.places)
    assert len(caught.value.problems) == len(str(caught.value).splitlines()) == 2
    assert Path(desk.places.compiled).read_bytes() == before


def test_a_failed_write_leaves_no_debris(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    service.compile(desk.places)
    before = Path(desk.places.compiled).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        service.compile(desk.places)
    assert os.listdir(desk.places.var) == ["compiled.json"]
    assert Path(desk.places.compiled).read_bytes() == before


def test_dates_may_be_quoted_or_not(desk: Desk) -> None:
    desk.edit("service", CLOSURES, 'extra_closures: [{first: "2026-12-24", last: 2026-12-24, reason: x}]')
    closure = service.load(desk.places).service.holidays.extra_closures[0]
    assert closure.first == closure.last == datetime.date(2026, 12, 24)


def test_examine_accepts_values_that_are_not_in_the_files() -> None:
    def fewer(name: str, value: Any) -> Any:
        return {**value, "queue": {**value["queue"], "seats": 0}} if name == "service" else value

    configuration, problems = service.examine(Places(), fewer)
    assert configuration is None
    assert [each.path for each in problems] == ["queue.seats"]
    unchanged, _ = service.examine(Places())
    assert unchanged is not None
    assert unchanged.service.queue.seats == 12
