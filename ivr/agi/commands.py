"""The commands of a switch, one class each, named after the command: `STREAM FILE` is `StreamFile`.

A command defines three things: its arguments, whether it may run after the caller has hung up (`dead_capable`, as
Asterisk 22 lists it), and how its reply is parsed. It is a plain value: two commands with the same arguments are equal,
so a test can compare the commands of a flow with the expected ones.

Commands with the same kind of reply share a base: `Acts`, `Plays`, `AsksForKey`, `AsksForValue`, `Changes`. Names of
times end with their unit.

Sounds, keys and recordings are in `media.py`, the database in `database.py`, speech recognition in `speech.py`.
"""

from __future__ import annotations

from ivr.agi.errors import AgiError
from ivr.agi.replies import KEY_OF, Played, RawReply, Result
from ivr.agi.wire import constant_expression, constant_name, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Generic, TypeVar

    R = TypeVar("R")
else:
    R = object

    class Generic:
        """`Command[Played]` has a meaning for the type checker only."""

        def __class_getitem__(cls, item):
            return cls


class Command(Generic[R]):
    """A command with its arguments. `words` are the arguments in the order in which they are sent."""

    verb: ClassVar[str]
    dead_capable: ClassVar[bool] = False
    carries_value: ClassVar[bool] = False  # its reply may hold free text in parentheses, with line feeds

    __slots__ = ("words",)
    words: tuple[str | int, ...]

    def __init__(self) -> None:
        self.words = ()

    def encode(self) -> bytes:
        """The line to send, with its line feed. Raises `LocalProtocolError` for unsafe arguments."""
        return encode(self.verb, self.words)

    def parse(self, reply: RawReply) -> R:
        """The value of a reply, as a flow receives it. Raises `RemoteProtocolError` for an invalid reply."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.words == self.words

    def __hash__(self) -> int:
        return hash((type(self), self.words))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.words))})"


class CommandError(AgiError):
    """The switch refused a command: 510 unknown, 520 wrong arguments (`text` is its usage), 503 out of memory."""

    def __init__(self, command: Command[Any], code: int, text: str) -> None:
        super().__init__(command, code, text)
        self.command = command
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"{self.command.verb}: {self.code} {self.text.partition(chr(10))[0]}"


class Acts(Command[Result]):
    """Performs an action and returns a number."""

    def parse(self, reply: RawReply) -> Result:
        return Result(reply.number)


class Plays(Command[Played]):
    """Plays a sound, which keys may cut short."""

    def parse(self, reply: RawReply) -> Played:
        number = reply.number
        return Played(KEY_OF.get(number, ""), reply.endpos, number < 0)


class AsksForKey(Command[str]):
    """Waits for one key or character; "" when none came."""

    def parse(self, reply: RawReply) -> str:
        return reply.key


class AsksForValue(Command["str | None"]):
    """Asks for a text; None when it is unset."""

    carries_value = True

    def parse(self, reply: RawReply) -> str | None:
        return (reply.data or "") if reply.number == 1 else None


class Changes(Command[bool]):
    """Changes something; True when it did."""

    def parse(self, reply: RawReply) -> bool:
        return reply.number == 1


# The channel


class Answer(Acts):
    verb = "ANSWER"


class AsyncAgiBreak(Acts):
    """Returns an AsyncAGI channel to the dialplan; FastAGI closes the connection instead."""

    verb = "ASYNCAGI BREAK"
    dead_capable = True


class ChannelStatus(Command[int]):
    """The channel's state: 0 down, 1 reserved, 2 off hook, 3 dialled, 4 ringing, 5 ringing far away, 6 up, 7 busy;
    -1 when there is no such channel."""

    verb = "CHANNEL STATUS"

    def __init__(self, channel: str = "") -> None:
        self.words = (channel,) if channel else ()

    def parse(self, reply: RawReply) -> int:
        return reply.number


class HangupCall(Acts):
    """HANGUP: ends this call, or that of another channel. (`Hangup` is the exception for a caller who hung up.)"""

    verb = "HANGUP"

    def __init__(self, channel: str = "") -> None:
        self.words = (channel,) if channel else ()


class SetAutohangup(Acts):
    """Ends the call after so many seconds; 0 cancels this."""

    verb = "SET AUTOHANGUP"

    def __init__(self, seconds: int) -> None:
        self.words = (seconds,)


class SetCallerid(Acts):
    """Sets the caller's name and number, given as `Mario Rossi <0612345678>`; the switch keeps 255 bytes."""

    verb = "SET CALLERID"

    def __init__(self, callerid: str) -> None:
        self.words = (callerid,)


class SetMusic(Acts):
    """Starts or stops music on hold."""

    verb = "SET MUSIC"

    def __init__(self, on: bool, music_class: str = "") -> None:
        self.words = ("on" if on else "off", music_class)


class TddMode(Changes):
    """Switches text telephony for the deaf: "on", "off", "mate" or "tdd". False when the channel has none."""

    verb = "TDD MODE"

    def __init__(self, mode: str) -> None:
        self.words = (mode,)


# Where the dialplan continues. The switch does not check that the place exists.


class SetContext(Acts):
    verb = "SET CONTEXT"

    def __init__(self, context: str) -> None:
        self.words = (context,)


class SetExtension(Acts):
    verb = "SET EXTENSION"

    def __init__(self, extension: str) -> None:
        self.words = (extension,)


class SetPriority(Acts):
    """`priority`: a number or a label."""

    verb = "SET PRIORITY"

    def __init__(self, priority: str | int) -> None:
        self.words = (priority,)


class Gosub(Acts):
    """Runs a dialplan subroutine until its Return(); `failed` when it does not exist or the caller hung up."""

    verb = "GOSUB"

    def __init__(self, context: str, extension: str, priority: str | int, arguments: str = "") -> None:
        self.words = (context, extension, priority, arguments) if arguments else (context, extension, priority)


class Exec(Command[int]):
    """Runs a dialplan application; returns its number, -2 when there is no such application.

    The application splits `options` at commas, so never put a caller's text there. -1 does not mean that the caller
    hung up: `Queue` returns it when the agent did.
    """

    verb = "EXEC"
    dead_capable = True

    def __init__(self, application: str, options: str = "") -> None:
        self.words = (application, options)

    def encode(self) -> bytes:
        constant_name(self.verb, self.words[0])
        return encode(self.verb, self.words)

    def parse(self, reply: RawReply) -> int:
        return reply.number


# Variables. Names must be constants, since the switch evaluates them (wire.py).


class SetVariable(Acts):
    verb = "SET VARIABLE"
    dead_capable = True

    def __init__(self, name: str, value: str) -> None:
        self.words = (name, value)

    def encode(self) -> bytes:
        constant_name(self.verb, self.words[0])
        return encode(self.verb, self.words)


class GetVariable(AsksForValue):
    """The value of a variable or function: None when unset, "" when empty, cut by the switch after 1023 bytes."""

    verb = "GET VARIABLE"
    dead_capable = True

    def __init__(self, name: str) -> None:
        self.words = (name,)

    def encode(self) -> bytes:
        constant_name(self.verb, self.words[0])
        return encode(self.verb, self.words)


class GetFullVariable(AsksForValue):
    """A text with its `${NAME}` replaced; None when there is no such channel. Has no limit of 1023 bytes."""

    verb = "GET FULL VARIABLE"
    dead_capable = True

    def __init__(self, expression: str, channel: str = "") -> None:
        self.words = (expression, channel) if channel else (expression,)

    def encode(self) -> bytes:
        constant_expression(self.verb, self.words[0])
        return encode(self.verb, self.words)


# The switch's log


class Verbose(Acts):
    """Writes to the switch's console. `level`: 1 (always shown) to 4."""

    verb = "VERBOSE"
    dead_capable = True

    def __init__(self, message: str, level: int = 1) -> None:
        self.words = (message, level)


class Noop(Acts):
    verb = "NOOP"
    dead_capable = True
