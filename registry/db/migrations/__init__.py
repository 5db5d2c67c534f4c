"""How the tables came to be, step by step: each revision is a file of `versions/`, run by Alembic.

`state` and `check` know a database's revision without Alembic, which takes longer to import than most commands to run.
The tables themselves stand in `registry.db.schema`; the first revision is drawn from them (`python -m
registry.db.migrations`), those after it are written by hand.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, inspect, text

from common.places import Places
from registry.db.connection import Database, DatabaseError, address

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = os.path.dirname(os.path.abspath(__file__))
FILE = re.compile(r"(\d{4})_\w+\.py")

State = Literal["none", "older", "current", "newer"]


def revisions() -> list[str]:
    """The revisions that this program knows, the oldest first."""
    names = (FILE.fullmatch(name) for name in os.listdir(os.path.join(FOLDER, "versions")))
    return sorted(match[1] for match in names if match)


def revision(connection: Connection) -> str | None:
    """The revision of a database; None when there is no registry in it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def state(connection: Connection) -> State:
    known, found = revisions(), revision(connection)
    if found is None:
        return "none"
    if found not in known:
        return "newer"
    return "current" if found == known[-1] else "older"


def opened(places: Places) -> Database:
    """The database of a site. Raises `DatabaseError`, with the remedy, unless its tables are those that we know."""
    found = Database(address(places))
    check(found)
    return found


def check(database: Database, *, older: bool = False) -> None:
    """Raises `DatabaseError`, with the remedy, unless the tables are those of this program, or of an `older` one."""
    if database.file and not os.path.exists(database.file):  # to look would make an empty one
        raise DatabaseError(f"{database.name}: not there; make the registry with `registry init`")
    with database.read() as connection:
        found = state(connection)
    if found == "none":
        raise DatabaseError(f"{database.name}: holds no registry; make one with `registry init`")
    if found == "older" and not older:
        raise DatabaseError(f"{database.name}: its tables are older than this program; run `registry migrate`")
    if found == "newer":
        raise DatabaseError(newer(database))


def newer(database: Database) -> str:
    return (
        f"{database.name}: its tables are newer than this program, which would not understand them; "
        "use the program that made them, or `registry restore` a backup of before"
    )


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, in the transaction that is under way."""
    from alembic import command

    command.upgrade(config(connection), "head")


def config(connection: Connection) -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", FOLDER.replace("%", "%%"))
    made.attributes["connection"] = connection
    return made
