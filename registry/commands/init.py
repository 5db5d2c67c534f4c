"""`registry init`: keys, tables, topics and promises. May be run again: what is there stays as it is."""

from __future__ import annotations

import argparse

from common.places import Places
from registry import maintenance


def arguments(parser: argparse.ArgumentParser) -> None:
    """None: where everything lies is said by the program's own options, NUL_DATABASE and NUL_KEYS."""


def run(options: argparse.Namespace, places: Places) -> int:
    print("\n".join(maintenance.init(places)))
    return 0
