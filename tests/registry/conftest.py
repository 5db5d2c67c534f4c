"""Databases for tests. A test with the fixture `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.configuration.compiled import Compiled
from registry.db.connection import Database
from tests.registry import postgres
from tests.registry.request_steps import Desk
from tests.registry.sqlite import create


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all its tables, to copy."""
    return create(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_file: Path) -> Iterator[Database]:
    """An empty SQLite database with all its tables."""
    path = tmp_path / "registry.db"
    shutil.copy(sqlite_file, path)
    made = Database(f"sqlite:///{path}")
    yield made
    made.close()


@pytest.fixture
def postgresql() -> Iterator[Database]:
    """An empty PostgreSQL database with all its tables."""
    made = postgres.with_tables()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database with all its tables, as the migrations make them."""
    made: Database = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def desk(database: Database, shipped: Compiled) -> Desk:
    """Short steps on requests, with the shipped configuration."""
    return Desk(database, shipped)
