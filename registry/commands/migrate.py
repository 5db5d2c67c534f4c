"""`registry migrate`: the tables of an older program become this one's; on SQLite a backup is made first."""

from __future__ import annotations

import argparse
import time

from common.places import Places
from registry import maintenance


def arguments(parser: argparse.ArgumentParser) -> None:
    """None: where everything lies is said by the program's own options, NUL_DATABASE and NUL_KEYS."""


def run(options: argparse.Namespace, places: Places) -> int:
    print("\n".join(maintenance.migrate(places, time.time())))
    return 0
