"""The tables of the registry, on SQLite."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.db.connection import Database
from tests.registry import sqlite


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables, to copy."""
    return sqlite.create(tmp_path_factory.mktemp("measure"))


@pytest.fixture
def database(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database, in the environment for commands as well."""
    path = tmp_path / "registry.db"
    shutil.copy(tables, path)
    monkeypatch.setenv("NUL_DATABASE", f"sqlite:///{path}")
    made = Database(f"sqlite:///{path}")
    yield made
    made.close()
