"""A connection that comes back: the truth is asked for after each connect, failures are told, attempts grow apart."""

from __future__ import annotations

import asyncio

import pytest

from ivr.ami import AmiError, Backoff, Connection, LoginRefused, Message, follow_events
from ivr.ami.account import Ami
from tests.ivr.ami.peer import GREETING, Script, Visitor, manager

AT_ONCE = Backoff(first=0.001, longest=0.01)


class Listener:
    """Notes everything; ends when it has heard "Last"."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.over = asyncio.Event()

    async def resync(self, connection: Connection) -> None:
        found = await connection.listed("QueueStatus", seconds=1)
        self.log.append(f"resync {len(found)}")

    def taken(self, message: Message) -> None:
        self.log.append(message["Event"])
        if message["Event"] == "Last":
            self.over.set()

    def lost(self, problem: AmiError) -> None:
        self.log.append(type(problem).__name__)

    async def follow(self, account: Ami, every: float = 60.0) -> None:
        task = asyncio.create_task(
            follow_events(account, self.resync, self.taken, self.lost, every=every, backoff=AT_ONCE)
        )
        over = asyncio.create_task(self.over.wait())
        try:
            async with asyncio.timeout(10):
                await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            over.cancel()
            ended = await asyncio.gather(task, over, return_exceptions=True)
        if isinstance(ended[0], AmiError):
            raise ended[0]


def followed(script: Script, every: float = 60.0) -> list[str]:
    async def play() -> list[str]:
        listener = Listener()
        async with manager(script) as account:
            await listener.follow(account, every)
        return listener.log

    return asyncio.run(play())


async def status(visitor: Visitor, entries: int) -> None:
    asked = await visitor.hear()
    await visitor.reply(asked, "EventList: start")
    for _ in range(entries):
        await visitor.reply(asked, kind="Event: QueueMember")
    await visitor.reply(asked, "EventList: Complete", kind="Event: QueueStatusComplete")


def test_after_a_restart_everything_is_queried_again() -> None:
    visits = 0

    async def script(visitor: Visitor) -> None:
        nonlocal visits
        visits += 1
        await visitor.welcome()
        await status(visitor, visits)
        await visitor.send(b"Event: One\r\n\r\n" if visits == 1 else b"Event: Last\r\n\r\n")
        if visits > 1:
            await visitor.reader.read()

    assert followed(script) == ["resync 1", "One", "ConnectionLost", "resync 2", "Last"]


def test_garbage_a_silent_peer_and_a_refused_list_are_reported_and_retried() -> None:
    visits = 0

    async def script(visitor: Visitor) -> None:
        nonlocal visits
        visits += 1
        if visits == 1:
            await visitor.send(b"HTTP/1.1 200 OK\r\n")
            return
        await visitor.welcome()
        if visits == 2:
            await visitor.reply(await visitor.hear(), "Message: not now", kind="Response: Error")
        elif visits == 3:
            await visitor.hear()
            await visitor.reader.read()  # and never a reply
        else:
            await status(visitor, 0)
            await visitor.send(b"Event: Last\r\n\r\n")
            await visitor.reader.read()

    assert followed(script) == ["ProtocolError", "ActionRefused", "NoAnswer", "resync 0", "Last"]


def test_a_login_refused_at_first_is_an_error_and_later_is_waited_for() -> None:
    visits = 0

    async def script(visitor: Visitor) -> None:
        nonlocal visits
        visits += 1
        if visits in (1, 3):
            await visitor.welcome()
            await status(visitor, 0)
            if visits == 3:
                await visitor.send(b"Event: Last\r\n\r\n")
                await visitor.reader.read()
            return
        await visitor.send(GREETING)  # Asterisk is booting and has not read its users yet
        await visitor.reply(await visitor.hear(), "Message: Authentication failed", kind="Response: Error")

    assert followed(script) == ["resync 0", "ConnectionLost", "LoginRefused", "resync 0", "Last"]
    visits = 1
    with pytest.raises(LoginRefused):
        followed(script)


def test_a_peer_that_is_gone_without_a_word_is_found_by_asking_again() -> None:
    visits = 0

    async def script(visitor: Visitor) -> None:
        nonlocal visits
        visits += 1
        await visitor.welcome()
        await status(visitor, 0)
        await visitor.hear()
        if visits == 1:
            await visitor.reader.read()
        await visitor.send(b"Event: Last\r\n\r\n")
        await visitor.reader.read()

    assert followed(script, every=0.05) == ["resync 0", "NoAnswer", "resync 0", "Last"]


def test_attempts_grow_apart_up_to_a_bound() -> None:
    steps = Backoff(first=1.0, longest=10.0)
    means = [steps.seconds(failures) for failures in range(200)]
    assert all(0.8 <= each <= 10.0 for each in means)
    assert means[0] <= 1.0 < means[3]
    assert min(means[10:]) >= 8.0
