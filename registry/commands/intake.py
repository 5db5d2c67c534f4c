"""`registry intake`: what happened on the calls becomes requests. Once, as a timer runs it, or `--follow` for ever."""

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
from registry.intake.batch import Taken
from registry.intake.intake import Intake
from registry.intake.metrics import Gauge, serve
from registry.site import Site

LONGEST_PAUSE = 30.0  # seconds between two tries while the database is away


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="go on taking in, until SIGTERM or Ctrl-C")
    parser.add_argument(
        "--every", type=argument_types.pause, default=1.0, metavar="SECONDS", help="with --follow (default: 1)"
    )
    parser.add_argument(
        "--metrics-port", type=argument_types.port, metavar="PORT", help="with --follow: figures for Prometheus; 0: any"
    )
    parser.add_argument(
        "--again",
        type=argument_types.day,
        metavar="DAY",
        help="take once more what was put away since that day, after a restore",
    )


def run(options: argparse.Namespace, places: Places) -> int:
    if options.follow:
        return _follow(options, places)
    intake = Intake(Site.of(places), _tell)
    intake.prepare()
    done = intake.again(options.again.isoformat(), time.time()) if options.again else intake.run(time.time())
    print(_told(done, spool.backlog(places, time.time())))
    if intake.stuck:
        raise Refusal(intake.stuck)
    return 0


def _follow(options: argparse.Namespace, places: Places) -> int:
    """Whatever fails is told once, tried again, and told when it is over: an intake that gave up would be forgotten."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    gauge = Gauge(places)
    server = None if options.metrics_port is None else serve(gauge, options.metrics_port)
    if server:
        print(f"metrics: http://127.0.0.1:{server.port}/metrics", flush=True)
    intake: Intake | None = None
    configured = 0
    trouble, pause = "", options.every
    while not stopped.is_set():
        said = ""
        try:
            if intake is None or configured != _written(places):  # the configuration has changed: topics, promises
                configured = _written(places)
                intake = Intake(Site.of(places), _tell)
                intake.prepare()
            done = intake.run(time.time(), stop=stopped.is_set)
        except DatabaseError as problem:  # locked, away, full: it may be over in a moment
            said = f"{problem}; facts stay in the spool, it goes on by itself"
        else:
            said = intake.stuck and f"{intake.stuck}, and is tried again"
            gauge.add(done)
            if done.facts or (any(done) and not said):  # not again and again what stays where it is
                print(_told(done, spool.backlog(places, time.time())), flush=True)
        if said != trouble:
            _tell(said or "it goes on")
        gauge.failed += bool(said)
        pause = min(LONGEST_PAUSE, 2 * pause) if said else options.every
        trouble, gauge.trouble = said, bool(said)
        stopped.wait(pause)
    if server:
        server.close()
    return 0


def _written(places: Places) -> int:
    """Of the configuration: when, in nanoseconds; 0 when there is none."""
    try:
        return os.stat(places.compiled).st_mtime_ns
    except OSError:
        return 0


def _tell(line: str) -> None:
    print(f"registry intake: {line}", file=sys.stderr, flush=True)


def _told(done: Taken, waiting: spool.Backlog) -> str:
    said = (
        f"{done.segments} segments: {done.facts} facts, {done.repeated} known already; "
        f"{done.requests} requests, of them {done.messages} messages to call back"
    )
    further = {
        "set aside": done.poison,
        "out of time (is a clock wrong?)": done.out_of_time,
        "messages that no store knows": done.unknown_messages,
        "topics corrected": done.corrected,
    }
    said += "".join(f"; {what}: {count}" for what, count in further.items() if count)
    return (
        said + f"; waiting: {waiting.segments}" + (f", the oldest {waiting.oldest:.0f} s" if waiting.segments else "")
    )
