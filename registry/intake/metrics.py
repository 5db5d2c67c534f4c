"""The metrics of the intake for Prometheus, on the loopback address: facts that wait, were taken in, were set aside."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.command_line import Refusal
from common.places import Places
from ivr.telemetry.metrics import MetricsServer
from registry.intake import spool
from registry.intake.batch import IntakeCounts
from registry.requests import queries
from registry.requests.clocks import Rules
from registry.site import Site


class IntakeMetrics(Collector):
    """Counts what one intake has done. The names in Prometheus begin with `registry_intake_`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.site: Site | None = None  # set once the intake has one
        self._done = IntakeCounts()
        self.failed = 0  # runs that failed because of the database or the disk
        self.trouble = False

    def add(self, done: IntakeCounts) -> None:
        self._done = self._done.plus(done)

    def collect(self) -> Iterator[Metric]:
        backlog = spool.backlog(self._places, time.time())
        yield GaugeMetricFamily("registry_intake_backlog_segments", "Segments waiting", value=backlog.segments)
        yield GaugeMetricFamily(
            "registry_intake_backlog_seconds", "Age of the oldest waiting segment", value=backlog.oldest
        )
        yield GaugeMetricFamily(
            "registry_intake_trouble", "1 while the database or the disk fails", value=int(self.trouble)
        )
        yield CounterMetricFamily(
            "registry_intake_failures", "Runs that failed because of the database or the disk", value=self.failed
        )
        yield from self._requests()
        for name, value in self._done._asdict().items():
            yield CounterMetricFamily(
                f"registry_intake_{name}", f"{name.replace('_', ' ')} since the start", value=value
            )

    def _requests(self) -> Iterator[Metric]:
        """The age alarm: requests past their promise, and those that nobody finishes. Nothing without the database."""
        if self.site is None:
            return
        rules, now = Rules.of(self.site.compiled), time.time()
        try:
            with self.site.database.read() as connection:
                late = queries.list_due(connection, now, now=now, reminders=rules.reminders).rows
        except Refusal:
            return
        family = GaugeMetricFamily(
            "registry_requests_late", "Open requests past a limit, by promise", labels=["promise"]
        )
        for promise in (*rules.promises, queries.OPEN, queries.WAITING):
            family.add_metric([promise], sum(each.promise == promise for each in late))
        yield family


def serve(metrics: IntakeMetrics, port: int) -> MetricsServer:
    """Start the metrics server. Raises `Refusal` when the port is in use."""
    try:
        return MetricsServer(metrics, port)
    except (OSError, OverflowError) as problem:
        raise Refusal(f"--metrics-port {port}: {problem}; choose another one, or 0") from None
