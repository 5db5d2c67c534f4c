"""`registry backup FILE`: make a complete, checked copy of the database while it is in use. The keys are not in it."""

from __future__ import annotations

import argparse
import os
import time

from common.command_line import Refusal
from common.places import Places
from registry import keys
from registry.db import backups, encryption
from registry.db.connection import Database, database_url
from registry.db.drill import BACKUP_NAME


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file, or a folder for a file named by the current time")
    parser.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="in a folder: keep only the last N such backups",
    )
    recipient = os.environ.get("NUL_BACKUP_RECIPIENT")
    parser.add_argument(
        "--encrypt",
        action="append",
        default=[recipient] if recipient else [],
        metavar="RECIPIENT",
        help="encrypt for this public key: age1..., ssh-ed25519 ..., a file with keys, or a name in gpg's keyring;"
        " repeatable (default: $NUL_BACKUP_RECIPIENT)",
    )
    parser.add_argument("--programs", metavar="DIR", help="where pg_dump is, if not on the PATH (PostgreSQL only)")


def run(options: argparse.Namespace, places: Places) -> int:
    folder = options.file if os.path.isdir(options.file) else None
    if options.keep is not None and (options.keep < 1 or folder is None):
        raise Refusal("--keep: needs at least 1, and an existing folder for FILE")
    database = Database(database_url(places))
    path = options.file
    if folder:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        path = os.path.join(folder, f"registry-{stamp}.{'db' if database.sqlite else 'dump'}")
        path += encryption.suffix(options.encrypt) if options.encrypt else ""
    backups.backup(database, path, options.programs, recipients=options.encrypt)
    print(f"backup: {path}; the keys are not in it: keep a copy of {keys.path(places)} apart")
    if folder and options.keep:
        for name in sorted(filter(BACKUP_NAME.fullmatch, os.listdir(folder)))[: -options.keep]:
            os.unlink(os.path.join(folder, name))
    return 0
