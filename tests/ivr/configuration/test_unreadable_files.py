"""Files of config/ that cannot be read or have another form."""

# ruff: noqa: E501 - messages are written here as they are shown, in one line

from __future__ import annotations

import os

import pytest

from common.documents import MOST_VALUES, Unreadable, parse
from common.type_errors import find_type_errors
from ivr.configuration.settings import Survey
from tests.ivr.edited_config import FILES, EditedConfig

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
def test_a_file_that_cannot_be_read_says_why(name: str, config: EditedConfig) -> None:
    content, said = UNREADABLE[name]
    config.write("service", content)
    assert f"config/service.yaml: {said}" in config.problems()


def test_a_number_of_thousands_of_digits(config: EditedConfig) -> None:
    config.edit("service", "seats: 12", "seats: " + "9" * 5000)
    assert config.problems()[0].endswith(": a number of 5000 digits; write a smaller one")
    with pytest.raises(Unreadable):
        parse(b"a: " + b"9" * 5000)
    assert parse(b"a: 0x" + b"f" * 2000)["a"] == "0x" + "f" * 2000
    assert next(find_type_errors({"version": 10**2000}, Survey)) == (
        "version", "must be a whole number from 1 to 1000000, not a number of hundreds of digits"
    )  # fmt: skip


def test_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\r\nb: due\r\n") == {"a": 1, "b": "due"}


def test_ordinary_anchors_are_allowed() -> None:
    assert parse(b"a: &x [1, 2]\nb: *x\nc: {<<: {d: 1}, e: 2}\n") == {"a": [1, 2], "b": [1, 2], "c": {"d": 1, "e": 2}}
    assert MOST_VALUES > 10_000


def test_a_missing_and_an_unreadable_file(config: EditedConfig) -> None:
    os.remove(config.path("menu"))
    os.remove(config.path("survey"))
    os.mkdir(config.path("survey"))
    assert config.problems() == [
        "config/menu.yaml: not there; put it beside the other files of the configuration",
        "config/survey.yaml: cannot be read: Is a directory; this is a folder, and must be a file",
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", ["", "5", "[]", "text", "{}", "null", "- a: 1"])
def test_a_file_of_another_form(config: EditedConfig, name: str, content: str) -> None:
    config.write(name, content)
    said = config.problems()
    assert said and all(each.startswith(f"config/{name}.yaml: ") for each in said)
    assert "must be a mapping with" in said[0] or "missing; write" in said[0]
