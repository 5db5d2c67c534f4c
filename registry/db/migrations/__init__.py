"""The migrations of the database: each revision is a file of `versions/`, run by Alembic.

`state` and `check_revision` do without Alembic, which takes longer to import than most commands to run. The tables are
declared in `registry.db.schema` and in the `tables.py` of higher packages, which are found by the entry-point group
`registry.tables`. The first revision is generated from them (`python -m registry.db.migrations`), later ones are
written by hand.
"""

from __future__ import annotations

import importlib
import os
import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, MetaData, inspect, text

from common.places import Places
from registry.db.connection import Database, DatabaseError, database_url

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = os.path.dirname(os.path.abspath(__file__))
GROUP = "registry.tables"
FILE = re.compile(r"(\d{4})_\w+\.py")

State = Literal["none", "older", "current", "newer"]


def all_tables() -> MetaData:
    """Import the tables of every installed package; return the metadata with all of them."""
    from registry.db.metadata import metadata

    importlib.import_module("registry.db.schema")
    for point in entry_points(group=GROUP):
        point.load()
    return metadata


def revisions() -> list[str]:
    """Return the revisions that this program knows, the oldest first."""
    names = (FILE.fullmatch(name) for name in os.listdir(os.path.join(FOLDER, "versions")))
    return sorted(match[1] for match in names if match)


def revision(connection: Connection) -> str | None:
    """Return the revision of a database; None when it holds no registry."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return current


def state(connection: Connection) -> State:
    known, current = revisions(), revision(connection)
    if current is None:
        return "none"
    if current not in known:
        return "newer"
    return "current" if current == known[-1] else "older"


def open_database(places: Places) -> Database:
    """Return the database of a site. Raises `DatabaseError` unless its tables have this program's revision."""
    database = Database(database_url(places))
    check_revision(database)
    return database


def check_revision(database: Database, *, older: bool = False) -> None:
    """Raises `DatabaseError` unless the tables have this program's revision, or with `older` an older one."""
    if database.file and not os.path.exists(database.file):  # connecting would create an empty one
        raise DatabaseError(f"{database.name}: no such file; create the registry with `registry init`")
    with database.read() as connection:
        current = state(connection)
    if current == "none":
        raise DatabaseError(f"{database.name}: holds no registry; create one with `registry init`")
    if current == "older" and not older:
        raise DatabaseError(f"{database.name}: its tables are older than this program; run `registry migrate`")
    if current == "newer":
        raise DatabaseError(newer(database))


def newer(database: Database) -> str:
    """Return the message for tables of a newer program."""
    return (
        f"{database.name}: its tables are newer than this program, which cannot use them; "
        "run the newer program, or `registry restore` a backup made before the migration"
    )


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, in the current transaction."""
    from alembic import command

    command.upgrade(config(connection), "head")


def config(connection: Connection) -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", FOLDER.replace("%", "%%"))
    made.attributes["connection"] = connection
    return made
