"""The work of a free operator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.work_assignment import next_work

COUNTS = st.integers(0, 5)


@pytest.mark.parametrize(
    ("calls", "idle", "reserve", "callbacks", "mails", "wanted"),
    [
        (1, 1, 0, 1, 1, "call"),
        (1, 1, 5, 0, 0, "call"),  # the reserve takes calls
        (0, 1, 0, 1, 1, "callback"),  # call-backs before e-mails
        (0, 1, 0, 0, 1, "email"),
        (0, 2, 2, 1, 1, None),  # the reserve is two, including this operator
        (0, 3, 2, 0, 1, "email"),
        (0, 3, 0, 0, 0, None),
    ],
)
def test_the_rule(calls: int, idle: int, reserve: int, callbacks: int, mails: int, wanted: str | None) -> None:
    assert next_work(calls, idle, reserve, callbacks, mails) == wanted


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_only_existing_work_is_assigned_and_the_reserve_is_kept(
    calls: int, idle: int, reserve: int, callbacks: int, mails: int
) -> None:
    work = next_work(calls, idle, reserve, callbacks, mails)
    assert {"call": calls, "callback": callbacks, "email": mails, None: 1}[work] > 0
    assert (work == "call") == (calls > 0)
    if work in ("callback", "email"):
        assert idle - 1 >= reserve
