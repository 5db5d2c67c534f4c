"""Hints for misspelt names in error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "topics"?` when a known word is close, else ""."""
    close = difflib.get_close_matches(word[:60], list(known), 1, 0.7)
    return f'; did you mean "{close[0]}"?' if close else ""
