"""Metrics of the work list for Prometheus: how many messages are untouched, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.command_line import Refusal
from common.places import Places
from registry.site import Site
from voicemail.callback.worklist import is_untouched, list_entries
from voicemail.store import Store


class WorkListMetrics(Collector):
    """Read at each scrape. Without a registry the message store is read, so that the alarm keeps working."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.failures = 0  # of notification runs

    def collect(self) -> Iterator[Metric]:
        now = time.time()
        left, late = self._untouched(now)
        oldest = max((now - at for at in left), default=0.0)
        yield GaugeMetricFamily("voicemail_untouched", "Messages that no operator has handled", value=len(left))
        yield GaugeMetricFamily(
            "voicemail_oldest_untouched_seconds", "Age of the oldest untouched message", value=max(0.0, oldest)
        )
        yield GaugeMetricFamily(
            "voicemail_registry_away", "1: no registry, figures from the message store alone", value=int(late is None)
        )
        yield GaugeMetricFamily("voicemail_late", "Untouched messages past their due date, if known", value=late or 0)
        yield CounterMetricFamily("voicemail_notify_failures", "Notification runs that failed", value=self.failures)

    def _untouched(self, now: float) -> tuple[list[float], int | None]:
        """Return when each untouched message was left, and how many are late; None if that is unknown."""
        try:
            site = Site.of(self._places)
            with site.database.read() as connection:
                entries = [entry for entry in list_entries(connection) if is_untouched(entry)]
            site.database.close()
        except Refusal:
            messages = Store(self._places.messages).list()
            return [message.left_at for message in messages if message.state == "new"], None
        late = sum(entry.due_at is not None and entry.due_at < now for entry in entries)
        return [entry.left_at for entry in entries], late
