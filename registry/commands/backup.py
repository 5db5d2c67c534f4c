"""`registry backup FILE`: a whole, checked copy, while others go on working. The keys are not in it."""

from __future__ import annotations

import argparse
import os
import re
import time

from common.command_line import Refusal
from common.places import Places
from registry import keys
from registry.db import backups
from registry.db.connection import Database, address

OURS = re.compile(r"registry-\d{8}T\d{6}Z\.(db|dump)")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file; or a folder, for one that is named by the moment")
    parser.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="in a folder: remove the oldest such copies, but for the last N",
    )
    parser.add_argument("--programs", metavar="DIR", help="where pg_dump is, if not on the PATH (PostgreSQL only)")


def run(options: argparse.Namespace, places: Places) -> int:
    folder = options.file if os.path.isdir(options.file) else None
    if options.keep is not None and (options.keep < 1 or folder is None):
        raise Refusal("--keep: of at least one copy, in a folder that is there")
    database = Database(address(places))
    path = options.file
    if folder:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        path = os.path.join(folder, f"registry-{stamp}.{'db' if database.sqlite else 'dump'}")
    backups.backup(database, path, options.programs)
    print(f"backup: {path}; the keys are not in it, keep a copy of {keys.path(places)} apart")
    if folder and options.keep:
        for name in sorted(filter(OURS.fullmatch, os.listdir(folder)))[: -options.keep]:
            os.unlink(os.path.join(folder, name))
    return 0
