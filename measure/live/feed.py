"""The board kept up to date from a running switch, and shown: as text, as JSON, as Prometheus metrics.

The web desk will show the same `Source`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from charter.kpi import Visit
from ivr import ami
from ivr.ami import AmiError, Connection, Message
from ivr.ami.account import Ami
from measure.live.board import Board, Picture

CLASSES = "agent,dialplan,system"  # of events: the queue's, the channels' variables, what the switch says of itself
RESYNC_SECONDS = 60.0

Told = Callable[[float], Mapping[str, Visit] | None]


class Source:
    """A board and what keeps it true. `told(midnight)`: the day's visits from what was written down, None when there is
    nothing written; `clock`: epoch seconds by this machine."""

    def __init__(self, board: Board, account: Ami, told: Told, clock: Callable[[], float] = time.time) -> None:
        self.board = board
        self.problem = ""  # why there is no connection
        self._account, self._told, self._clock = account, told, clock
        self._ahead = 0.0  # of the switch's clock

    def now(self) -> float:
        """By the switch's clock, which its events are to be read by."""
        return self._clock() + self._ahead

    def picture(self) -> Picture:
        return self.board.picture(self.now())

    async def once(self, seconds: float) -> None:
        """Connect, ask for everything, go. Raises `AmiError`."""
        async with ami.connect(self._account, seconds=seconds, events="off") as connection:
            await self.resync(connection)

    async def keep(self, backoff: ami.Backoff | None = None, every: float = RESYNC_SECONDS) -> None:
        """Until cancelled. Raises `LoginRefused` when the first login is."""
        await ami.follow(
            self._account, self.resync, self._took, self._lost, every=every, backoff=backoff, events=CLASSES
        )

    async def resync(self, connection: Connection) -> None:
        asked = self._clock()
        pong = await connection.action("Ping")
        self._ahead = _number(pong.get("Timestamp", ""), asked) - (asked + self._clock()) / 2
        listed = await connection.listed("QueueStatus", {"Queue": self.board.queue})
        if not any(entry["Event"] == "QueueParams" and entry.get("Queue") == self.board.queue for entry in listed):
            raise ami.Refused(
                f"{connection.where}: no queue {self.board.queue!r} there; is queues_nul.conf included? (`ivr render`)",
                "no such queue",
            )
        now = self.now()
        self.board.resynced(listed, now)
        midnight = self.board.midnight(now)
        if (visits := await asyncio.to_thread(self._told, midnight)) is not None:
            self.board.told(visits, midnight)
        self.problem = ""

    def _took(self, event: Message) -> None:
        self.board.took(event, self.now())

    def _lost(self, problem: AmiError) -> None:
        self.problem = str(problem)
        self.board.lost(self.now())


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise


# --- how it is shown --------------------------------------------------------------------------------------------------


def line(picture: Picture, problem: str) -> str:
    """One JSON document on one line; `problem`: why there is no connection, else empty."""
    return json.dumps({**picture.document(), "problem": problem}, ensure_ascii=False)


def rows(picture: Picture) -> list[tuple[str, str]]:
    """What is said, and its value."""
    seats, figures = picture.seats, picture.figures
    paused = ", ".join(f"{count} {reason}" for reason, count in seats.paused.items() if count)
    level = figures["service_level"]
    found = [
        ("waiting", str(picture.waiting)),
        ("oldest wait", _minutes(picture.oldest_wait)),
        ("seats logged in", str(seats.logged_in)),
        ("  free", str(seats.free)),
        ("  ringing", str(seats.ringing)),
        ("  talking", str(seats.talking)),
        ("  wrap-up", str(seats.wrap_up)),
        ("  paused", f"{sum(seats.paused.values())}" + (f" ({paused})" if paused else "")),
        ("  unreachable", str(seats.unreachable)),
        ("today: offered", str(picture.offered)),
        ("  answered", f"{picture.answered} ({_share(figures['answer_rate'].value)})"),
        ("  abandoned", f"{picture.abandoned} ({_share(figures['abandonment'].value)})"),
        ("  led to the voicemail", str(picture.led_to_voicemail)),
        ("  answered within 20 s", f"{level.numerator:g} of {level.denominator:g} ({_share(level.value)})"),
    ]
    mean = figures["wait_mean_all"].value
    return [*found, ("  mean wait", "-" if mean is None else _minutes(mean))]


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


class Gauges(Collector):
    """The same for Prometheus; its names begin with `measure_`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        picture = self._source.picture()
        yield _gauge("measure_live_connected", "1: the figures are of this moment", float(picture.connected))
        yield _gauge("measure_live_blind_seconds", "Of today, without a connection", picture.blind_seconds)
        yield _gauge("measure_queue_waiting", "Callers in the queue", picture.waiting)
        yield _gauge("measure_queue_oldest_wait_seconds", "Of the callers in the queue", picture.oldest_wait)
        yield self._seats(picture)
        today = GaugeMetricFamily("measure_today_visits", "Of today, in service hours", labels=["fate"])
        for fate in ("offered", "answered", "abandoned", "led_to_voicemail"):
            today.add_metric([fate], getattr(picture, fate))
        yield today
        for name, figure in picture.figures.items():
            if figure.value is not None:
                yield _gauge(f"measure_today_{name}", figure.definition.title("en"), figure.value)

    @staticmethod
    def _seats(picture: Picture) -> Metric:
        seats = GaugeMetricFamily("measure_seats", "Seats by state", labels=["state"])
        for state in ("logged_in", "free", "ringing", "talking", "wrap_up", "unreachable"):
            seats.add_metric([state], getattr(picture.seats, state))
        for reason, count in picture.seats.paused.items():
            seats.add_metric([f"paused_{reason}"], count)
        return seats


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
