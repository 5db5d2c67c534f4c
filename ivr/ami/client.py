"""One connection to a manager: actions with their replies, complete lists, events in order.

Every action has its own ActionID and a deadline; a later reply is dropped. The secret is never sent in plain text (MD5
challenge), since another program may listen on the port while Asterisk is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import AsyncIterator
from typing import NamedTuple, NoReturn

from ivr.ami.account import Ami
from ivr.ami.errors import ActionRefused, AmiError, ConnectionLost, LoginRefused, NoAnswer, TooManyEvents, Unreachable
from ivr.ami.wire import Fields, Message, Reader, encode

SECONDS = 5.0  # for a reply, by default
MOST_EVENTS = 20_000  # in the queue; some minutes on the busiest switch
MOST_LISTED = 100_000  # entries of one list
READ_BYTES = 65536


class _Pending(NamedTuple):
    """A pending action: it waits for the reply alone, or for all messages of its ActionID until `last`."""

    future: asyncio.Future[list[Message]]
    messages: list[Message]
    last: str | None  # the final event; "" for a list, which marks its own end


class Connection:
    """A connection made by `connect`. Its errors are `AmiError`; the one that ends it is raised at every later use."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str) -> None:
        self.where = where
        self.version = ""
        self._reader, self._writer = reader, writer
        self._wire = Reader()
        self._pending: dict[str, _Pending] = {}
        self._numbers = itertools.count(1)
        self._events: asyncio.Queue[Message | None] = asyncio.Queue()
        self._ended: AmiError | None = None
        self._greeted = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    # --- actions

    async def action(self, action: str, fields: Fields | None = None, *, seconds: float = SECONDS) -> Message:
        """The reply. Raises `ActionRefused` (Response: Error), other `AmiError`."""
        return (await self._ask(action, fields or {}, seconds, None))[0]

    async def listed(self, action: str, fields: Fields | None = None, *, seconds: float = SECONDS) -> list[Message]:
        """The entries of a list (QueueStatus, CoreShowChannels): the events between its start and its end."""
        return (await self._ask(action, fields or {}, seconds, ""))[1:-1]

    async def action_until(self, action: str, fields: Fields, event: str, *, seconds: float) -> Message:
        """The event that completes an action, such as OriginateResponse for an Originate with `Async: true`."""
        return (await self._ask(action, fields, seconds, event))[-1]

    async def _ask(self, action: str, fields: Fields, seconds: float, last: str | None) -> list[Message]:
        self._check()
        id = f"nul-{next(self._numbers)}"
        data = encode(action, id, fields)
        pending = self._pending[id] = _Pending(asyncio.get_running_loop().create_future(), [], last)
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(data)
                await self._writer.drain()
                return await pending.future
        except TimeoutError:
            raise NoAnswer(
                f"{self.where}: no answer to {action} within {seconds:g} s; is Asterisk overloaded?"
            ) from None
        except OSError as problem:
            raise self._end(ConnectionLost(f"{self.where}: connection lost during {action}: {problem}")) from None
        finally:
            del self._pending[id]

    # --- events

    async def events(self) -> AsyncIterator[Message]:
        """The events of the switch, in order. Raises the error that ends the connection."""
        while (event := await self._events.get()) is not None:
            yield event
        self._check()

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(READ_BYTES):
                for message in self._wire.feed(data):
                    self._deliver(message)
                if self._wire.version is not None:
                    self._greeted.set()
            self._end(
                ConnectionLost(
                    f"{self.where}: the manager closed the connection; it is restarting, or its log says why"
                )
            )
        except AmiError as problem:
            self._end(type(problem)(f"{self.where}: {problem}"))
        except OSError as problem:
            self._end(ConnectionLost(f"{self.where}: connection lost: {problem}"))

    def _deliver(self, message: Message) -> None:
        pending = self._pending.get(message.get("ActionID", ""))
        if pending is not None:
            self._answer(pending, message)
        elif "Event" in message:
            if self._events.qsize() >= MOST_EVENTS:
                raise TooManyEvents(f"{MOST_EVENTS} unread events; reconnect and query the current state")
            self._events.put_nowait(message)

    def _answer(self, pending: _Pending, message: Message) -> None:
        if pending.future.done():
            return
        pending.messages.append(message)
        if message.get("Response") == "Error":
            reason = message.get("Message", "no reason given")
            pending.future.set_exception(ActionRefused(f"{self.where}: refused: {reason}", reason))
        elif len(pending.messages) > MOST_LISTED:
            pending.future.set_exception(NoAnswer(f"{self.where}: a list of more than {MOST_LISTED} entries"))
        elif pending.last is None or self._is_last(pending.last, message):
            pending.future.set_result(pending.messages)

    @staticmethod
    def _is_last(last: str, message: Message) -> bool:
        if last:
            return message.get("Event") == last
        # A reply that is not a list counts as a list without entries.
        return message.get("EventList", "" if "Response" in message else "more") in ("", "Complete", "cancelled")

    # --- the end

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended

    def _end(self, problem: AmiError) -> AmiError:
        """Record the end of the connection; only the first reason counts."""
        if self._ended is None:
            self._ended = problem
            self._events.put_nowait(None)
            for pending in self._pending.values():
                if not pending.future.done():
                    pending.future.set_exception(problem)
        self._greeted.set()
        return self._ended

    async def close(self) -> None:
        self._end(ConnectionLost(f"{self.where}: closed by us"))
        self._task.cancel()
        self._writer.transport.abort()  # a peer that reads nothing must not block us
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _log_in(self, account: Ami, events: str) -> None:
        await self._greeted.wait()
        self._check()
        self.version = self._wire.version or ""
        try:
            challenge = (await self.action("Challenge", {"AuthType": "MD5"})).get("Challenge", "")
            key = hashlib.md5(f"{challenge}{account.secret}".encode(), usedforsecurity=False).hexdigest()
            fields = {"AuthType": "MD5", "Username": account.user, "Key": key, "Events": events}
            await self.action("Login", fields)
        except ActionRefused as problem:
            raise LoginRefused(
                f"{self.where}: login as {account.user} refused ({problem.reason}); its secret, and permit/deny for "
                "this machine, are in Asterisk's manager.conf"
            ) from None


@contextlib.asynccontextmanager
async def connect(account: Ami, *, seconds: float = SECONDS, events: str = "on") -> AsyncIterator[Connection]:
    """Connect and log in within `seconds`. `events`: classes of events (`on`, `off`, `call,agent`).

    Raises `Unreachable`, `LoginRefused`, `Garbled`, `Lost`.
    """
    where = f"manager {account.host}:{account.port}"
    connection: Connection | None = None
    try:
        try:
            async with asyncio.timeout(seconds):
                connection = Connection(*await asyncio.open_connection(account.host, account.port), where)
                await connection._log_in(account, events)
        except TimeoutError:
            _unreachable(where, f"no answer within {seconds:g} s")
        except OSError as problem:
            _unreachable(where, problem.strerror or str(problem))
        yield connection
    finally:
        if connection is not None:
            await connection.close()


def _unreachable(where: str, why: str) -> NoReturn:
    raise Unreachable(f"{where}: {why}; does Asterisk run, with manager.conf enabled on that port? (NUL_AMI)") from None
