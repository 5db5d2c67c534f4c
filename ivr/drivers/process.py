"""Runs a flow on stdin and stdout with pyst2: for an AGI script whose engine is down, and for a site's own scripts.

`SafeAGI` is pyst2's `AGI` over `ivr.agi`. The command methods (`stream_file`, `get_data`, `appexec` and the others) and
the exceptions are pyst2's; `ivr.agi` encodes the commands and parses the replies, so that no argument can become a
command and no reply is taken for another's (docs/decisions/0004-pyst2-behind-a-safe-subclass.md).

`run_flow` steps a flow over it with the same `FlowStepper` as every driver. `main` is the rest of the process:
configuration, spool, signals, and streams; only the stream to the switch carries commands.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from importlib import import_module

from asterisk.agi import (
    AGI,
    DEFAULT_RECORD,
    DEFAULT_TIMEOUT,
    AGIAppError,
    AGIDBError,
    AGIError,
    AGIHangup,
    AGIInvalidCommand,
    AGIUnknownError,
    AGIUsageError,
)

from ivr.agi import (
    COMMANDS,
    NEED_DATA,
    AgiError,
    ChannelStatus,
    Command,
    CommandError,
    Connection,
    DatabaseDeltree,
    DatabaseGet,
    Environment,
    GetData,
    Hangup,
    HungUp,
    LocalProtocolError,
    RawReply,
    RecordFile,
    RemoteProtocolError,
    Reply,
    SayDatetime,
)
from ivr.configuration.compiled import CompiledError, load
from ivr.drivers.session import FlowStepper
from ivr.facts import Spool
from ivr.flows.call import Call

TYPE_CHECKING = False  # `typing` itself would cost a script 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, Protocol, TypeVar

    from ivr.facts import Fact
    from ivr.flows.call import Flow
    from ivr.telemetry.logs import Log

    R = TypeVar("R")

    class RelayState(Protocol):
        """What the relay had read before it gave up (`ivr.drivers.relay.Relay`)."""

        kept: bytes
        hung_up: bool


class CallerGone(AGIHangup, Hangup):  # type: ignore[misc]
    """The caller has hung up, or the switch has closed: after SIGHUP, 511, end of file or a broken pipe."""


class QuotedWord(str):
    """A word that is sent even when it is empty: pyst2 passes it through `_quote`."""


class TypedDigits(str):
    """The digits of `get_data`; `timed_out`: the caller stopped typing, without `#` and before the last digit."""

    timed_out = False


class SafeAGI(AGI):  # type: ignore[misc]
    """pyst2's AGI over a safe protocol: binary files, no signal handlers, nothing written to stderr.

    `told`: bytes that were already read from `stdin`. A command method raises `CallerGone` when the caller has hung up
    and the command needs them; `LocalProtocolError`, with nothing sent, for invalid arguments; and pyst2's
    `AGIAppError` when the switch answers -1 although the caller is there. Commands that may run on a dead channel
    (variables, database, EXEC) still do. The constructor raises `RemoteProtocolError` when there is no switch.
    """

    def __init__(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None, *, told: bytes = b"") -> None:
        # pyst2's own `__init__` is not called: it handles SIGHUP and prints the caller's number.
        self.stdin = stdin = sys.stdin.buffer if stdin is None else stdin
        self.stdout = sys.stdout.buffer if stdout is None else stdout
        self.stderr = None
        self.closed = False  # the switch has closed
        self._read: Callable[[int], bytes] = getattr(stdin, "read1", stdin.read)
        self._got_sighup = False
        self._begun = False  # a reply has begun to come
        self._connection = Connection()
        if told:
            self._connection.receive_data(told)
        environment = self._event()
        if type(environment) is not Environment:
            raise RemoteProtocolError("no environment on stdin; an AGI script is started by the switch: AGI(menu)")
        self.environment = self.env = environment

    # pyst2's signal handler is `_handle_sighup`; a script's `main` may install it.

    @property
    def hung_up(self) -> bool:
        """Whether the caller has hung up. SIGHUP counts as soon as no reply is in progress."""
        self._note_hangup()
        return self._connection.hung_up

    def run(self, command: Command[R]) -> R:
        """Send a command and return its reply. Raises `CallerGone` or `CommandError`."""
        self._send(command)
        value: R = self._reply()
        return value

    def _send(self, command: Command[Any]) -> None:
        if self.hung_up and not command.dead_capable:
            raise CallerGone(f"{command.verb}: the caller has hung up")
        line = self._connection.send(command)
        self._begun = False
        try:
            while line:
                line = line[self.stdout.write(line) :]
            self.stdout.flush()
        except OSError as problem:
            self.closed = True
            raise CallerGone(f"the switch no longer reads: {problem.strerror}") from None

    def _reply(self) -> Any:
        event = self._event()
        if type(event) is not Reply:
            raise CallerGone("the switch has closed the connection")
        if isinstance(event.value, Hangup):
            raise CallerGone(*event.value.args)
        if isinstance(event.value, CommandError):
            raise event.value
        return event.value

    def _event(self) -> object:
        """The next event other than a hang-up. Raises `CallerGone` when the stream ends within a reply."""
        while True:
            try:
                event = self._connection.next_event()
            except RemoteProtocolError as problem:
                if self.closed:
                    raise CallerGone(str(problem)) from None
                raise
            if event is NEED_DATA:
                self._receive()
            elif type(event) is not HungUp:
                return event

    def _receive(self) -> None:
        data = self._read(65536)
        if not self._begun:  # SIGHUP may have come while we waited
            self._note_hangup()
        self._begun, self.closed = True, not data
        self._connection.receive_data(data)

    def _note_hangup(self) -> None:
        """Pass SIGHUP to the connection as FastAGI does: as the line HANGUP, allowed only between two replies."""
        if self._got_sighup and not self._connection.hung_up and not self.closed:
            state = self._connection.state
            if state == "IDLE" or (state == "AWAITING" and not self._begun):
                self._connection.receive_data(b"HANGUP\n")
                self._connection.next_event()

    # The methods that pyst2's command methods use

    def _quote(self, string: object) -> QuotedWord:
        """Mark as a word; quoting happens once for all words, when the line is encoded."""
        return QuotedWord(_text(string))

    def test_hangup(self) -> None:
        if self.hung_up:
            raise CallerGone("the caller has hung up")

    def execute(self, command: str, *args: object) -> dict[str, tuple[str, str]]:
        """Run a command: `{"result": (number, data), "endpos": (samples, "")}`.

        Each argument is one word. It may be bare (`a b`), from `_quote`, or in quotes of the script's own (`"a b"`).
        """
        self.send_command(command, *args)
        return self.get_result()

    def send_command(self, command: str, *args: object) -> None:
        """Send without waiting; read the reply with `get_result` before the next command."""
        self._send(_raw_command(command, args))

    def get_result(self, stdin: object = None) -> dict[str, tuple[str, str]]:
        """The reply to the command that was sent.

        -1 alone does not mean a hang-up: it raises `AGIAppError` unless the caller has really hung up. An EXEC may
        return any number.
        """
        sent = self._connection.pending
        if sent is None:
            raise AGIError("no command was sent, so there is no reply to wait for")
        try:
            raw = self._reply()
        except CommandError as refusal:
            raise _in_pyst2(refusal) from refusal
        if raw.result == "-1" and sent.verb not in ("EXEC", "CHANNEL STATUS"):
            self._failed(sent.verb)
        found = {"result": (raw.result, raw.data or "")}
        pairs = (word.partition("=") for word in raw.tail.split())
        return found | {key: (value, "") for key, equals, value in pairs if equals}

    def _failed(self, verb: str) -> None:
        """The switch answered -1. A dead channel refuses CHANNEL STATUS, which shows whether the caller hung up."""
        self.run(ChannelStatus())
        raise AGIAppError(f"{verb}: failed, and the caller is still there")

    def _run(self, command: Command[R]) -> R:
        try:
            return self.run(command)
        except CommandError as refusal:
            raise _in_pyst2(refusal) from refusal

    # The methods that pyst2 gets wrong

    def get_data(self, filename: str, timeout: int = DEFAULT_TIMEOUT, max_digits: int = 255) -> TypedDigits:
        """The digits; `timed_out` distinguishes 12 and a pause from 12#."""
        reply = self._run(GetData(filename, timeout, max_digits))
        if reply.failed:
            self._failed("GET DATA")
        digits = TypedDigits(reply.digits)
        digits.timed_out = reply.timed_out
        return digits

    def record_file(
        self,
        filename: str,
        format: str = "gsm",
        escape_digits: str = "#",
        timeout: int = DEFAULT_RECORD,
        offset: int = 0,
        beep: str = "beep",
        silence: int = 0,
    ) -> str:
        """The key that ended the recording, "" for time or silence."""
        keys = str(self._process_digit_list(escape_digits))
        reply = self._run(RecordFile(filename, format, keys, timeout, offset, bool(beep), silence or None))
        if reply.ended_by not in ("dtmf", "timeout"):
            self._failed("RECORD FILE")
        return reply.digit

    def say_datetime(self, seconds: int, escape_digits: str = "", format: str = "", zone: str = "") -> str:
        """Fixes pyst2, which sends a zone without a format in the place of the format."""
        form = format or (SayDatetime.DEFAULT_FORM if zone else "")
        key: str = super().say_datetime(seconds, escape_digits, form, zone)
        return key

    def database_get(self, family: str, key: str) -> str:
        value = self._run(DatabaseGet(family, key))
        if value is None:
            raise AGIDBError(f"Key not found in database: family={family}, key={key}")
        return value

    def database_deltree(self, family: str, key: str = "") -> None:
        if not self._run(DatabaseDeltree(family, key)):
            raise AGIDBError(f"Nothing deleted: family={family}, key={key}")


_RAW: dict[str, type[Command[RawReply]]] = {}


def _raw_command(verb: str, args: tuple[object, ...]) -> Command[RawReply]:
    """A command of `ivr.agi` from pyst2's words, with the checks of `ivr.agi` and an unparsed reply."""
    verb = " ".join(verb.upper().split())
    kind = _RAW.get(verb)
    if kind is None:
        known = COMMANDS.get(verb, Command)
        kind = _RAW[verb] = type(known.__name__, (known,), {"verb": verb, "parse": lambda self, reply: reply})
    command = kind.__new__(kind)
    # An empty word that pyst2 does not quote is an omitted argument.
    command.words = tuple(
        word if type(word) is int else _word(word) for word in args if isinstance(word, QuotedWord) or word != ""
    )
    return command


def _word(word: object) -> str:
    """The text of an argument. A script written for pyst2, whose `execute` sends arguments as they are, quotes them
    itself: `"a b"` is the word a b there, read as the switch reads it."""
    text = _text(word)
    if not isinstance(word, QuotedWord) and text[:1] == '"' and re.fullmatch(r'"(?:[^"\\]|\\.)*"', text, re.DOTALL):
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def _text(word: object) -> str:
    if isinstance(word, (str, int, float)):
        return str(word)
    raise LocalProtocolError(f"{word!r} is neither text nor a number; convert it first")


def _in_pyst2(refusal: CommandError) -> Exception:
    kind: type[Exception] = {510: AGIInvalidCommand, 520: AGIUsageError}.get(refusal.code, AGIUnknownError)
    return kind(str(refusal), refusal.text)


def run_flow(agi: SafeAGI, flow: Flow) -> str:
    """Run a flow to its end; returns "done", "hangup" or "error" (see `ivr.drivers.session.FlowStepper`).

    Raises what a broken flow raises, and `AgiError` for a peer that is not a switch, after the flow has cleaned up.
    """
    policy, value = FlowStepper(flow), None
    while (command := policy.advance(value, hung_up=agi.hung_up)) is not None:
        try:
            value = agi.run(command)
        except CommandError as refusal:
            value = refusal
        except CallerGone as gone:
            value = gone
            if agi.closed:
                policy.abandon()
                break
        except AgiError:
            policy.abandon()
            raise
    return policy.ending


def main(flow: str, path: str, taken: RelayState) -> int:
    """Run one flow for the switch that started this process; returns the exit status.

    `flow`: "module:function". `path`: the compiled configuration. The facts are sealed in any case; without IVR_OUTCOME
    the dialplan continues on its own.
    """
    wire = _take_wire()
    spool: Spool | None = None
    log = _ProcessLog()
    try:
        compiled = load(path)
        spool = Spool(compiled["paths"]["facts"], log.alarm)
        agi = SafeAGI(io.FileIO(0, closefd=False), wire, told=taken.kept)
        signal.signal(signal.SIGHUP, agi._handle_sighup)
        agi._got_sighup |= taken.hung_up
        call = Call(agi.environment, compiled, spool.write, log, time.time)
        log.call = call.id
        module, _, function = flow.partition(":")
        run_flow(agi, getattr(import_module(module), function)(call))
    except (CompiledError, AgiError, CallerGone) as problem:
        log.error("session_failed", error=str(problem))
        return 1
    except Exception as problem:  # noqa: BLE001 - a flow's mistake ends its own call only, and is logged
        log.failed(flow, problem)
        return 1
    finally:
        wire.close()  # the dialplan continues while we wait for the disk
        if spool is not None:
            spool.seal()
    return 0


def _take_wire() -> io.FileIO:
    """The stream to the switch, for commands only: other output to stdout, such as a stray `print`, goes to stderr."""
    wire = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # unbuffered, so no line is lost at the end
    return io.FileIO(wire, "w")


class _ProcessLog:
    """The log of this process: lines on stderr like the engine's, without telephone numbers.

    `ivr.telemetry.logs` is imported only when there is something to log, which is rare.
    """

    call = ""

    def __call__(self, event: str, **fields: Any) -> None:
        self._log().info(event, call=self.call, **fields)

    def error(self, event: str, **fields: Any) -> None:
        self._log().error(event, call=self.call, **fields)

    def failed(self, flow: str, problem: Exception) -> None:
        from ivr.telemetry.logs import format_traceback

        self.error("flow_failed", flow=flow, trace=format_traceback(problem))

    def alarm(self, message: str, fact: Fact | None) -> None:
        told = {} if fact is None else {"fact": fact._asdict()}
        self.error("alarm", what="facts", error=message, **told)

    def _log(self) -> Log:
        from ivr.telemetry.logs import Log

        return Log()
