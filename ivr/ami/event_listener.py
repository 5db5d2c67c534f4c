"""A connection that reconnects: after every connect it queries the full state, then events keep the state up to date.

A restart of Asterisk, a network failure or a slow listener are all handled in the same way: by connecting again and
querying everything. So nothing depends on the arrival of every event.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ivr.ami.account import Ami
from ivr.ami.client import SECONDS, Connection, connect
from ivr.ami.errors import AmiError, LoginRefused
from ivr.ami.wire import Message


class Backoff(NamedTuple):
    """Seconds between attempts: `first`, then half as much again each time, up to `longest`. Up to a fifth is random,
    so
    that several listeners do not reconnect at the same moment."""

    first: float = 0.5
    longest: float = 30.0

    def seconds(self, failures: int) -> float:
        grown = self.first * 1.5 ** min(failures, 60)
        return min(self.longest, grown) * random.uniform(0.8, 1.0)


async def follow_events(
    account: Ami,
    resync: Callable[[Connection], Awaitable[None]],
    on_event: Callable[[Message], None],
    on_failure: Callable[[AmiError], None],
    *,
    every: float = 60.0,
    backoff: Backoff | None = None,
    seconds: float = SECONDS,
    events: str = "on",
) -> None:
    """Listen until cancelled. `resync` is awaited after each connect and every `every` seconds, which also detects a
    silent failure of the peer. `on_event` gets each event, `on_failure` each failure before the next attempt.

    Raises `LoginRefused` when the very first login is refused, since retrying would not help.
    """
    steps = backoff or Backoff()
    failures, logged_in = 0, False
    while True:
        try:
            async with connect(account, seconds=seconds, events=events) as connection:
                logged_in = True
                await resync(connection)
                failures = 0
                await _listen(connection, resync, on_event, every)
        except AmiError as problem:
            if isinstance(problem, LoginRefused) and not logged_in:
                raise
            on_failure(problem)
        await asyncio.sleep(steps.seconds(failures))
        failures += 1


async def _listen(
    connection: Connection,
    resync: Callable[[Connection], Awaitable[None]],
    on_event: Callable[[Message], None],
    every: float,
) -> None:
    async def resync_periodically() -> None:
        while True:
            await asyncio.sleep(every)
            await resync(connection)

    async def listen() -> None:
        async for event in connection.events():
            on_event(event)

    tasks = [asyncio.create_task(resync_periodically()), asyncio.create_task(listen())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
