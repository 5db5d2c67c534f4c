"""A call's conversation, without I/O: bytes from the switch in, bytes for the switch out.

Couples the protocol (`ivr.agi`) with the flow that the switch asked for. Every driver runs calls through a `Session`,
so a flow behaves the same under all of them: FastAGI feeds it from a socket, tests feed it from a list.

What a hang-up means is decided here, once. HANGUP is only a note between two replies; the reply under way still comes
and the flow gets it. From then on a command that a dead channel would refuse is not sent: the flow is told `Hangup`
instead, may still set variables and report facts, and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ivr.agi import (
    NEED_DATA,
    AgiError,
    Closed,
    Command,
    CommandError,
    Connection,
    Environment,
    Hangup,
    HungUp,
    Reply,
)
from ivr.call import Call, Flow

FlowFunction = Callable[[Call], Flow]
Starter = Callable[[Environment], tuple[Call, Flow]]

LAST_WORDS = 50  # commands that a flow may want after the hang-up; a flow that wants more is cut off


class NoSuchFlow(AgiError):
    """The dialplan asked for a script that there is not."""


class Session:
    """One call's conversation. Feed `receive_data`, send what it returns, close when `finished`."""

    def __init__(self, start: Starter, log: Callable[..., None]) -> None:
        self._start = start
        self._log = log
        self._connection = Connection()
        self._flow: Flow | None = None
        self._last_words = LAST_WORDS
        self.call: Call | None = None
        self.finished = False
        self.ending = ""  # why it finished: "done", "hangup", "error"

    def receive_data(self, data: bytes) -> bytes:
        """What the switch sent (b"" when it closed); returns what to send to it.

        Raises `AgiError` when the peer does not speak AGI or asks for a flow that there is not.
        """
        connection = self._connection
        connection.receive_data(data)
        out = b""
        while not self.finished:
            event = connection.next_event()
            if event is NEED_DATA:
                break
            if type(event) is Reply:
                out = self._advance(event.value)
            elif type(event) is Environment:
                self.call, self._flow = self._start(event)
                out = self._advance(None)
            elif type(event) is Closed:
                self._abandon()
            elif type(event) is HungUp:
                continue  # the connection remembers; the reply under way is still to come
        return out

    def _advance(self, value: Any) -> bytes:
        """Send the flow a reply and encode what it wants next."""
        flow = self._flow
        assert flow is not None
        thrown = value if isinstance(value, (Hangup, CommandError)) else None
        while True:
            try:
                command: Command[Any] = flow.send(value) if thrown is None else flow.throw(thrown)
            except StopIteration:
                return self._finish("done")
            except Hangup:
                return self._finish("hangup")
            if self._connection.hung_up:
                self._last_words -= 1
                if self._last_words < 0:
                    flow.close()
                    return self._finish("error")
                if not command.dead_capable:
                    thrown = Hangup("the caller has hung up")
                    continue
            return self._connection.send(command)

    def _abandon(self) -> None:
        """The switch has closed: whatever the flow still wants to say, nobody listens."""
        flow, self._flow = self._flow, None
        if flow is None:
            self._finish("hangup")
            return
        for _ in range(LAST_WORDS):
            try:
                flow.throw(Hangup("the switch has closed the connection"))
            except StopIteration:
                break
            except Hangup:
                break
        flow.close()
        self._finish("hangup")

    def _finish(self, ending: str) -> bytes:
        self.finished, self.ending = True, ending
        return b""


def starter(flows: Mapping[str, FlowFunction], make_call: Callable[[Environment], Call]) -> Starter:
    """How a session finds its flow: by the script's name that the dialplan gave."""

    def start(environment: Environment) -> tuple[Call, Flow]:
        name = environment.script
        flow = flows.get(name)
        if flow is None:
            raise NoSuchFlow(f"agi://.../{name}: no such flow; there are {', '.join(sorted(flows))}")
        call = make_call(environment)
        return call, flow(call)

    return start
