"""SQLite databases for tests: one file with all tables, copied for each test."""

from __future__ import annotations

from pathlib import Path

from registry.db.connection import Database
from registry.db.migrations import upgrade


def create(folder: Path) -> Path:
    """A database file with all tables, to copy."""
    path = folder / "registry.db"
    database = Database(f"sqlite:///{path}")
    with database.begin() as connection:
        upgrade(connection)
    database.close()
    return path
