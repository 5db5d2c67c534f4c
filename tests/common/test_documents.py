"""Reading YAML. How the errors of `config/` read is in tests/ivr/configuration/test_service.py."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from common.documents import LARGEST, MOST_VALUES, Problem, Unreadable, parse, read


def test_yaml_becomes_plain_values() -> None:
    assert parse(b"a: 1\nb: [x, 2.5, true, ~]\nc: 2026-12-24\n") == {
        "a": 1,
        "b": ["x", 2.5, True, None],
        "c": date(2026, 12, 24),
    }
    assert parse(b"") is None


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
