"""The engine's metrics for Prometheus, served on the loopback address only.

On the call path a metric is a plain integer; it becomes a Prometheus metric when it is scraped. So counting costs a
call some tens of nanoseconds, and the calls share no lock with the thread that answers the scrape.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

LOOPBACK = "127.0.0.1"
SECONDS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 7200.0)  # bounds of session durations

ALARMS = ("facts", "housekeeping", "messages", "sealing")
STEPS = ("engine_back", "engine_forward", "switch_back", "switch_forward")
REFUSALS = ("peer", "full")
FAULTS = ("no_call", "late", "garbage", "unknown_flow", "deaf", "no_proof")


class SessionCounts:
    """The sessions of one flow: the number open, their endings and durations."""

    def __init__(self) -> None:
        self.open = 0
        self.endings: Counter[str] = Counter(done=0, hangup=0, error=0, too_long=0, drained=0)
        self.buckets = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0

    def ended(self, ending: str, seconds: float) -> None:
        self.open -= 1
        self.endings[ending] += 1
        self.buckets[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds


class Metrics(Collector):
    """All metrics of one engine. Their names in Prometheus begin with `ivr_`."""

    def __init__(self, flows: tuple[str, ...]) -> None:
        self.flows = {flow: SessionCounts() for flow in flows}
        self.refused = Counter(dict.fromkeys(REFUSALS, 0))  # connections closed at once
        self.faults = Counter(dict.fromkeys(FAULTS, 0))  # protocol errors of peers
        self.failures = Counter(dict.fromkeys(flows, 0))  # flows that raised
        self.events: Counter[str] = Counter(prompt_failed=0)  # what flows logged
        self.alarms = Counter(dict.fromkeys(ALARMS, 0))  # events that need attention
        self.reloads = Counter(done=0, refused=0)
        self.clock_steps = Counter(dict.fromkeys(STEPS, 0))
        self.facts_failed = 0
        self.loaded_at = 0.0  # epoch seconds: when the configuration in use was loaded
        # Called at each scrape:
        self.connections: Callable[[], int] = int
        self.facts_written: Callable[[], int] = int
        self.unsealed_seconds: Callable[[], float] = float
        self.lines_dropped: Callable[[], int] = int

    def collect(self) -> Iterator[Metric]:
        yield from self._sessions()
        yield _counter("ivr_refused", "Connections closed at once, by reason", "reason", self.refused)
        yield _counter("ivr_protocol_errors", "Peers that did not behave like a switch", "kind", self.faults)
        yield _counter("ivr_flow_failures", "Flows that raised an error", "flow", self.failures)
        yield _counter("ivr_flow_events", "What flows logged, such as prompt_failed", "event", self.events)
        yield _counter("ivr_alarms", "Events that need attention: see the log", "what", self.alarms)
        yield _counter("ivr_clock_steps", "Wall clocks that were set, by clock and direction", "step", self.clock_steps)
        yield _counter("ivr_reloads", "Configurations loaded and refused", "result", self.reloads)
        facts = {"written": self.facts_written(), "failed": self.facts_failed}
        yield _counter("ivr_facts", "Facts given to the spool", "result", facts)
        yield CounterMetricFamily(
            "ivr_log_lines_dropped", "Lines of the log that could not be written", value=self.lines_dropped()
        )
        yield GaugeMetricFamily("ivr_connections", "Open connections, with or without a call", value=self.connections())
        unsealed = self.unsealed_seconds()
        yield GaugeMetricFamily("ivr_spool_pending_seconds", "Age of the oldest fact not yet sealed", value=unsealed)
        yield GaugeMetricFamily("ivr_configuration_seconds", "Epoch at which it was loaded", value=self.loaded_at)

    def _sessions(self) -> Iterator[Metric]:
        total = CounterMetricFamily("ivr_sessions", "Sessions that ended", labels=["flow", "ending"])
        running = GaugeMetricFamily("ivr_sessions_open", "Sessions under way", labels=["flow"])
        seconds = HistogramMetricFamily("ivr_session_seconds", "How long sessions lasted", labels=["flow"])
        for flow, tally in self.flows.items():
            running.add_metric([flow], tally.open)
            for ending, count in sorted(tally.endings.items()):
                total.add_metric([flow, ending], count)
            seconds.add_metric([flow], _cumulative(tally.buckets), tally.seconds)
        yield from (total, running, seconds)


def _counter(name: str, text: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    bounds, total, rows = [*map(str, SECONDS), "+Inf"], 0, []
    for bound, count in zip(bounds, list(buckets), strict=True):
        total += count
        rows.append((bound, float(total)))
    return rows


class MetricsServer:
    """Answers `GET /metrics` on the loopback address, in a thread. Raises OSError when the port is taken."""

    def __init__(self, metrics: Collector, port: int) -> None:
        registry = CollectorRegistry()
        registry.register(metrics)
        ProcessCollector(registry=registry)
        self._server: WSGIServer
        self._thread: threading.Thread
        self._server, self._thread = start_http_server(port, LOOPBACK, registry)
        self.port: int = self._server.server_port

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
