"""A connection that comes back: after every connect the truth is asked for, then events keep it up to date.

A restart of Asterisk, a network that was away, a listener that fell behind: all end in the same way, by connecting
again and asking for everything. So no event has to be trusted to have arrived.
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
    """Seconds between attempts: the first, growing by half each time, at most `longest`; up to a fifth is chance, so
    that several listeners do not come back at the same moment."""

    first: float = 0.5
    longest: float = 30.0

    def seconds(self, failures: int) -> float:
        grown = self.first * 1.5 ** min(failures, 60)
        return min(self.longest, grown) * random.uniform(0.8, 1.0)


async def follow_events(
    account: Ami,
    resync: Callable[[Connection], Awaitable[None]],
    taken: Callable[[Message], None],
    lost: Callable[[AmiError], None],
    *,
    every: float = 60.0,
    backoff: Backoff | None = None,
    seconds: float = SECONDS,
    events: str = "on",
) -> None:
    """Listen until cancelled. `resync` is awaited after each connect and every `every` seconds, which also finds a peer
    that is gone without a word; `taken` gets each event; `lost` each failure, after which it is tried again.

    Raises `LoginRefused` when the very first login is refused: that does not mend itself.
    """
    steps = backoff or Backoff()
    failures, welcome = 0, False
    while True:
        try:
            async with connect(account, seconds=seconds, events=events) as connection:
                welcome = True
                await resync(connection)
                failures = 0
                await _listen(connection, resync, taken, every)
        except AmiError as problem:
            if isinstance(problem, LoginRefused) and not welcome:
                raise
            lost(problem)
        await asyncio.sleep(steps.seconds(failures))
        failures += 1


async def _listen(
    connection: Connection,
    resync: Callable[[Connection], Awaitable[None]],
    taken: Callable[[Message], None],
    every: float,
) -> None:
    async def again() -> None:
        while True:
            await asyncio.sleep(every)
            await resync(connection)

    async def listen() -> None:
        async for event in connection.events():
            taken(event)

    tasks = [asyncio.create_task(again()), asyncio.create_task(listen())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
