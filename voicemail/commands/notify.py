"""`voicemail notify`: e-mail the team leader about messages, once or until it is stopped; serve metrics."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from common import argument_types
from common.command_line import Refusal
from common.places import Places
from voicemail.commands.callback_service import registry_imports

if TYPE_CHECKING:
    from ivr.telemetry.metrics import MetricsServer
    from voicemail.callback.metrics import WorkListMetrics


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print the letters, send none")
    parser.add_argument("--follow", action="store_true", help="continue until SIGTERM or Ctrl-C")
    parser.add_argument(
        "--every", type=argument_types.pause, default=60.0, metavar="SECONDS", help="with --follow (default: 60)"
    )
    parser.add_argument(
        "--metrics-port", type=argument_types.port, metavar="PORT", help="with --follow: for Prometheus; 0: any"
    )


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    with registry_imports():
        from registry.site import Site
        from voicemail.callback import letters
    if options.follow:
        return _follow(places, options.every, options.metrics_port)
    site = Site.of(places)
    if options.dry_run:
        with site.database.read() as connection:
            for letter in letters.due_letters(connection, now):
                print(f"{letter.subject}\n{letter.text}")
        return 0
    if site.compiled["service"]["notification"] is None:
        raise Refusal("config/service.yaml: notification is null; to send letters, write to, from and smtp_host there")
    subjects = letters.send_due(site, now)
    print("\n".join(f"sent: {subject}" for subject in subjects) or "nothing new to report")
    return 0


def _follow(places: Places, every: float, port: int | None) -> int:
    """Send what is due until the process is stopped. A repeated problem is printed once."""
    from registry.site import Site
    from voicemail.callback import letters
    from voicemail.callback.metrics import WorkListMetrics

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    metrics = WorkListMetrics(places)
    server = None if port is None else _serve(metrics, port)
    last_problem = ""
    while not stopped.is_set():
        try:
            for subject in letters.send_due(Site.of(places), time.time()):
                print(f"sent: {subject}", flush=True)
        except Refusal as problem:
            metrics.failures += 1
            if str(problem) != last_problem:
                print(f"voicemail notify: {problem}", file=sys.stderr, flush=True)
            last_problem = str(problem)
        else:
            last_problem = ""
        stopped.wait(every)
    if server:
        server.close()
    return 0


def _serve(metrics: WorkListMetrics, port: int) -> MetricsServer:
    from ivr.telemetry.metrics import MetricsServer

    try:
        server = MetricsServer(metrics, port)
    except (OSError, OverflowError) as problem:
        raise Refusal(f"--metrics-port {port}: {problem}; choose another one, or 0") from None
    print(f"metrics: http://127.0.0.1:{server.port}/metrics", flush=True)
    return server
