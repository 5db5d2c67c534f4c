"""`registry restore FILE`: replace the database with a backup. First stop the programs that have it open."""

from __future__ import annotations

import argparse
import os
import time

from common.places import Places
from registry.db import backups
from registry.db.connection import Database, database_url


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file that `registry backup` wrote")
    parser.add_argument(
        "--identity", metavar="FILE", default=os.environ.get("NUL_BACKUP_IDENTITY"),
        help="the private key of an encrypted backup (age; default: $NUL_BACKUP_IDENTITY)",
    )  # fmt: skip
    parser.add_argument("--programs", metavar="DIR", help="where pg_restore is, if not on the PATH (PostgreSQL only)")


def run(options: argparse.Namespace, places: Places) -> int:
    database = Database(database_url(places))
    replaced = backups.restore(database, options.file, time.time(), options.programs, identity=options.identity)
    print(f"restored: {database.name}" + (f"; the replaced file is {replaced}" if replaced else ""))
    print("`registry intake --again DAY` takes in the facts of calls since the backup")
    return 0
