"""Reading YAML. How the errors of `config/` read is in tests/ivr/configuration/test_service.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.documents import LARGEST, MOST_VALUES, Problem, Unreadable, parse, read


def test_yaml_becomes_plain_values() -> None:
    assert parse(b"a: 1\nb: [x, 2.5, true, ~]\nc: 2026-12-24\n") == {
        "a": 1,
        "b": ["x", 2.5, True, None],
        "c": date(2026, 12, 24),
    }
    assert parse(b"") is None


@pytest.mark.parametrize(
    "written",
    ["012", "-012", "0o12", "0x1F", "0b11", "1_000", "9:00", "190:20:30", "1:30.5", "NO", "no", "on", "Off", "yes", "y",
     "sì", "2026-12-24 10:00:00", "2026-12-24T10:00:00Z", "2026-1-5", "+5", "+39800000039", "0800000039", "10.000", "=",
     "1.2.3", "12,5"],
)  # fmt: skip
def test_the_conversions_of_yaml_1_1_do_not_happen(written: str) -> None:
    value = parse(f"a: {written}\n".encode())["a"]
    assert value == written


@pytest.mark.parametrize(
    ("written", "value"),
    [(".5", 0.5), ("1e3", 1000.0), ("5.", 5.0), ("-1.5E-3", -0.0015), ("0.90", 0.9), ("0", 0), ("-7", -7),
     ("Null", None), ("", None), ("TRUE", True), ("False", False), ("2026-12-24", date(2026, 12, 24)),
     ("!!int 12", 12)],
)  # fmt: skip
def test_what_everybody_reads_alike_is_a_value(written: str, value: object) -> None:
    found = parse(f"a: {written}\n".encode())["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("written", ["!!int 012", "!!int 0x1F", "!!float 1_0", "!!bool yes"])
def test_a_tag_does_not_bring_a_conversion_back(written: str) -> None:
    with pytest.raises(Unreadable, match=r"line 1: .*: not a valid (int|float|bool)"):
        parse(f"a: {written}\n".encode())


@given(st.text("0123456789abeEoOxXnNyYsST._:+-", min_size=1, max_size=8))
@settings(max_examples=500)
def test_a_word_is_read_as_it_is_written(word: str) -> None:
    """A value is the text itself, or the number or date that Python reads in it."""
    try:
        value = parse(f"[{word}]".encode())
    except Unreadable:
        return
    if not isinstance(value, list) or len(value) != 1 or isinstance(value[0], dict):
        return
    [value] = value
    same: dict[type, Callable[[str], object]] = {int: int, float: float, date: date.fromisoformat, str: str}
    assert value is None or value == same[type(value)](word)
    assert type(value) is not int or str(value) == word.replace("-0", "0")


def test_anchors_are_expanded_up_to_a_limit() -> None:
    assert parse(b"a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8))
    with pytest.raises(Unreadable, match="its anchors multiply"):
        parse(f"a0: &a0 x\n{levels}".encode())
    assert MOST_VALUES < 10**7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: &x [*x]\n", "line 1: an anchor contains itself"),
        (b"a: 1\na: 2\n", 'line 2: "a" was already written in line 1'),
        (b"a: 2026-13-45\n", "line 1: 2026-13-45: no such date"),
        (b"a: \xff\n", "line 1: not UTF-8"),
        (b" " * (LARGEST + 1), "larger than 1 MB"),
    ],
)
def test_a_dangerous_or_invalid_file_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(Unreadable) as raised:
        parse(text)
    assert str(raised.value).startswith(message)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not there"):
        read(str(tmp_path / "a.yaml"))
    with pytest.raises(Unreadable, match="cannot be read: Is a directory"):
        read(str(tmp_path))


def test_a_problem_names_file_key_and_message() -> None:
    assert str(Problem("menu.yaml", "nodes.a", "missing")) == "menu.yaml: nodes.a: missing"
    assert str(Problem("menu.yaml", "", "not YAML")) == "menu.yaml: not YAML"
