"""Words from outside: kept as they came, or refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.cli import Refusal
from registry import words


@given(st.text())
def test_a_text_is_kept_verbatim_or_refused_in_a_harmless_line(said: str) -> None:
    for check in (words.text, words.line):
        try:
            kept = check(said, "note")
        except Refusal as problem:
            assert str(problem).startswith("note: ") and str(problem).isprintable()
        else:
            assert kept == said if check is words.text else kept == said.strip()
            assert "\x00" not in kept
            kept.encode()


@given(st.text(max_size=100))
def test_a_code_is_ascii_or_refused(said: str) -> None:
    for check in (lambda: words.code(said, "call"), lambda: words.actor(said)):
        try:
            assert check().isascii()
        except Refusal as problem:
            assert str(problem).isprintable() and len(str(problem)) < 500


def test_the_longest_text_that_is_kept() -> None:
    assert words.text("x" * words.MOST, "note") == "x" * words.MOST
    with pytest.raises(Refusal, match="note: 4001 characters; the longest has 4000"):
        words.text("x" * (words.MOST + 1), "note")


@pytest.mark.parametrize("said", ["op1", "op117", "op999999", "ivr", "intake", "clock", "mailer"])
def test_who_acts(said: str) -> None:
    assert words.actor(said) == said


@pytest.mark.parametrize("said", ["", "op", "op1234567", "OP117", "117", "anna", "op117 ", "op١", "root", "op117\n"])
def test_who_does_not(said: str) -> None:
    with pytest.raises(Refusal, match="never a name"):
        words.actor(said)
