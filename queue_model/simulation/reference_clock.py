"""The clock of the reference engine: SimPy's environment with absolute instants and a fixed order at ties."""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappush
from typing import Any

import simpy

Process = Generator[simpy.Event, Any, None]

AFTER_SIMPY = 2  # SimPy's own priorities are 0 (urgent) and 1 (normal)


class Clock(simpy.Environment):
    """An environment that schedules events at instants instead of after delays, which would be rounded."""

    def at(self, instant: float, kind: int) -> simpy.Event:
        """An event of this kind (see `event_kinds`) at this instant."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        queue: list[Any] = self._queue
        heappush(queue, (instant, kind + AFTER_SIMPY, next(self._eid), event))
        return event

    def start_now(self, process: Process) -> None:
        """Start a process within the current event. Most callers never wait, and then need no SimPy process."""
        for first in process:
            self.process(_continue(first, process))
            return


def _continue(first: simpy.Event, process: Process) -> Process:
    """The rest of a process that waits for its first event."""
    event = first
    while True:
        value = yield event
        try:
            event = process.send(value)
        except StopIteration:
            return
