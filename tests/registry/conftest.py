"""A database for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.database import Database
from registry.schema import metadata


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Empty, with all its tables."""
    made = Database(f"sqlite:///{tmp_path}/registry.db")
    with made.begin() as connection:
        metadata.create_all(connection)
    yield made
    made.close()
