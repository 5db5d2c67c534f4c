"""Switch logs that are ingested into a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.db.connection import Database
from tests.measure.switch_log import SwitchLog
from tests.registry import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SwitchLog]:
    if request.param == "sqlite":
        yield SwitchLog(tmp_path, request.getfixturevalue("database"))
    else:
        server = postgres.with_tables()
        yield SwitchLog(tmp_path, server)
        server.close()


@pytest.fixture
def plain(tmp_path: Path, database: Database) -> SwitchLog:
    """For tests that depend on the file and not on the database."""
    return SwitchLog(tmp_path, database)
