"""`measure rebuild`: build all visits again from the stored lines. Exit status 0."""

from __future__ import annotations

import argparse
import sys
import time

from common.places import Places
from measure.commands.ingest import PROGRESS_SECONDS, print_visits
from measure.switch.rebuild import rebuild_visits
from measure.switch.service_queue import ServiceQueue
from measure.switch.visit_rows import count_visits
from registry.db.migrations import check_revision
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Use it after opening hours or limits.longest_call_seconds were corrected, or when facts or CDR arrived more "
        "than a month late. It can be "
        "interrupted at any time, and can run while the service is working."
    )


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    check_revision(site.database)
    printed = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal printed
        if time.monotonic() - printed >= PROGRESS_SECONDS and sys.stderr.isatty():
            printed = time.monotonic()
            print(f"{done} of {total} calls", file=sys.stderr, flush=True)

    queue = ServiceQueue.of(site.compiled["service"])
    calls = rebuild_visits(site.database, queue, time.time(), progress)
    print(f"calls       {calls:>9}  rebuilt")
    print_visits(count_visits(site.database, queue.name), queue)
    return 0
