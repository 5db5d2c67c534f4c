"""`measure ingest`: take in the switch's queue_log and CDR.

Exit status 0, also when there was nothing new; 1 when a file could not be read, though the others were.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, tzinfo
from types import FrameType

from charter.calendar import OpeningHours
from common.command_line import Refusal
from common.places import Places
from common.terminal_table import printable
from measure.switch.ingest import Ingestion, Report
from measure.switch.joins import by_fate, join_late
from measure.switch.realtime import RealtimeLog
from registry.db.connection import Away
from registry.db.migrations import check
from registry.site import Site

EXAMPLES = """
examples:
  measure ingest
  measure ingest --queue-log /var/log/asterisk/queue_log --follow
  measure ingest --realtime postgresql://asterisk@db/asterisk
"""
CYCLE = 2.0  # s between two looks, with --follow
SAID = 1.0  # s between two words of progress
OPEN = ("waiting", "talking")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--queue-log", metavar="PATH", help="Asterisk's queue_log (default: in $NUL_SWITCH_LOG, or the private switch)")
    add("--cdr", metavar="PATH", help="Asterisk's Master.csv (default: cdr-csv/Master.csv beside the queue_log)")
    add("--realtime", metavar="URL", help="read the realtime table of this database instead of the file")
    add("--table", metavar="NAME", default="queue_log", help="the realtime table (default: queue_log)")
    add("--gmt", action="store_true", help="the realtime table is in GMT (queue_log_realtime_use_gmt)")
    add("--follow", action="store_true", help="go on until stopped: take in what comes")


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    check(site.database)
    hours = OpeningHours.of(site.compiled["service"])
    ingestion = Ingestion(site.database, site.keys, hours, time.time)
    look = _look(options, places, ingestion, hours.zone)
    report = Report()
    if options.follow:
        _follow(lambda: look(report), site, report)
    else:
        look(report)
        report.joined += join_late(site.database, time.time())
    tell(report, by_fate(site.database))
    if options.follow or not report.unread:
        return 0
    raise Refusal("; ".join(report.unread))


def _look(options: argparse.Namespace, places: Places, ingestion: Ingestion, zone: tzinfo) -> Callable[[Report], None]:
    """What is done once, or again and again."""
    log = options.queue_log or os.path.join(places.switch_log, "queue_log")
    cdr = options.cdr or os.path.join(os.path.dirname(log), "cdr-csv", "Master.csv")
    progress = Progress()
    table = RealtimeLog(options.realtime, options.table, UTC if options.gmt else zone) if options.realtime else None
    if table is None and not options.follow and not os.path.exists(log):
        raise Refusal(f"{log}: no queue_log there; name it with --queue-log, or its folder with NUL_SWITCH_LOG")

    def look(report: Report) -> None:
        ingestion.take_cdr(cdr, report, progress)  # first: then the visits know their calls at once
        if table is not None:
            table.take(ingestion, time.time(), report)
        else:
            ingestion.take_log(log, report, progress)

    return look


def _follow(look: Callable[[], None], site: Site, report: Report) -> None:
    """Until SIGINT or SIGTERM. A database that is away is waited for: the files stay where they are."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)
    away, told = False, 0
    while not stopped.is_set():
        try:
            look()
            for problem in report.unread[told:]:
                print(f"measure ingest: {printable(problem)}", file=sys.stderr, flush=True)
            told = len(report.unread)
            report.joined += join_late(site.database, time.time())
            away = False
        except Away as problem:
            if not away:
                print(f"measure ingest: {printable(str(problem))}", file=sys.stderr, flush=True)
            away = True
        stopped.wait(CYCLE)


class Progress:
    """A word about a long file now and then, on standard error, where a person is looking."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._said = time.monotonic()

    def __call__(self, path: str, done: int, all: int) -> None:
        now = time.monotonic()
        began = self._began.setdefault(path, now)
        if now - self._said < SAID or not sys.stderr.isatty():
            return
        self._said = now
        rate = done / max(now - began, 0.1)
        left = (all - done) / max(rate, 1.0)
        print(f"{printable(path)}: {done / max(all, 1):.0%}, {left:.0f} s left", file=sys.stderr, flush=True)


def tell(report: Report, fates: dict[str, int]) -> None:
    """What was done, and what is there now."""
    count = report.count
    print(f"lines       {count.lines:>9}  new {count.new}, there already {count.repeated}, torn {count.torn}")
    if count.mended:
        print(f"            {count.mended:>9}  of the torn ones ended in a whole line, which was taken")
    if count.future:
        print(f"            {count.future:>9}  are later than now: is the switch's clock right?")
    for verb, times in sorted(count.unknown.items()):
        print(f"unknown     {times:>9}  {printable(verb)} (kept)")
    for path in report.unfinished:
        print(f"unfinished             {printable(path)}: its last line has no end yet; it is read the next time")
    if report.links:
        print(f"CDR         {report.links:>9}  channels joined with their calls")
    if report.joined:
        print(f"joined      {report.joined:>9}  visits with what was told of them later")
    visits(fates)


def visits(fates: dict[str, int]) -> None:
    """How many visits there are, by fate."""
    words = ", ".join(f"{fate} {count}" for fate, count in fates.items() if fate not in OPEN)
    still = ", ".join(f"{fate} {fates[fate]}" for fate in OPEN if fates.get(fate))
    print(f"visits      {sum(fates.values()):>9}  {words or 'none yet'}" + (f"; open: {still}" if still else ""))
