"""`registry init`: create keys and tables, copy topics and promises. May be run again: existing data stays."""

from __future__ import annotations

import argparse
import time

from common.places import Places
from registry import installation


def arguments(parser: argparse.ArgumentParser) -> None:
    """None: the program's own options, NUL_DATABASE and NUL_KEYS say where everything is."""


def run(options: argparse.Namespace, places: Places) -> int:
    print("\n".join(installation.init(places, time.time())))
    return 0
