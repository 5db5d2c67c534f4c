"""Text from outside: stored verbatim, or refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.command_line import Refusal
from registry import text_input


@given(st.text())
def test_a_text_is_stored_verbatim_or_refused_in_a_printable_line(said: str) -> None:
    for check in (text_input.check_text, text_input.check_line):
        try:
            kept = check(said, "note")
        except Refusal as problem:
            assert str(problem).startswith("note: ") and str(problem).isprintable()
        else:
            assert kept == said if check is text_input.check_text else kept == said.strip()
            assert "\x00" not in kept
            kept.encode()


@given(st.text(max_size=100))
def test_a_code_is_ascii_or_refused(said: str) -> None:
    for check in (lambda: text_input.check_code(said, "call"), lambda: text_input.check_actor(said)):
        try:
            assert check().isascii()
        except Refusal as problem:
            assert str(problem).isprintable() and len(str(problem)) < 500


def test_a_text_over_the_limit_is_refused() -> None:
    assert text_input.check_text("x" * text_input.LONGEST_TEXT, "note") == "x" * text_input.LONGEST_TEXT
    with pytest.raises(Refusal, match="note: 4001 characters; shorten it to 4000"):
        text_input.check_text("x" * (text_input.LONGEST_TEXT + 1), "note")


@pytest.mark.parametrize("said", ["op1", "op117", "op999999", "ivr", "intake", "clock", "mailer"])
def test_operator_codes_and_programs_are_actors(said: str) -> None:
    assert text_input.check_actor(said) == said


@pytest.mark.parametrize("said", ["", "op", "op1234567", "OP117", "117", "anna", "op117 ", "op١", "root", "op117\n"])
def test_other_names_are_not_actors(said: str) -> None:
    with pytest.raises(Refusal, match="never a name"):
        text_input.check_actor(said)
