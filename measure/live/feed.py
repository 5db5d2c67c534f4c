"""Keeps the state of the queue up to date over a connection to a running switch."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping

from charter.kpi import Visit
from ivr import ami
from ivr.ami import AmiError, Connection, Message
from ivr.ami.account import Ami
from ivr.telemetry.clock import ClockWatch
from measure.live.queue_state import CLOCK_TOLERANCE, QueueState, Snapshot

CLASSES = "agent,dialplan,system"  # of events: the queue's, channel variables, the switch's own state
RESYNC_SECONDS = 60.0

LoadVisits = Callable[[float], Mapping[str, Visit] | None]


class Feed:
    """A queue state and the connection that feeds it.

    `load_visits(midnight)` returns the day's stored visits, or None without a registry; `clock` returns epoch seconds.
    """

    def __init__(
        self, state: QueueState, account: Ami, load_visits: LoadVisits, clock: Callable[[], float] = time.time
    ) -> None:
        self.state = state
        self.problem = ""  # why there is no connection
        self._account, self._load_visits, self._clock = account, load_visits, clock
        self._ahead = 0.0  # s by which the switch's clock is ahead of ours
        self._watch = ClockWatch(CLOCK_TOLERANCE)

    def now(self) -> float:
        """The time of the switch's clock, to which the times of its events refer."""
        return self._clock() + self._ahead

    def snapshot(self) -> Snapshot:
        return self.state.snapshot(self.now())

    async def once(self, seconds: float) -> None:
        """Connect, read the whole state, disconnect. Raises `AmiError`."""
        async with ami.connect(self._account, seconds=seconds, events="off") as connection:
            await self.resync(connection)

    async def follow(self, backoff: ami.Backoff | None = None, every: float = RESYNC_SECONDS) -> None:
        """Keep the state up to date until cancelled. Raises `LoginRefused` if the first login is refused."""
        await ami.follow_events(
            self._account, self.resync, self._handle, self._disconnected, every=every, backoff=backoff, events=CLASSES
        )

    async def resync(self, connection: Connection) -> None:
        sent = self._clock()
        pong = await connection.action("Ping")
        self._ahead = _number(pong.get("Timestamp", ""), sent) - (sent + self._clock()) / 2
        if step := self._watch.step(self.now(), time.monotonic()):
            self.state.clock_stepped(step)
            self._report(step)
        listed = await connection.listed("QueueStatus", {"Queue": self.state.queue})
        if not any(entry["Event"] == "QueueParams" and entry.get("Queue") == self.state.queue for entry in listed):
            raise ami.ActionRefused(
                f"{connection.where}: no queue {self.state.queue!r}; include queues_nul.conf (`ivr render`)",
                "no such queue",
            )
        now = self.now()
        self.state.reset(listed, now)
        midnight = self.state.midnight(now)
        if (visits := await asyncio.to_thread(self._load_visits, midnight)) is not None:
            self.state.load_visits(visits, midnight)
        self.problem = ""

    def _report(self, step: float) -> None:
        where = f"the switch's clock was set {'back' if step < 0 else 'forward'} by {abs(step):.0f} s"
        remedy = f'; operators are not rung: asterisk -rx "queue reset stats {self.state.queue}"' if step < 0 else ""
        print(f"measure live: {where}{remedy}", file=sys.stderr, flush=True)

    def _handle(self, event: Message) -> None:
        self.state.handle(event, self.now())

    def _disconnected(self, problem: AmiError) -> None:
        self.problem = str(problem)
        self.state.disconnected(self.now())


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
