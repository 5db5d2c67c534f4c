"""Differences between a value and its type that no file of the configuration shows: limits and choices."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from common.type_errors import find_type_errors


class Sheet(Struct):
    above: Annotated[float, Meta(gt=0, lt=1, description="a number between 0 and 1")] = 0.5
    days: list[Annotated[int, Meta(ge=1)]] | None = None
    names: dict[str, int] | None = None
    free: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"above": 0.2, "days": [1], "names": {"a": 1}, "free": {"any": [{"thing": None}]}}, []),
        ({"days": None, "names": None}, []),
        ({"above": 0}, [("above", "must be a number between 0 and 1, not 0")]),
        ({"above": 1}, [("above", "must be a number between 0 and 1, not 1")]),
        ({"days": [1, 0]}, [("days[1]", "must be a whole number of at least 1, not 0")]),
        ({"names": {"a": "x"}}, [("names.a", 'must be a whole number, not "x"')]),
        ({"days": "x"}, [("days", 'must be a list or null, not "x"')]),
    ],
)
def test_every_difference_is_found(value: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    assert list(find_type_errors(value, Sheet)) == problems
