"""The intake's figures for Prometheus, on the loopback address: what waits, what was taken, what was set aside."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.command_line import Refusal
from common.places import Places
from ivr.telemetry.metrics import MetricsServer
from registry.intake import spool
from registry.intake.batch import Taken


class Gauge(Collector):
    """Counts what one intake has done. The names in Prometheus begin with `registry_intake_`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._done = Taken()
        self.failed = 0  # tries that the database or the disk refused
        self.trouble = False

    def add(self, done: Taken) -> None:
        self._done = self._done.plus(done)

    def collect(self) -> Iterator[Metric]:
        waiting = spool.backlog(self._places, time.time())
        yield GaugeMetricFamily("registry_intake_backlog_segments", "Segments that wait", value=waiting.segments)
        yield GaugeMetricFamily("registry_intake_backlog_seconds", "Age of the oldest that waits", value=waiting.oldest)
        yield GaugeMetricFamily(
            "registry_intake_trouble", "1 while the database or the disk refuses", value=int(self.trouble)
        )
        yield CounterMetricFamily(
            "registry_intake_failures", "Tries that the database or the disk refused", value=self.failed
        )
        for name, value in self._done._asdict().items():
            yield CounterMetricFamily(
                f"registry_intake_{name}", f"{name.replace('_', ' ')} since it began", value=value
            )


def serve(gauge: Gauge, port: int) -> MetricsServer:
    """Raises `Refusal` when the port is taken."""
    try:
        return MetricsServer(gauge, port)
    except (OSError, OverflowError) as problem:
        raise Refusal(f"--metrics-port {port}: {problem}; choose another one, or 0") from None
