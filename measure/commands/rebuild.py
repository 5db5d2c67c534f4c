"""`measure rebuild`: make all visits again from the lines that were taken in. Exit status 0."""

from __future__ import annotations

import argparse
import sys
import time

from charter.calendar import OpeningHours
from common.places import Places
from measure.commands.ingest import SAID, visits
from measure.switch.joins import by_fate, rebuild
from registry.db.migrations import check
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "After opening hours were corrected, or facts and CDR were late by more than a month. It may be stopped at any "
        "moment and run while the service works."
    )


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    check(site.database)
    said = time.monotonic()

    def progress(done: int, all: int) -> None:
        nonlocal said
        if time.monotonic() - said >= SAID and sys.stderr.isatty():
            said = time.monotonic()
            print(f"{done} of {all} calls", file=sys.stderr, flush=True)

    calls = rebuild(site.database, OpeningHours.of(site.compiled["service"]), progress)
    print(f"calls       {calls:>9}  looked at again")
    visits(by_fate(site.database))
    return 0
