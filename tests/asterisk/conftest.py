"""Telephone systems on a real Asterisk: one with operators serves most tests; tests start others where needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.asterisk.support.system import System, running_system


@pytest.fixture(scope="session")
def open_system() -> Iterator[System]:
    """Tuesday, ten o'clock, two operators at their seats."""
    with running_system(operators=2) as system:
        yield system
