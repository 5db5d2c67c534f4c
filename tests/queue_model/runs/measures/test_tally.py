"""The counts behind the measures are the same compiled and not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_model.runs.measures import tally, tally_plain
from queue_model.simulation import kernel
from queue_model.simulation.records import Outcome, Records
from tests.queue_model.example_inputs import full_days


@pytest.fixture(scope="module")
def record() -> Records:
    found = kernel.simulate(full_days(20, 4))
    found.calls["wait"][::50] = np.nan  # never answered
    return found


@pytest.mark.parametrize("groups", [1, 7])
def test_classes(record: Records, groups: int) -> None:
    group = np.arange(len(record.calls)) % groups if groups > 1 else None
    asked = (record.calls, group, groups, 20.0, 5.0, 1e6)
    mine, theirs = tally.classes(*asked), tally_plain.classes(*asked)
    for one, other in zip(mine, theirs, strict=True):
        assert one.shape == (groups, len(Outcome), 2, 2)
        assert np.array_equal(one, other)
    assert mine[0].sum() == len(record.calls)


@pytest.mark.parametrize("which", [0, 1 << Outcome.ANSWERED, (1 << len(Outcome)) - 1])
def test_waits(record: Records, which: int) -> None:
    mine = tally.waits(record.calls, which, 1e6)
    assert np.array_equal(mine, tally_plain.waits(record.calls, which, 1e6))
    assert (mine > 0).all()
    assert len(mine) > 0 or not which


@given(
    st.lists(st.floats(5e-324, 1e300) | st.sampled_from([20.0, 180.0, 2.0**-8, 2.0**24]), min_size=1, max_size=200),
    st.data(),
)
def test_ordered(values: list[float], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=4))
    wanted = [sorted(values)[place] for place in places]
    assert tally.ordered(np.array(values), places) == wanted
    assert tally_plain.ordered(np.array(values), places) == wanted


def test_ordered_waits(record: Records) -> None:
    some = tally.waits(record.calls, (1 << len(Outcome)) - 1, 1e6)
    places = [0, len(some) // 2, len(some) * 9 // 10, len(some) - 1]
    assert tally.ordered(some, places) == tally_plain.ordered(some, places) == np.sort(some)[places].tolist()


@pytest.mark.parametrize("start", [0.0, 3 * 86400.0])
def test_spent(record: Records, start: float) -> None:
    assert np.array_equal(tally.spent(record.work, start), tally_plain.spent(record.work, start))


def test_no_rows(record: Records) -> None:
    none, idle = record.calls[:0], record.work[:0]
    for maker in (tally, tally_plain):
        assert [each.sum() for each in maker.classes(none, None, 1, 20.0, 5.0, 1.0)] == [0, 0, 0]
        assert len(maker.waits(none, 1, 1.0)) == 0
        assert maker.spent(idle, 0.0).sum() == 0
