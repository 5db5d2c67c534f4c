"""The program's own threshold is restored, whichever thread leaves last."""

from __future__ import annotations

import gc
from contextlib import ExitStack

import pytest

from common.garbage_collection import MANY, reduced_garbage_collection


def test_collections_are_less_frequent_inside() -> None:
    own = gc.get_threshold()
    with pytest.raises(ValueError, match="inside"), reduced_garbage_collection():
        assert gc.get_threshold() == (MANY, *own[1:])
        raise ValueError("inside")
    assert gc.get_threshold() == own


def test_threads_that_overlap_leave_in_any_order() -> None:
    own = gc.get_threshold()
    one, other = ExitStack(), ExitStack()
    one.enter_context(reduced_garbage_collection())
    other.enter_context(reduced_garbage_collection())
    one.close()
    assert gc.get_threshold()[0] == MANY
    other.close()
    assert gc.get_threshold() == own
