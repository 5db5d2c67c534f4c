"""Types of command-line options."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import argument_types

KINDS: list[Callable[[str], Any]] = [
    argument_types.day,
    argument_types.positive_integer,
    argument_types.port,
    argument_types.pause,
    argument_types.hours,
]


def test_valid_values_are_converted() -> None:
    assert argument_types.day("2026-11-24") == date(2026, 11, 24)
    assert (argument_types.positive_integer("100"), argument_types.port("0"), argument_types.port("65535")) == (
        100,
        0,
        65535,
    )
    assert (argument_types.pause("0.5"), argument_types.hours("0"), argument_types.hours("24")) == (0.5, 0.0, 24.0)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        *(
            (argument_types.day, text, "is not a day; write it like 2026-11-24")
            for text in ("", "24/11/2026", "2026-02-30")
        ),
        *((argument_types.day, text, "is not a day") for text in ("9999-12-31", "0001-01-01")),
        *(
            (argument_types.positive_integer, text, "is not a whole number")
            for text in ("0", "-1", "1.5", "9" * 20, "٣")
        ),
        *((argument_types.port, text, "is not a port") for text in ("65536", "-1", "http", "²")),
        *(
            (argument_types.pause, text, "is not a pause; give 0.01 to 3600 s")
            for text in ("0", "-1", "nan", "inf", "soon")
        ),
        *((argument_types.hours, text, "is not a number of hours") for text in ("-1", "nan", "inf", "1e9", "a day")),
    ],
)
def test_an_invalid_value_is_refused_with_a_remedy(kind: Callable[[str], Any], text: str, said: str) -> None:
    with pytest.raises(ArgumentTypeError, match=said.replace(".", r"\.")):
        kind(text)


@given(st.text(), st.sampled_from(KINDS))
def test_any_text_is_converted_or_refused_in_one_line(text: str, kind: Callable[[str], Any]) -> None:
    try:
        kind(text)
    except ArgumentTypeError as problem:
        assert len(str(problem)) < 400 and "\n" not in str(problem)
