"""A call's conversation, without I/O: bytes from the switch in, bytes for the switch out.

A session connects the protocol (`ivr.agi`) with the flow that the switch asked for. Every driver uses the same rules,
so a flow behaves the same under all of them: FastAGI feeds a session from a socket, tests feed it from a list.

The rule for a hang-up is here, and only here. HANGUP is a notification between two replies; the pending reply still
comes, and the flow gets it. The flow's next command is not sent: the flow gets `Hangup` instead, so that no flow hands
over a caller who has hung up. After that it may set variables and report facts, but nothing that a dead channel
refuses.
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

LAST_WORDS = 50  # commands that a flow may yield after the hang-up; then it is closed


class NoSuchFlow(AgiError):
    """The dialplan asked for a script that does not exist."""


class FlowStepper:
    """Steps a flow from reply to reply, and raises `Hangup` in it at the right moment: the rule of all drivers."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._begun = False
        self._told = False  # whether the flow knows of the hang-up
        self._last_words = LAST_WORDS
        self.ending = ""  # how the flow ended: "done", "hangup" or "error" (it would not end)

    def advance(self, value: Any, *, hung_up: bool) -> Command[Any] | None:
        """Give the flow a reply, or the error that came instead; returns the next command, None at the end."""
        thrown = value if isinstance(value, Exception) else None  # Hangup or CommandError
        if not self._begun:  # a flow that begins on a dead channel knows it
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
            except Hangup as hangup:
                forget_frames(hangup)
                self.ending = "hangup"
                return None
            finally:
                # An error that the flow lets pass refers to this frame by its traceback: no reference back, see below.
                value = thrown = None
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
        """The switch has closed: let the flow clean up, and send nothing."""
        while self.advance(Hangup("the switch has closed the connection"), hung_up=True) is not None:
            pass


def forget_frames(problem: BaseException | None) -> None:
    """Drop the tracebacks of an error that has been handled, and the errors that it came from.

    A traceback refers to the frames that it passed, and through them to their callers, to the call, and to the error
    itself: a cycle that keeps the whole call in memory until the next garbage collection.
    """
    while problem is not None:
        problem.__traceback__ = None
        behind = problem.__cause__ or problem.__context__
        problem.__cause__ = problem.__context__ = None
        problem = behind


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
        """Process bytes from the switch (b"" when it closed); returns the bytes to send.

        Raises `AgiError` when the peer does not speak AGI or asks for an unknown flow, and whatever a broken flow
        raises.
        """
        connection = self._connection
        value = connection.receive_reply(data)
        if value is not NEED_DATA:
            return self._advance(value)
        connection.receive_data(data)
        while not self.finished:
            event = connection.next_event()
            if type(event) is Reply:
                # Our next command ends this turn: `send` checks that the buffer holds no further reply.
                return self._advance(event.value)
            if event is NEED_DATA:
                break
            if type(event) is Environment:
                self.call, flow = self._start(event)
                self._policy = FlowStepper(flow)
                return self._advance(None)
            if type(event) is Closed:
                self.abandon()
            # HungUp: the connection remembers it, and the pending reply is still to come
        return b""

    def abandon(self) -> None:
        """The connection is closed, by either side: let the flow clean up; nothing more is sent."""
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
    """How a session finds its flow: by the name of the script that the dialplan asked for."""

    def start(environment: Environment) -> tuple[Call, Flow]:
        name = environment.script
        flow = flows.get(name)
        if flow is None:
            raise NoSuchFlow(f"agi://.../{name}: no such flow; there are {', '.join(sorted(flows))}")
        call = make_call(environment)
        return call, flow(call)

    return start
