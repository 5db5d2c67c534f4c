"""Hints for misspelt names."""

from __future__ import annotations

import pytest

from common.suggestions import did_you_mean

KNOWN = ("topics", "welcome", "queue")


@pytest.mark.parametrize(("word", "hint"), [("topcs", '; did you mean "topics"?'), ("xyz", ""), ("", "")])
def test_only_a_close_word_is_suggested(word: str, hint: str) -> None:
    assert did_you_mean(word, KNOWN) == hint


def test_a_huge_word_takes_no_time() -> None:
    assert did_you_mean("x" * 10**6, KNOWN) == ""
