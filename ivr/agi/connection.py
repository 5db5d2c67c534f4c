"""One AGI conversation, without I/O: bytes in, events out, commands to bytes.

The theory. A conversation is an environment, then commands and replies in strict turn. The switch reads its socket
through a buffer but waits on the socket itself, so a second command in one segment would stay in the buffer until a
third one comes. At most one command is pending. Only the line HANGUP breaks the turn: the switch sends it between two
replies when the caller hangs up. It is a notification, and the reply to the pending command still comes.

Most replies are one line, but not all:

- `200 result=1 (VALUE)` continues over line feeds until a line ends with `)`;
- `520-...` begins a block of text that ends with `520 ...`. The text is the command's manual and may hold any line,
  even one that looks like a reply. The switch sends the block in one piece, so HANGUP inside it is text, too;
- lines `1xx ...` announce a reply (of GOSUB) and are skipped.

`State` says where the conversation is, `TRANSITIONS` what may happen next. An event that the table does not list for
the current state is an error: ours if we were about to send, else the peer's, and the connection stays in ERROR.

An unexpected reply would be taken for the answer to the next command, and every later reply would be off by one. So
the buffer may hold only HANGUP or an announcement when a command is sent.

Every element has a limit (environment, line, reply, skipped lines), which bounds the memory that a peer can use.
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
    """States of a conversation: plain constants, because `enum` would cost a process script 3 ms."""

    ENVIRONMENT: Final = "ENVIRONMENT"  # the environment is still to come
    IDLE: Final = "IDLE"  # our turn
    AWAITING: Final = "AWAITING"  # a command is pending
    VALUE: Final = "VALUE"  # its value continues in the next line
    USAGE: Final = "USAGE"  # its manual continues in the next line
    CLOSED: Final = "CLOSED"
    ERROR: Final = "ERROR"


# For each state: event -> next state.
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
    State.ENVIRONMENT: "the environment has not come yet; wait for the Environment event",
    State.AWAITING: "a reply is still to come; wait for it, the switch takes one command at a time",
    State.CLOSED: "the switch has closed the connection; close it too",
    State.ERROR: "the conversation is broken; close the connection",
}
_NOT_NOW[State.VALUE] = _NOT_NOW[State.USAGE] = _NOT_NOW[State.AWAITING]


class NeedData:
    """No event yet: more bytes are needed. `NEED_DATA` is the only instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NEED_DATA"


NEED_DATA: Final = NeedData()


class Reply(Record):
    """The answer to `command`: `value` is the result of the command's `parse`, or the `CommandError` or `Hangup` to
    raise in the flow instead."""

    __slots__ = __match_args__ = ("command", "value")

    def __init__(self, command: Command[Any], value: Any) -> None:
        self.command = command
        self.value = value


class HungUp(Record):
    """The caller has hung up; reported once. The reply to a pending command is still to come."""

    __slots__ = ()


class Closed(Record):
    """The switch has closed the connection. `command`: the one left without a reply, or None."""

    __slots__ = __match_args__ = ("command",)

    def __init__(self, command: Command[Any] | None = None) -> None:
        self.command = command


Event = NeedData | Environment | Reply | HungUp | Closed

# Nearly all replies, parsed in advance: success, failure, and any key.
_KNOWN = {f"200 result={number}\n".encode(): RawReply(str(number)) for number in range(-1, 128)}

# Cache of encoded lines: flows send nearly the same commands on every call, and quoting and checking a line takes
# longer than sending it. Lines over `LONGEST_SENT` hold a caller's data and do not come again.
_SENT: dict[tuple[type[Command[Any]], tuple[str | int, ...]], bytes] = {}
MOST_SENT = 1024
LONGEST_SENT = 128  # bytes


class Connection:
    """Our side of a conversation.

    `state`: one of `State`. `hung_up`: the caller has hung up (HANGUP came, or a command was refused with 511).
    `pending`: the command whose reply is still to come, or None.
    """

    __slots__ = (
        "_asides",
        "_eof",
        "_fault",
        "_hangup_unreported",
        "_held",
        "_held_bytes",
        "_received",
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
        self._held: list[bytes] = []  # the lines of an incomplete reply
        self._held_bytes = 0
        self._asides = 0
        self._hangup_unreported = False  # HANGUP came while sending: the event is still due
        self._fault = ""

    def receive_data(self, data: bytes) -> None:
        """Add bytes from the peer; b"" means that it has closed. `next_event` interprets them."""
        if not data:
            self._eof = True
        elif self._eof:
            raise LocalProtocolError("data after the end of the stream; create a new Connection for a new stream")
        elif self.state != State.ERROR:  # in ERROR nothing more is trusted or stored
            try:
                self._received.add(data)
            except RemoteProtocolError as problem:
                self._fail(problem)

    def send(self, command: Command[Any]) -> bytes:
        """The bytes to send for a command.

        Raises `LocalProtocolError` when it is not our turn or the command cannot be sent safely, and
        `RemoteProtocolError` when the peer has already sent something that could be mistaken for the reply.
        """
        if self.state != State.IDLE:
            raise LocalProtocolError(f"{command.verb}: {_NOT_NOW[self.state]}")
        try:
            line = _SENT.get((command.__class__, command.words)) or _encode(command)
        except TypeError:  # an unhashable argument: `encode` raises the proper error
            line = command.encode()
        if self._received.data:
            self._read_asides()
        self.state = State.AWAITING
        self.pending = command
        return line

    def receive_reply(self, data: bytes) -> Any:
        """The fast path for nearly every segment: one complete reply in one line, with an empty buffer.

        Returns the reply's value, as in `Reply`. Returns `NEED_DATA` for anything else; `data` is then not consumed,
        and the caller goes on with `receive_data` and `next_event`. Raises as these do.
        """
        command = self.pending
        if (
            command is None
            or self.state != State.AWAITING
            or self._received.data
            or self._hangup_unreported
            or self._eof
        ):
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
        """The next event, or `NEED_DATA`. Raises `RemoteProtocolError` when the peer sends something that is not AGI,
        and from then on at every call."""
        try:
            return self._read_event()
        except RemoteProtocolError as problem:
            self._fail(problem)
            raise

    def _read_event(self) -> Event:
        if self.state == State.ERROR:
            raise RemoteProtocolError(self._fault)
        if self._hangup_unreported:
            self._hangup_unreported = False
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
            raise RemoteProtocolError(f"{excerpt(data)} is not AGI; the first line must begin with agi_")
        block = self._received.take_block(MAX_BYTES, MAX_LINES)
        if block is None:
            return None
        environment = parse_environment(block)
        self._move("environment")
        return environment

    def _read_asides(self) -> None:
        """Before sending: check that the buffer holds nothing that could be taken for the reply."""
        try:
            while (line := self._received.take_line()) is not None:
                if self._read(line) is not None:
                    self._hangup_unreported = True
            rest = bytes(self._received.data[:8])
            if rest and not (b"HANGUP\r".startswith(rest) or rest[:1] == b"1"):
                raise RemoteProtocolError(f"{excerpt(rest)} came when no reply was expected")
        except RemoteProtocolError as problem:
            self._fail(problem)
            raise

    # The meaning of a line in the current state; None when more is to come.

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
            raise RemoteProtocolError(f"{excerpt(line)} came when no reply was expected")
        if line.startswith(b"200 result="):
            return self._read_result(whole, line)
        if code < 300:
            raise RemoteProtocolError(f"{excerpt(line)} is not a reply")
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
            raise RemoteProtocolError(f"the connection was closed in the middle of {excerpt(rest)}")
        self._move("end")
        return Closed(self.pending)

    def _fail(self, problem: RemoteProtocolError) -> None:
        if self.state != State.ERROR:
            self._fault = str(problem)
            self._move("fault")
            self._held = []
            self._received.drop()

    def _move(self, event: str) -> None:
        self.state = TRANSITIONS[self.state][event]


def _one_line(data: bytes, with_value: bool) -> RawReply | None:
    """The reply, when the bytes are exactly one complete line; else None."""
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
    """The three digits at the beginning of a reply; 0 without them."""
    code = line[:3]
    return int(code) if len(code) == 3 and code.isdigit() and line[3:4] in (b" ", b"-", b"") else 0
