"""`registry intake`: open requests from what happened on the calls. Once, for a timer, or continuously (`--follow`)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time

from common import argument_types
from common.command_line import Refusal
from common.places import Places
from registry.db.connection import DatabaseError
from registry.intake import spool
from registry.intake.batch import IntakeCounts
from registry.intake.intake import Intake
from registry.intake.metrics import IntakeMetrics, serve
from registry.site import Site

LONGEST_PAUSE = 30.0  # seconds between two tries while the database is unavailable


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="continue until SIGTERM or Ctrl-C")
    parser.add_argument(
        "--every",
        type=argument_types.pause,
        default=1.0,
        metavar="SECONDS",
        help="with --follow: pause between runs (default: 1)",
    )
    parser.add_argument(
        "--metrics-port",
        type=argument_types.port,
        metavar="PORT",
        help="with --follow: metrics for Prometheus; 0: any port",
    )
    parser.add_argument(
        "--again",
        type=argument_types.day,
        metavar="DAY",
        help="after a restore: take in again what was archived since that day",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    if options.follow:
        return _follow(options, places)
    intake = Intake(Site.of(places), _log)
    intake.prepare(time.time())
    done = intake.run_again(options.again.isoformat(), time.time()) if options.again else intake.run(time.time())
    print(_describe(done, spool.backlog(places, time.time())))
    if intake.stuck:
        raise Refusal(intake.stuck)
    return 0


def _follow(options: argparse.Namespace, places: Places) -> int:
    """Run until stopped. A failure is logged once, retried, and logged when it ends: an intake must not give up."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    metrics = IntakeMetrics(places)
    server = None if options.metrics_port is None else serve(metrics, options.metrics_port)
    if server:
        print(f"metrics: http://127.0.0.1:{server.port}/metrics", flush=True)
    intake: Intake | None = None
    configured = 0
    last_trouble, pause = "", options.every
    while not stopped.is_set():
        trouble = ""
        try:
            if intake is None or configured != _compiled_at(places):  # new configuration: topics, promises
                configured = _compiled_at(places)
                metrics.site = Site.of(places)
                intake = Intake(metrics.site, _log)
                intake.prepare(time.time())
            done = intake.run(time.time(), stop=stopped.is_set)
        except DatabaseError as problem:  # locked, unavailable, full: often temporary
            trouble = f"{problem}; facts stay in the spool, the intake tries again"
        else:
            trouble = intake.stuck and f"{intake.stuck}; the intake tries again"
            metrics.add(done)
            if done.facts or (any(done) and not trouble):  # do not repeat the line for files that cannot be moved
                print(_describe(done, spool.backlog(places, time.time())), flush=True)
        if trouble != last_trouble:
            _log(trouble or "works again")
        metrics.failed += bool(trouble)
        pause = min(LONGEST_PAUSE, 2 * pause) if trouble else options.every
        last_trouble, metrics.trouble = trouble, bool(trouble)
        stopped.wait(pause)
    if server:
        server.close()
    return 0


def _compiled_at(places: Places) -> int:
    """Return when the configuration was compiled, in nanoseconds; 0 when it was not."""
    try:
        return os.stat(places.compiled).st_mtime_ns
    except OSError:
        return 0


def _log(line: str) -> None:
    print(f"registry intake: {line}", file=sys.stderr, flush=True)


def _describe(done: IntakeCounts, backlog: spool.Backlog) -> str:
    parts = [
        f"{done.segments} segments: {done.facts} facts, {done.repeated} known already",
        f"{done.requests} requests, {done.messages} of them messages to call back",
    ]
    exceptions = {
        "set aside": done.poison,
        "implausible times (is a clock wrong?)": done.out_of_time,
        "messages unknown to the message store": done.unknown_messages,
        "topics corrected": done.corrected,
    }
    parts += [f"{what}: {count}" for what, count in exceptions.items() if count]
    parts.append(f"waiting: {backlog.segments}" + (f", the oldest {backlog.oldest:.0f} s" if backlog.segments else ""))
    return "; ".join(parts)
