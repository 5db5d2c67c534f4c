"""What commands print for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.terminal_table import format_age, printable, table_lines


@given(st.text())
def test_outside_text_cannot_steer_a_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_readable_text_stays_unchanged() -> None:
    assert printable("Perché 👍 <b>'; DROP TABLE") == "Perché 👍 <b>'; DROP TABLE"
    assert printable("\x1b[2J\u202e\x00") == "<1b>[2J<202e><00>"


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    assert table_lines(("A", "B"), [("one", "x"), ("2", "a\nb")]) == ["A    B", "one  x", "2    a<0a>b"]


@pytest.mark.parametrize(("seconds", "said"), [(-5, "0 min"), (59, "0 min"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")])
def test_waiting_times_in_the_two_largest_units(seconds: float, said: str) -> None:
    assert format_age(seconds) == said
