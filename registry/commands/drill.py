"""`registry drill FOLDER`: restore the newest backup into a scratch database, and check it. For a timer."""

from __future__ import annotations

import argparse
import os
import time

from common import instants
from common.command_line import Refusal
from common.places import Places
from common.terminal_table import format_age
from registry.db import drill
from registry.db.connection import Database, database_url


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="the folder of `registry backup`, or one backup")
    parser.add_argument(
        "--identity", metavar="FILE", default=os.environ.get("NUL_BACKUP_IDENTITY"),
        help="the private key of an encrypted backup (age; default: $NUL_BACKUP_IDENTITY)",
    )  # fmt: skip
    parser.add_argument("--metrics", metavar="FILE", help="write the result for Prometheus's node_exporter")
    parser.add_argument("--programs", metavar="DIR", help="where pg_restore is, if not on the PATH (PostgreSQL only)")


def run(options: argparse.Namespace, places: Places) -> int:
    now = time.time()
    try:
        path = options.folder if os.path.isfile(options.folder) else drill.newest_backup(options.folder)
        result = drill.run(Database(database_url(places)), path, identity=options.identity, programs=options.programs)
    except (Refusal, OSError):
        if options.metrics:
            drill.write_metrics(options.metrics, None, now)
        raise
    if options.metrics:
        drill.write_metrics(options.metrics, result, now)
    print(
        f"restored: {result.path}, made {instants.iso(result.made_at)}, {format_age(now - result.made_at)} ago:"
        f" {result.requests} requests, {result.events} events"
    )
    return 0
