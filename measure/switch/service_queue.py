"""The queue of this service, among the queues of a switch, and what its visits are judged by."""

from __future__ import annotations

from typing import NamedTuple

from charter.calendar import OpeningHours
from ivr.configuration.compiled_types import Service
from ivr.switch_logs.visits import Period


class ServiceQueue(NamedTuple):
    """A switch may have more queues, of other services; their visits are stored but never counted here."""

    name: str  # `queue.name` of service.yaml
    hours: OpeningHours
    longest: float  # s; no call is longer (`limits.longest_call_seconds`)

    @classmethod
    def of(cls, service: Service) -> ServiceQueue:
        limits = service["limits"]
        return cls(service["queue"]["name"], OpeningHours.of(service), limits["longest_call_seconds"])

    def period(self, now: float) -> Period:
        """What bounds the visits of a log that is complete to `now`."""
        return Period(self.longest, now)

    def over_before(self, now: float) -> float:
        """Visits that began before this instant (epoch seconds) have ended by `now`, whatever the log says."""
        return now - self.longest
