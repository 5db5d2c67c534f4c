"""`voicemail notify`: the letters, once or for ever; and for Prometheus, how long the oldest message is untouched."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.command_line import Refusal
from common.places import Places
from ivr.telemetry.metrics import MetricsServer
from registry.site import Site
from voicemail.callback.letters import deliver, due
from voicemail.callback.worklist import entries, untouched
from voicemail.store import Store


def notify(options: argparse.Namespace, places: Places, now: float) -> int:
    """The command."""
    if options.follow:
        return _follow(places, options.every, options.metrics_port)
    site = Site.of(places)
    if options.dry_run:
        with site.database.read() as connection:
            for letter in due(connection, now):
                print(f"{letter.subject}\n{letter.text}")
        return 0
    if site.compiled["service"]["notification"] is None:
        off = "notification is null: nobody is to be told; write to, from and smtp_host there"
        raise Refusal(f"config/service.yaml: {off}")
    sent = run(site, now)
    print("\n".join(f"told: {subject}" for subject in sent) or "nothing to tell that was not told already")
    return 0


def run(site: Site, now: float) -> list[str]:
    """Send what is due, if anybody is to be told; the subjects. Raises `Refusal`: the rest goes with the next run."""
    settings = site.compiled["service"]["notification"]
    if settings is None:
        return []
    with site.database.read() as connection:
        letters = due(connection, now)
    return [letter.subject for letter in letters if deliver(site.database, settings, letter, now)]


def _follow(places: Places, every: float, port: int | None) -> int:
    """Whatever fails is told once and tried again."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    gauge = Gauge(places)
    server = None if port is None else _serve(gauge, port)
    trouble = ""
    while not stopped.is_set():
        try:
            for subject in run(Site.of(places), time.time()):
                print(f"told: {subject}", flush=True)
        except Refusal as problem:
            gauge.failed += 1
            if str(problem) != trouble:
                print(f"voicemail notify: {problem}", file=sys.stderr, flush=True)
            trouble = str(problem)
        else:
            trouble = ""
        stopped.wait(every)
    if server:
        server.close()
    return 0


def _serve(gauge: Gauge, port: int) -> MetricsServer:
    try:
        server = MetricsServer(gauge, port)
    except (OSError, OverflowError) as problem:
        raise Refusal(f"--metrics-port {port}: {problem}; choose another one, or 0") from None
    print(f"metrics: http://127.0.0.1:{server.port}/metrics", flush=True)
    return server


class Gauge(Collector):
    """What waits, asked when somebody scrapes. Without a registry the store answers, so that the alarm never sleeps."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.failed = 0

    def collect(self) -> Iterator[Metric]:
        now = time.time()
        known, late = self._untouched(now)
        oldest = max((now - left for left in known), default=0.0)
        yield GaugeMetricFamily("voicemail_untouched", "Messages that nobody has begun to answer", value=len(known))
        yield GaugeMetricFamily(
            "voicemail_oldest_untouched_seconds", "Age of the oldest of them", value=max(0.0, oldest)
        )
        yield GaugeMetricFamily(
            "voicemail_registry_away", "1: the message store alone answers", value=int(late is None)
        )
        yield GaugeMetricFamily("voicemail_late", "Of them beyond the promise, where it is known", value=late or 0)
        yield CounterMetricFamily("voicemail_notify_failures", "Runs that could not tell", value=self.failed)

    def _untouched(self, now: float) -> tuple[list[float], int | None]:
        """When each was left, and how many are beyond their time; None: not known."""
        try:
            site = Site.of(self._places)
            with site.database.read() as connection:
                found = [each for each in entries(connection) if untouched(each)]
            site.database.close()
        except Refusal:
            return [each.left_at for each in Store(self._places.messages).list() if each.state == "new"], None
        return [each.left_at for each in found], sum(each.due_at is not None and each.due_at < now for each in found)
