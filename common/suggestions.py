"""Hints in error messages: the known word that a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "topics"?` when one of the known words is close, else nothing."""
    close = difflib.get_close_matches(word[:60], list(known), 1, 0.7)
    return f'; did you mean "{close[0]}"?' if close else ""
