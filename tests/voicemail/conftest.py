"""A registry with a message store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.configuration.compiled import Compiled
from registry.db.connection import Database
from tests.registry.conftest import database, postgresql, sqlite, sqlite_file
from tests.voicemail.work import Work

__all__ = ["database", "postgresql", "sqlite", "sqlite_file"]


@pytest.fixture
def work(database: Database, compiled: Compiled, tmp_path: Path) -> Work:
    return Work(database, compiled, tmp_path)


@pytest.fixture
def desk_work(sqlite: Database, compiled: Compiled, tmp_path: Path) -> Work:
    """On SQLite only, for tests that do not depend on the database."""
    return Work(sqlite, compiled, tmp_path)
