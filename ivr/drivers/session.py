"""A call's conversation, without I/O: bytes from the switch in, bytes for the switch out.

Couples the protocol (`ivr.agi`) with the flow that the switch asked for. Every driver runs calls through a `Session`,
so a flow behaves the same under all of them: FastAGI feeds it from a socket, tests feed it from a list.

What a hang-up means is decided here, once. HANGUP is only a note between two replies; the reply under way still comes
and the flow gets it. Whatever the flow wants next is not sent: it is told `Hangup` instead, so that no flow hands a
caller over who has gone. After that it may set variables and report facts, nothing that a dead channel would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ivr.agi import (
    NEED_DATA,
    AgiError,
    Closed,
    Command,
    Connection,
    Environment,
    Hangup,
    Reply,
)
from ivr.flows.call import Call, Flow, FlowFunction

Starter = Callable[[Environment], tuple[Call, Flow]]

LAST_WORDS = 50  # commands that a flow may want after the hang-up; a flow that wants more is cut off


class NoSuchFlow(AgiError):
    """The dialplan asked for a script that there is not."""


class FlowStepper:
    """Steps a flow from reply to reply, and tells it of the hang-up when it is time to: the rule of all drivers."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._begun = False
        self._told = False  # of the hang-up
        self._last_words = LAST_WORDS
        self.ending = ""  # how the flow ended: "done", "hangup" or "error" (it would not end)

    def advance(self, value: Any, *, hung_up: bool) -> Command[Any] | None:
        """Give the flow a reply (or the error that came instead of one); the next command to send, None at its end."""
        thrown = value if isinstance(value, Exception) else None  # Hangup or CommandError
        if not self._begun:  # a flow that begins on a dead channel knows that it does
            self._begun, self._told = True, hung_up
        while True:
            try:
                if thrown is None:
                    command: Command[Any] = self._flow.send(value)
                else:
                    self._told |= isinstance(thrown, Hangup)
                    command = self._flow.throw(thrown)
            except StopIteration:
                self.ending = "done"
                return None
            except Hangup:
                self.ending = "hangup"
                return None
            if not hung_up:
                return command
            self._last_words -= 1
            if self._last_words < 0:
                self._flow.close()
                self.ending = "error"
                return None
            if self._told and command.dead_capable:
                return command
            thrown = Hangup("the caller has hung up")

    def abandon(self) -> None:
        """The switch no longer listens: let the flow put its things in order, send nothing."""
        while self.advance(Hangup("the switch has closed the connection"), hung_up=True) is not None:
            pass


class Session:
    """One call's conversation. Feed `receive_data`, send what it returns, close when `finished`."""

    def __init__(self, start: Starter) -> None:
        self._start = start
        self._connection = Connection()
        self._policy: FlowStepper | None = None
        self.call: Call | None = None
        self.finished = False

    @property
    def ending(self) -> str:
        """How the flow ended: "done", "hangup" or "error"; "" while it runs or if it never began."""
        return "" if self._policy is None else self._policy.ending

    def receive_data(self, data: bytes) -> bytes:
        """What the switch sent (b"" when it closed); returns what to send to it.

        Raises `AgiError` when the peer does not speak AGI or asks for a flow that there is not, and whatever a broken
        flow raises.
        """
        connection = self._connection
        value = connection.receive_reply(data)
        if value is not NEED_DATA:
            return self._advance(value)
        connection.receive_data(data)
        while not self.finished:
            event = connection.next_event()
            if type(event) is Reply:
                # Our next command is the end of this turn: `send` has made sure that nothing lies behind the reply.
                return self._advance(event.value)
            if event is NEED_DATA:
                break
            if type(event) is Environment:
                self.call, flow = self._start(event)
                self._policy = FlowStepper(flow)
                return self._advance(None)
            if type(event) is Closed:
                self.abandon()
            # HungUp: the connection remembers it, and the reply under way is still to come
        return b""

    def abandon(self) -> None:
        """The connection is over, whoever ended it: the flow may put its things in order, nothing more is sent."""
        if not self.finished:
            self.finished = True
            if self._policy is not None:
                self._policy.abandon()

    def _advance(self, value: Any) -> bytes:
        assert self._policy is not None
        command = self._policy.advance(value, hung_up=self._connection.hung_up)
        if command is None:
            self.finished = True
            return b""
        return self._connection.send(command)


def flow_starter(flows: Mapping[str, FlowFunction], make_call: Callable[[Environment], Call]) -> Starter:
    """How a session finds its flow: by the script's name that the dialplan gave."""

    def start(environment: Environment) -> tuple[Call, Flow]:
        name = environment.script
        flow = flows.get(name)
        if flow is None:
            raise NoSuchFlow(f"agi://.../{name}: no such flow; there are {', '.join(sorted(flows))}")
        call = make_call(environment)
        return call, flow(call)

    return start
