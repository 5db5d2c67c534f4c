"""A snapshot of the queue as table rows, as a line of JSON and as Prometheus metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from measure.live.feed import Feed
from measure.live.queue_state import Snapshot


def json_line(snapshot: Snapshot, problem: str) -> str:
    """One JSON document on one line; `problem` says why there is no connection, or is empty."""
    return json.dumps({**snapshot.document(), "problem": problem}, ensure_ascii=False)


def rows(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Labels and values for the terminal."""
    seats, figures = snapshot.seats, snapshot.figures
    paused = ", ".join(f"{count} {reason}" for reason, count in seats.paused.items() if count)
    level, mean = figures["service_level"], figures["wait_mean_all"].value
    return [
        ("waiting", str(snapshot.waiting)),
        ("longest current wait", _minutes(snapshot.oldest_wait)),
        ("seats logged in", str(seats.logged_in)),
        ("  free", str(seats.free)),
        ("  ringing", str(seats.ringing)),
        ("  talking", str(seats.talking)),
        ("  wrap-up", str(seats.wrap_up)),
        ("  paused", f"{sum(seats.paused.values())}" + (f" ({paused})" if paused else "")),
        ("  unreachable", str(seats.unreachable)),
        ("  not rung: clock set back", str(seats.blocked)),
        ("today: offered", str(snapshot.offered)),
        ("  answered", f"{snapshot.answered} ({_share(figures['answer_rate'].value)})"),
        ("  abandoned", f"{snapshot.abandoned} ({_share(figures['abandonment'].value)})"),
        ("  sent to voicemail", str(snapshot.led_to_voicemail)),
        ("  answered within 20 s", f"{level.numerator:g} of {level.denominator:g} ({_share(level.value)})"),
        ("  mean wait", "-" if mean is None else _minutes(mean)),
    ]


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


class Gauges(Collector):
    """The snapshot for Prometheus; all names begin with `measure_`."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def collect(self) -> Iterator[Metric]:
        snapshot = self._feed.snapshot()
        yield _gauge("measure_live_connected", "1 if connected to the switch", float(snapshot.connected))
        yield _gauge("measure_live_blind_seconds", "Time without a connection today", snapshot.blind_seconds)
        yield CounterMetricFamily("measure_clock_steps", "How often the switch's clock was set", snapshot.clock_steps)
        yield _gauge("measure_clock_last_step_seconds", "The last step; negative: set back", snapshot.last_step)
        yield _gauge("measure_queue_waiting", "Callers in the queue", snapshot.waiting)
        yield _gauge("measure_queue_oldest_wait_seconds", "Longest wait of the callers in queue", snapshot.oldest_wait)
        yield self._seats(snapshot)
        today = GaugeMetricFamily("measure_today_visits", "Visits today in service hours", labels=["fate"])
        for fate in ("offered", "answered", "abandoned", "led_to_voicemail"):
            today.add_metric([fate], getattr(snapshot, fate))
        yield today
        for name, figure in snapshot.figures.items():
            if figure.value is not None:
                yield _gauge(f"measure_today_{name}", figure.definition.title("en"), figure.value)

    @staticmethod
    def _seats(snapshot: Snapshot) -> Metric:
        seats = GaugeMetricFamily("measure_seats", "Seats by state", labels=["state"])
        for state in ("logged_in", "free", "ringing", "talking", "wrap_up", "unreachable", "blocked"):
            seats.add_metric([state], getattr(snapshot.seats, state))
        for reason, count in snapshot.seats.paused.items():
            seats.add_metric([f"paused_{reason}"], count)
        return seats


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
