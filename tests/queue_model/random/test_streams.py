"""Random numbers in places of their own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.random.streams import Streams, places

KINDS = ["uniform", "exponential", "normal", "gamma 2.5"]


@given(st.sampled_from(KINDS), st.integers(1, 5), st.integers(1, 700), st.integers(1, 9), st.integers(1, 900))
def test_a_value_does_not_depend_on_how_many_are_asked_for(
    kind: str, days: int, count: int, more_days: int, more: int
) -> None:
    small = Streams(3).table("x", kind, days, count)
    large = Streams(3).table("x", kind, days + more_days, count + more)
    assert small.shape == (days, count)
    assert np.array_equal(small, large[: small.shape[0], : small.shape[1]])


@pytest.mark.parametrize("kind", KINDS)
def test_seed_name_and_replication_each_make_other_numbers(kind: str) -> None:
    tables = [
        Streams(3).table("x", kind, 2, 50),
        Streams(4).table("x", kind, 2, 50),
        Streams(3, 1).table("x", kind, 2, 50),
        Streams(3).table("y", kind, 2, 50),
    ]
    firsts = {table[0, 0] for table in tables}
    assert len(firsts) == 4
    assert len(np.unique(tables[0])) == tables[0].size


def test_the_same_call_gives_the_same_bytes() -> None:
    assert Streams(9, 4).table("a", "normal", 3, 40).tobytes() == Streams(9, 4).table("a", "normal", 3, 40).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_does_not_depend_on_other_requested_values(kind: str) -> None:
    day, number = np.divmod(np.arange(5_000), 50)
    where = places(day, number)
    some = np.random.default_rng(1).choice(5_000, 300, replace=False)
    assert np.array_equal(Streams(3).at("x", kind, where)[some], Streams(3).at("x", kind, where[some]))
    assert np.array_equal(Streams(3).at("x", kind, where).reshape(100, 50), Streams(3).table("x", kind, 100, 50))


def test_numbers_of_different_days_and_places_are_unrelated() -> None:
    table = Streams(1).table("x", "uniform", 400, 64)[:, :64]
    assert abs(np.corrcoef(table[:, 0], table[:, 1])[0, 1]) < 0.2
    assert table.mean(axis=0) == pytest.approx(0.5, abs=0.08)
