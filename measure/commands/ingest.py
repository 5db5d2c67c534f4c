"""`measure ingest`: read the switch's queue_log and CDR into the registry.

Exit status 0, also when there was nothing new; 1 when a file could not be read (the others were).
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

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import printable
from measure.switch import rotated_files
from measure.switch.ingest import Ingestion, Report
from measure.switch.late_details import add_late_details
from measure.switch.realtime import RealtimeCdr, RealtimeDatabase, RealtimeLog
from measure.switch.service_queue import ServiceQueue
from measure.switch.visit_rows import StoredVisits, count_visits
from registry.db.connection import Unavailable
from registry.db.migrations import check_revision
from registry.site import Site

EXAMPLES = """
examples:
  measure ingest
  measure ingest --queue-log /var/log/asterisk/queue_log --follow
  measure ingest --realtime postgresql://asterisk@db/asterisk
  measure ingest --realtime mysql://asterisk:PASSWORD@db/asterisk --cdr-table cdr
"""
CYCLE = 2.0  # s between two reads, with --follow
PROGRESS_SECONDS = 1.0  # between two lines of progress
OPEN_FATES = ("waiting", "talking")
LABELS = {"unknown": "end unknown", "joined": "half of another visit"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add(
        "--queue-log",
        metavar="PATH",
        help="Asterisk's queue_log (default: in $NUL_SWITCH_LOG, or of the private switch)",
    )
    add("--cdr", metavar="PATH", help="Asterisk's Master.csv (default: cdr-csv/Master.csv beside the queue_log)")
    add(
        "--realtime",
        metavar="URL",
        help="read the realtime table of this database instead of the file; MariaDB and MySQL need the extra [mysql]",
    )
    add("--table", metavar="NAME", default="queue_log", help="the realtime table (default: queue_log)")
    add("--cdr-table", metavar="NAME", help="with --realtime: read the CDR from this table instead of Master.csv")
    add("--gmt", action="store_true", help="times of the realtime table are in GMT (queue_log_realtime_use_gmt)")
    add("--follow", action="store_true", help="keep reading new lines until stopped")


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    check_revision(site.database)
    queue = ServiceQueue.of(site.compiled["service"])
    ingestion = Ingestion(site.database, site.keys, queue, time.time)
    read_new = _reader(options, places, ingestion, queue.hours.zone)
    report = Report()
    if options.follow:
        _follow(lambda: read_new(report), site, report)
    else:
        read_new(report)
        report.completed += add_late_details(site.database, time.time())
    print_report(report, count_visits(site.database, queue.name), queue)
    if not options.follow:
        _print_missing_cdr(options, places)
    if options.follow or not report.unread:
        return 0
    raise Refusal("; ".join(report.unread))


def _reader(
    options: argparse.Namespace, places: Places, ingestion: Ingestion, zone: tzinfo
) -> Callable[[Report], None]:
    """A function that reads everything new, once or repeatedly with --follow."""
    log, cdr = _log_path(options, places), _cdr_path(options, places)
    if options.cdr_table and not options.realtime:
        raise Refusal("--cdr-table: names a table of --realtime; give its URL, or the file with --cdr")
    if options.cdr and not os.path.exists(cdr):
        raise Refusal(f"--cdr {cdr}: no such file; give the path of Asterisk's Master.csv")
    progress = Progress()
    if options.follow and options.realtime is None and not os.path.exists(log):
        print(f"measure ingest: {log}: no such file yet; waiting for it", file=sys.stderr, flush=True)
    source = RealtimeDatabase(options.realtime, UTC if options.gmt else zone) if options.realtime else None
    table = RealtimeLog(source, options.table) if source is not None else None
    records = RealtimeCdr(source, options.cdr_table) if source is not None and options.cdr_table else None
    if table is None and not options.follow and not os.path.exists(log):
        raise Refusal(
            f"{log}: no such file; give the path of the queue_log with --queue-log, or its folder with NUL_SWITCH_LOG"
        )

    def read_new(report: Report) -> None:
        if records is not None:  # first, so that new visits have their call at once
            records.take(ingestion, report)
        else:
            ingestion.take_cdr(cdr, report, progress)
        if table is not None:
            table.take(ingestion, time.time(), report)
        else:
            ingestion.take_log(log, report, progress)
        ingestion.close_overdue()

    return read_new


def _cdr_path(options: argparse.Namespace, places: Places) -> str:
    path: str = options.cdr or os.path.join(os.path.dirname(_log_path(options, places)), "cdr-csv", "Master.csv")
    return path


def _log_path(options: argparse.Namespace, places: Places) -> str:
    path: str = options.queue_log or os.path.join(places.switch_log, "queue_log")
    return path


def _print_missing_cdr(options: argparse.Namespace, places: Places) -> None:
    """Print that there is no CDR at its usual place: a site may have none, but calls then stay without their topic."""
    cdr = _cdr_path(options, places)
    if not options.cdr_table and not rotated_files.generations(cdr):
        print(
            f"CDR                 no {printable(cdr)}: a visit is linked to its call and topic only if both have the "
            "same UNIQUEID; name the file with --cdr"
        )


def _follow(read_new: Callable[[], None], site: Site, report: Report) -> None:
    """Read until SIGINT or SIGTERM. While the database is unavailable, the lines stay in their files."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    away, reported = False, 0
    while not stopped.is_set():
        try:
            read_new()
            for problem in report.unread[reported:]:
                print(f"measure ingest: {printable(problem)}", file=sys.stderr, flush=True)
            reported = len(report.unread)
            report.completed += add_late_details(site.database, time.time())
            away = False
        except Unavailable as problem:
            if not away:
                print(f"measure ingest: {printable(str(problem))}", file=sys.stderr, flush=True)
            away = True
        stopped.wait(CYCLE)


class Progress:
    """The progress on a long file, on standard error if it is a terminal."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._printed = time.monotonic()

    def __call__(self, path: str, done: int, total: int) -> None:
        now = time.monotonic()
        began = self._began.setdefault(path, now)
        if now - self._printed < PROGRESS_SECONDS or not sys.stderr.isatty():
            return
        self._printed = now
        rate = done / max(now - began, 0.1)
        left = (total - done) / max(rate, 1.0)
        print(f"{printable(path)}: {done / max(total, 1):.0%}, {left:.0f} s left", file=sys.stderr, flush=True)


def print_report(report: Report, visits: StoredVisits, queue: ServiceQueue) -> None:
    """Print what was read, and how many visits there are now."""
    count = report.count
    print(f"lines       {count.lines:>9}  new {count.new}, already stored {count.repeated}, torn {count.torn}")
    if count.mended:
        print(f"            {count.mended:>9}  of the torn lines end with a complete line, which was read")
    if count.future:
        print(f"            {count.future:>9}  are later than now: check the switch's clock")
    for verb, times in sorted(count.unknown.items()):
        print(f"unknown     {times:>9}  {printable(verb)} (stored)")
    for path in report.unfinished:
        print(f"unfinished             {printable(path)}: its last line is not complete yet; the next run reads it")
    if report.records and report.useless_records == report.records:
        print(
            f"CDR         {report.records:>9}  records without UNIQUEID and LINKEDID: set loguniqueid = yes and "
            "newcdrcolumns = yes in cdr.conf, [csv], and reload cdr_csv"
        )
    elif report.useless_records:
        print(f"CDR         {report.useless_records:>9}  records without UNIQUEID and LINKEDID, skipped")
    if report.links:
        print(f"CDR         {report.links:>9}  channels linked to their calls")
    if report.completed:
        print(f"completed   {report.completed:>9}  visits with a topic or call that arrived later")
    print_visits(visits, queue)


def print_visits(visits: StoredVisits, queue: ServiceQueue) -> None:
    """Print the number of visits by fate, of those with unknown times, and of those at other queues."""
    fates = visits.fates
    ended = ", ".join(f"{LABELS.get(fate, fate)} {count}" for fate, count in fates.items() if fate not in OPEN_FATES)
    still = ", ".join(f"{fate} {fates[fate]}" for fate in OPEN_FATES if fates.get(fate))
    print(f"visits      {visits.total:>9}  {ended or 'none yet'}" + (f"; open: {still}" if still else ""))
    for count, what in ((visits.unknown_waits, "wait"), (visits.unknown_talks, "talk")):
        if count:
            print(f"            {count:>9}  with an unknown {what}, left out of means (no end, or a changed clock)")
    if visits.others:
        each = ", ".join(f"{printable(name)} {count}" for name, count in visits.others.items())
        print(f"other       {sum(visits.others.values()):>9}  not counted, since queue.name is {queue.name}: {each}")
