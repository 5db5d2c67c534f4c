"""`registry restore FILE`: a copy takes the place of the database. Stop first whoever has it open."""

from __future__ import annotations

import argparse
import time

from common.places import Places
from registry.db import backups
from registry.db.connection import Database, address


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what `registry backup` has written")
    parser.add_argument("--programs", metavar="DIR", help="where pg_restore is, if not on the PATH (PostgreSQL only)")


def run(options: argparse.Namespace, places: Places) -> int:
    database = Database(address(places))
    aside = backups.restore(database, options.file, time.time(), options.programs)
    print(f"restored: {database.name}" + (f"; what was there is {aside}" if aside else ""))
    print("the facts of the calls since then come back with `registry intake --again`")
    return 0
