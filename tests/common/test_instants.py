"""Instants as ISO 8601, typed times, deadlines by their last day."""

from __future__ import annotations

import math

import pytest

from common import instants
from tests.conftest import rome


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T01:00:00+01:00"),
        (rome("2026-07-01 09:00"), "2026-07-01T09:00:00+02:00"),
        (rome("2026-11-24 10:02") + 0.25, "2026-11-24T10:02:00.250+01:00"),
        (None, None),
        (math.inf, None),
    ],
)
def test_instants_are_iso_8601_in_local_time(at: float | None, text: str | None) -> None:
    assert instants.iso(at) == text


def test_a_document_has_no_epoch_seconds() -> None:
    at = rome("2026-11-24 10:00")
    document = {"at": at, "left_at": int(at), "seconds": 3.0, "closed_at": None, "held": [{"since": at, "what": "x"}]}
    text = "2026-11-24T10:00:00+01:00"
    assert instants.with_iso_times(document) == {
        "at": text, "left_at": text, "seconds": 3.0, "closed_at": None, "held": [{"since": text, "what": "x"}],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["2026-11-24 10:00", "2026-11-24T10:00:00+01:00", "2026-11-24T09:00Z"])
def test_typed_times_are_local_unless_they_have_an_offset(text: str) -> None:
    assert instants.parse(text) == rome("2026-11-24 10:00")


def test_a_day_alone_is_its_beginning() -> None:
    assert instants.parse("2026-11-24") == rome("2026-11-24 00:00")


@pytest.mark.parametrize("text", ["", "yesterday", "24/11/2026", "2026-13-01", "1795510800"])
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(ValueError):
        instants.parse(text)


@pytest.mark.parametrize(
    ("due", "text", "day"),
    [
        ("2026-11-15 00:00", "by Sat 14 Nov 2026", "2026-11-14"),
        ("2026-11-14 23:59", "Sat 14 Nov 2026 23:59", "2026-11-14"),
        ("2026-11-15 00:01", "Sun 15 Nov 2026 00:01", "2026-11-15"),
    ],
)
def test_a_deadline_at_midnight_is_named_by_the_day_that_it_ends(due: str, text: str, day: str) -> None:
    assert instants.deadline(rome(due)) == text
    assert instants.last_day(rome(due)).isoformat() == day


def test_a_deadline_that_never_comes() -> None:
    assert instants.deadline(math.inf) == "never"
