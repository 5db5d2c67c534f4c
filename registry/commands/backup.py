"""`registry backup FILE`: a whole, checked copy, while others go on working. The keys are not in it."""

from __future__ import annotations

import argparse

from ivr.places import Places
from registry import backups, keys
from registry.database import Database, address


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file")
    parser.add_argument("--programs", metavar="DIR", help="where pg_dump is, if not on the PATH (PostgreSQL only)")


def run(options: argparse.Namespace, places: Places) -> int:
    database = Database(address(places))
    backups.backup(database, options.file, options.programs)
    print(f"backup: {options.file}; the keys are not in it, keep a copy of {keys.path(places)} apart")
    return 0
