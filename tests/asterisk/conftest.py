"""Houses for the tests on a real Asterisk: one with operators for most tests; others are built where needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.asterisk.house import House, house


@pytest.fixture(scope="session")
def open_house() -> Iterator[House]:
    """Tuesday, ten o'clock, two operators at their seats."""
    with house(operators=2) as built:
        yield built
