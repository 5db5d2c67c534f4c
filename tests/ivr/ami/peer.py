"""A manager that does what a test tells it, byte by byte, on a port of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable

from ivr.ami.account import Ami

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
USER, SECRET = "nul", "a-secret"


class Visitor:
    """One connection, seen from the manager's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.said = b""  # everything that came

    async def send(self, data: bytes, piece: int = 0) -> None:
        """At once, or in pieces of so many bytes."""
        step = piece or len(data) or 1
        for at in range(0, len(data), step):
            self.writer.write(data[at : at + step])
            await self.writer.drain()
            if piece:
                await asyncio.sleep(0)

    async def hear(self) -> dict[str, str]:
        """The next action."""
        block = await self.reader.readuntil(b"\r\n\r\n")
        self.said += block
        return dict(re.findall(r"(\S+): ([^\r]*)\r\n", block.decode()))

    async def reply(self, asked: dict[str, str], *lines: str, kind: str = "Response: Success") -> None:
        text = "\r\n".join((kind, f"ActionID: {asked['ActionID']}", *lines)) + "\r\n\r\n"
        await self.send(text.encode())

    async def welcome(self) -> None:
        """Greet and let anybody in."""
        await self.send(GREETING)
        await self.reply(await self.hear(), "Challenge: 123456")
        await self.reply(await self.hear(), "Message: Authentication accepted")


Script = Callable[[Visitor], Awaitable[None]]


@contextlib.asynccontextmanager
async def manager(script: Script) -> AsyncIterator[Ami]:
    """Serve the script to each client; yields its address and login. Errors of the script fail the test."""
    tasks: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # who was called has gone
                await script(Visitor(reader, writer))
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield Ami("127.0.0.1", server.sockets[0].getsockname()[1], USER, SECRET)
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for problem in ended:
        if isinstance(problem, Exception):
            raise problem
