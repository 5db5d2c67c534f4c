"""One AGI conversation, without I/O: bytes in, events out, commands to bytes.

The theory. A conversation is an environment, then commands and replies in strict turn: the switch reads its socket
through a buffer but waits on the socket itself, so a second command in one segment would lie there until a third one
comes. One command is under way, or none. Against this turn stands a single line, HANGUP, which the switch puts between
two replies whenever the caller goes: it is a note, not an answer, and the reply to the command under way still comes.

A reply is mostly one line, but not always:

- `200 result=1 (VALUE)` goes on over line feeds until a line ends with `)`;
- `520-...` opens a block of text that goes on until `520 ...`. The text is the command's manual and may hold any line,
  those that look like a reply included. The switch sends either in one piece, so HANGUP in the midst is text as well;
- lines `1xx ...` announce a reply (GOSUB does) and are passed over.

Where we are is a `State`; what may happen next is `TRANSITIONS`. A happening that the table does not have for the
present state is an error: ours when we were about to send, else the peer's, after which the connection stays in ERROR.

A reply that comes when none is due would be taken for the answer to the next command, and every later reply be off by
one. So whatever lies in the buffer before a command is sent must be HANGUP or an announcement.

Every element has a limit (environment, line, reply, lines passed over), so a peer cannot make us hold more than that.
"""

from __future__ import annotations

from ivr.agi.commands import CommandError
from ivr.agi.environment import MAX_BYTES, MAX_LINES, Environment, parse_environment
from ivr.agi.errors import Hangup, LocalProtocolError, RemoteProtocolError
from ivr.agi.receive_buffer import MAX_LINE, ReceiveBuffer, excerpt
from ivr.agi.replies import RawReply, Record, parse_reply_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from ivr.agi.commands import Command

MAX_REPLY = MAX_LINE  # bytes of one reply, all its lines together
MAX_ASIDES = 100  # lines HANGUP and 1xx between two replies; the switch sends two at most


class State:
    """Where a conversation is: plain constants, since `enum` would cost a process script 3 ms."""

    ENVIRONMENT: Final = "ENVIRONMENT"  # the switch introduces the call
    IDLE: Final = "IDLE"  # our turn
    AWAITING: Final = "AWAITING"  # a command is under way
    VALUE: Final = "VALUE"  # its value goes on in the next line
    USAGE: Final = "USAGE"  # its manual goes on in the next line
    CLOSED: Final = "CLOSED"
    ERROR: Final = "ERROR"


# What happens -> where that leads, for each state.
TRANSITIONS: dict[str, dict[str, str]] = {
    State.ENVIRONMENT: {"environment": State.IDLE, "end": State.CLOSED, "fault": State.ERROR},
    State.IDLE: {"send": State.AWAITING, "aside": State.IDLE, "end": State.CLOSED, "fault": State.ERROR},
    State.AWAITING: {
        "reply": State.IDLE,
        "value": State.VALUE,
        "usage": State.USAGE,
        "aside": State.AWAITING,
        "end": State.CLOSED,
        "fault": State.ERROR,
    },
    State.VALUE: {"reply": State.IDLE, "value": State.VALUE, "fault": State.ERROR},
    State.USAGE: {"reply": State.IDLE, "usage": State.USAGE, "fault": State.ERROR},
    State.CLOSED: {"end": State.CLOSED, "fault": State.ERROR},
    State.ERROR: {"fault": State.ERROR},
}

_NOT_NOW = {
    State.ENVIRONMENT: "the switch has not introduced the call yet; wait for the Environment",
    State.AWAITING: "its reply is still to come; wait for it, the switch takes one command at a time",
    State.CLOSED: "the switch has closed the connection; close it too",
    State.ERROR: "the conversation is broken; close the connection",
}
_NOT_NOW[State.VALUE] = _NOT_NOW[State.USAGE] = _NOT_NOW[State.AWAITING]


class NeedData:
    """Not an event but the want of one: `NEED_DATA` is the only object of this kind."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NEED_DATA"


NEED_DATA: Final = NeedData()


class Reply(Record):
    """The answer to `command`: `value` is what the command's `parse` made of it, or the `CommandError` or `Hangup` that
    came instead, to be raised where the command was wanted."""

    __slots__ = __match_args__ = ("command", "value")

    def __init__(self, command: Command[Any], value: Any) -> None:
        self.command = command
        self.value = value


class HungUp(Record):
    """The caller has gone; told once. The reply to a command under way is still to come."""

    __slots__ = ()


class Closed(Record):
    """The switch has closed the connection. `command`: the one that stays without a reply, or None."""

    __slots__ = __match_args__ = ("command",)

    def __init__(self, command: Command[Any] | None = None) -> None:
        self.command = command


Event = NeedData | Environment | Reply | HungUp | Closed

# The replies that make up nearly all traffic, known by heart: success, failure, and any key.
_KNOWN = {f"200 result={number}\n".encode(): RawReply(str(number)) for number in range(-1, 128)}

# Lines sent before. What flows say is nearly the same from call to call, and to quote and check it takes longer than to
# send it. What is longer than that is some caller's, and does not come again.
_SENT: dict[tuple[type[Command[Any]], tuple[str | int, ...]], bytes] = {}
MOST_SENT = 1024
LONGEST_SENT = 128  # bytes


class Connection:
    """Our side of a conversation.

    `state`: one of `State`. `hung_up`: the caller has gone (HANGUP seen, or a command refused with 511).
    `pending`: the command under way, or None.
    """

    __slots__ = (
        "_asides",
        "_eof",
        "_fault",
        "_held",
        "_held_bytes",
        "_received",
        "_untold",
        "hung_up",
        "pending",
        "state",
    )

    def __init__(self) -> None:
        self.state: str = State.ENVIRONMENT
        self.hung_up = False
        self.pending: Command[Any] | None = None
        self._received = ReceiveBuffer()
        self._eof = False
        self._held: list[bytes] = []  # the lines of a reply that goes on
        self._held_bytes = 0
        self._asides = 0
        self._untold = False  # HANGUP was seen while sending: the event is owed
        self._fault = ""

    def receive_data(self, data: bytes) -> None:
        """Take in what the peer has sent; b"" says that it has closed. Ask `next_event` what it means."""
        if not data:
            self._eof = True
        elif self._eof:
            raise LocalProtocolError("data after the end of the stream; start a new Connection for a new stream")
        elif self.state != State.ERROR:  # then nothing more is believed, nothing more is kept
            try:
                self._received.add(data)
            except RemoteProtocolError as problem:
                self._fail(problem)

    def send(self, command: Command[Any]) -> bytes:
        """The bytes to send for a command.

        Raises `LocalProtocolError`, nothing sent, when it is not our turn or the command cannot be sent safely, and
        `RemoteProtocolError` when the peer has already said what could be mistaken for the reply.
        """
        if self.state != State.IDLE:
            raise LocalProtocolError(f"{command.verb}: {_NOT_NOW[self.state]}")
        try:
            line = _SENT.get((command.__class__, command.words)) or _encode(command)
        except TypeError:  # an argument that cannot even be looked up: `encode` says what is wrong with it
            line = command.encode()
        if self._received.data:
            self._read_asides()
        self.state = State.AWAITING
        self.pending = command
        return line

    def receive_reply(self, data: bytes) -> Any:
        """The short way, for what nearly every segment is: the whole reply in one line, and nothing else lying here.

        The reply's value, as in `Reply`, with `data` taken in. `NEED_DATA` when it is anything else: then nothing has
        been taken in, and the way is `receive_data` and `next_event`. Raises as these do.
        """
        command = self.pending
        if command is None or self.state != State.AWAITING or self._received.data or self._untold or self._eof:
            return NEED_DATA
        raw = _KNOWN.get(data) or _one_line(data, command.carries_value)
        if raw is None:
            return NEED_DATA
        try:
            value = command.parse(raw)
        except RemoteProtocolError as problem:
            self._fail(problem)
            raise
        self.state = State.IDLE
        self.pending = None
        self._asides = 0
        return value

    def next_event(self) -> Event:
        """What has happened, or `NEED_DATA`. Raises `RemoteProtocolError`, and goes on doing so, once the peer has
        said what is no AGI."""
        try:
            return self._read_event()
        except RemoteProtocolError as problem:
            self._fail(problem)
            raise

    def _read_event(self) -> Event:
        if self.state == State.ERROR:
            raise RemoteProtocolError(self._fault)
        if self._untold:
            self._untold = False
            return HungUp()
        if self.state == State.ENVIRONMENT:
            return self._read_environment() or self._at_end()
        while (line := self._received.take_line()) is not None:
            event = self._read(line)
            if event is not None:
                return event
        return self._at_end()

    def _read_environment(self) -> Environment | None:
        data = self._received.data
        if data and data[:4] != b"agi_"[: len(data)]:
            raise RemoteProtocolError(f"{excerpt(data)} is no AGI; the first line must begin with agi_")
        block = self._received.take_block(MAX_BYTES, MAX_LINES)
        if block is None:
            return None
        environment = parse_environment(block)
        self._move("environment")
        return environment

    def _read_asides(self) -> None:
        """Before a command is sent: nothing may lie here that could be taken for its reply."""
        try:
            while (line := self._received.take_line()) is not None:
                if self._read(line) is not None:
                    self._untold = True
            rest = bytes(self._received.data[:8])
            if rest and not (b"HANGUP\r".startswith(rest) or rest[:1] == b"1"):
                raise RemoteProtocolError(f"{excerpt(rest)} came when no reply was due")
        except RemoteProtocolError as problem:
            self._fail(problem)
            raise

    # What a line means where we are; None when there is more to come.

    def _read(self, line: bytes) -> Event | None:
        if self.state == State.VALUE:
            return self._read_value(line)
        if self.state == State.USAGE:
            return self._read_usage(line)
        whole, line = line, line.removesuffix(b"\r")
        code = _code(line)
        if line == b"HANGUP" or 100 <= code < 200:
            return self._read_aside(line)
        if self.state != State.AWAITING:
            raise RemoteProtocolError(f"{excerpt(line)} came when no reply was due")
        if line.startswith(b"200 result="):
            return self._read_result(whole, line)
        if code < 300:
            raise RemoteProtocolError(f"{excerpt(line)} is no reply")
        return self._read_usage(line) if line[3:4] == b"-" else self._refusal(code, line)

    def _read_aside(self, line: bytes) -> Event | None:
        self._move("aside")
        self._asides += 1
        if self._asides > MAX_ASIDES:
            raise RemoteProtocolError(f"{MAX_ASIDES} lines such as {excerpt(line)} and no reply")
        if line != b"HANGUP" or self.hung_up:
            return None
        self.hung_up = True
        return HungUp()

    def _read_result(self, whole: bytes, line: bytes) -> Event | None:
        assert self.pending is not None
        if self.pending.carries_value and line[11:].partition(b" ")[2].startswith(b"("):
            return self._read_value(whole)  # a CR before the line feed may belong to the value
        return self._reply(parse_reply_line(line[11:].decode("utf-8", "replace"), False))

    def _read_value(self, line: bytes) -> Event | None:
        self._hold(line)
        if not line.endswith(b")"):
            self._move("value")
            return None
        return self._reply(parse_reply_line(self._release()[11:].decode("utf-8", "replace"), True))

    def _read_usage(self, line: bytes) -> Event | None:
        self._hold(line)
        code = self._held[0][:3]
        if _code(line) != int(code) or line[3:4] == b"-":
            self._move("usage")
            return None
        return self._refusal(int(code), self._release())

    def _hold(self, line: bytes) -> None:
        self._held_bytes += len(line) + bool(self._held)
        self._held.append(line)
        if self._held_bytes > MAX_REPLY:
            raise RemoteProtocolError(
                f"a reply of more than {MAX_REPLY} bytes, beginning with {excerpt(self._held[0])}"
            )

    def _release(self) -> bytes:
        whole = b"\n".join(self._held)
        self._held = []
        self._held_bytes = 0
        return whole

    # The reply is complete.

    def _reply(self, raw: RawReply) -> Reply:
        assert self.pending is not None
        return self._answer(self.pending.parse(raw))

    def _refusal(self, code: int, text: bytes) -> Reply:
        assert self.pending is not None
        words = text[4:].decode("utf-8", "replace")
        if code == 511:
            self.hung_up = True
            return self._answer(Hangup(f"{self.pending.verb}: {code} {words}"))
        return self._answer(CommandError(self.pending, code, words))

    def _answer(self, value: Any) -> Reply:
        command = self.pending
        assert command is not None
        self._move("reply")
        self.pending = None
        self._asides = 0
        return Reply(command, value)

    # The end

    def _at_end(self) -> Event:
        if not self._eof:
            return NEED_DATA
        rest = b"\n".join([*self._held, bytes(self._received.data)])
        if rest:
            raise RemoteProtocolError(f"the connection was closed in the midst of {excerpt(rest)}")
        self._move("end")
        return Closed(self.pending)

    def _fail(self, problem: RemoteProtocolError) -> None:
        if self.state != State.ERROR:
            self._fault = str(problem)
            self._move("fault")
            self._held = []
            self._received.drop()

    def _move(self, happening: str) -> None:
        self.state = TRANSITIONS[self.state][happening]


def _one_line(data: bytes, with_value: bool) -> RawReply | None:
    """A reply that is all of these bytes; None when they are anything else, or may go on."""
    if data[:11] != b"200 result=" or data[-1:] != b"\n" or len(data) > MAX_REPLY:
        return None
    text = data[11:-1].decode("utf-8", "replace")
    if "\n" in text or "\r" in text or (with_value and " (" in text and text[-1] != ")"):
        return None
    return parse_reply_line(text, with_value)


def _encode(command: Command[Any]) -> bytes:
    line = command.encode()
    if len(line) <= LONGEST_SENT:
        if len(_SENT) >= MOST_SENT:
            _SENT.clear()
        _SENT[command.__class__, command.words] = line
    return line


def _code(line: bytes) -> int:
    """The three digits that a reply begins with; 0 when it does not."""
    code = line[:3]
    return int(code) if len(code) == 3 and code.isdigit() and line[3:4] in (b" ", b"-", b"") else 0
