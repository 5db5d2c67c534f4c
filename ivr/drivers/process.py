"""Runs a flow on stdin and stdout, on pyst2: for an AGI script whose engine is down, and for a site's own scripts.

`SafeAGI` is pyst2's `AGI` with another wire. Its command methods (`stream_file`, `get_data`, `appexec` and the others)
and its exceptions are pyst2's; what goes over the wire is made and read by `ivr.agi`, so that no argument can become a
command of its own and no reply is taken for another's (docs/decisions/0004-pyst2-behind-a-safe-subclass.md).

`run_flow` steps a flow over it by the same `Policy` as every driver, and `main` is the rest of a process: the
configuration, the spool, the signals, and the streams, of which only the switch's own carries commands.
"""

from __future__ import annotations

import io
import os
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
        """What a relay has read before it gave up (`ivr.drivers.relay.Relay`)."""

        kept: bytes
        hung_up: bool


class CallerGone(AGIHangup, Hangup):  # type: ignore[misc]
    """The caller has hung up, or the switch has closed: one class for SIGHUP, 511, end of file and a broken pipe."""


class QuotedWord(str):
    """A word that stands even when it is empty: what pyst2 passes through `_quote`."""


class TypedDigits(str):
    """The digits of `get_data`; `timed_out` when the caller stopped rather than pressing `#` or using them up."""

    timed_out = False


class SafeAGI(AGI):  # type: ignore[misc]
    """pyst2's AGI on a safe wire: binary files in and out, no signals taken, nothing written to stderr.

    `told` is what has been read from `stdin` already. Every command method raises `CallerGone` when the caller has gone
    and the command cannot run without; `LocalProtocolError` for what must not be sent, before a byte has left; pyst2's
    `AGIAppError` when the switch answers -1 although the caller is there. Commands that may run on a dead channel
    (variables, database, EXEC) still do. Raises `RemoteProtocolError` at once when no switch is there.
    """

    def __init__(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None, *, told: bytes = b"") -> None:
        # Deliberately not pyst2's: it takes SIGHUP from the process and prints the caller's number.
        self.stdin = stdin = sys.stdin.buffer if stdin is None else stdin
        self.stdout = sys.stdout.buffer if stdout is None else stdout
        self.stderr = None
        self.closed = False  # the switch no longer listens
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
        """Whether the caller has gone. SIGHUP counts from the next moment at which no reply is under way."""
        self._note_hangup()
        return self._connection.hung_up

    def run(self, command: Command[R]) -> R:
        """Send a command, return its reply. Raises `CallerGone` or the `CommandError` that came instead."""
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
        """Tell the connection of SIGHUP as FastAGI would: the line HANGUP, which may only stand between two replies."""
        if self._got_sighup and not self._connection.hung_up and not self.closed:
            state = self._connection.state
            if state == "IDLE" or (state == "AWAITING" and not self._begun):
                self._connection.receive_data(b"HANGUP\n")
                self._connection.next_event()

    # What pyst2's methods are written with

    def _quote(self, string: object) -> QuotedWord:
        """Marked as a word; the quoting itself is done once, for all words, where the line is made."""
        return QuotedWord(_text(string))

    def test_hangup(self) -> None:
        if self.hung_up:
            raise CallerGone("the caller has hung up")

    def execute(self, command: str, *args: object) -> dict[str, tuple[str, str]]:
        """Run a command: `{"result": (number, data), "endpos": (samples, "")}`."""
        self.send_command(command, *args)
        return self.get_result()

    def send_command(self, command: str, *args: object) -> None:
        """Send without waiting; `get_result` reads the reply, which must come before the next command."""
        self._send(_as_it_is(command, args))

    def get_result(self, stdin: object = None) -> dict[str, tuple[str, str]]:
        """The reply to the command that was sent.

        -1 is no hang-up by itself: `AGIAppError` unless the caller really has gone. An EXEC may answer what it likes.
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
        """The switch has said -1. A dead channel refuses to tell its state, which is how we know."""
        self.run(ChannelStatus())
        raise AGIAppError(f"{verb}: failed, and the caller is still there")

    def _run(self, command: Command[R]) -> R:
        try:
            return self.run(command)
        except CommandError as refusal:
            raise _in_pyst2(refusal) from refusal

    # The methods whose meaning pyst2 has wrong

    def get_data(self, filename: str, timeout: int = DEFAULT_TIMEOUT, max_digits: int = 255) -> TypedDigits:
        """The digits; their `timed_out` tells 12 and a pause from 12#."""
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
        """pyst2's, which puts a zone without a format where the format should be."""
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


def _as_it_is(verb: str, args: tuple[object, ...]) -> Command[RawReply]:
    """A command of `ivr.agi` from pyst2's words, with its checks, whose reply is left as it came."""
    verb = " ".join(verb.upper().split())
    kind = _RAW.get(verb)
    if kind is None:
        known = COMMANDS.get(verb, Command)
        kind = _RAW[verb] = type(known.__name__, (known,), {"verb": verb, "parse": lambda self, reply: reply})
    command = kind.__new__(kind)
    # An empty word that pyst2 does not quote is an argument left away.
    command.words = tuple(
        word if type(word) is int else _text(word) for word in args if isinstance(word, QuotedWord) or word != ""
    )
    return command


def _text(word: object) -> str:
    if isinstance(word, (str, int, float)):
        return str(word)
    raise LocalProtocolError(f"{word!r} is neither text nor a number; convert it first")


def _in_pyst2(refusal: CommandError) -> Exception:
    kind: type[Exception] = {510: AGIInvalidCommand, 520: AGIUsageError}.get(refusal.code, AGIUnknownError)
    return kind(str(refusal), refusal.text)


def run_flow(agi: SafeAGI, flow: Flow) -> str:
    """Step a flow to its end; how it ended: "done", "hangup" or "error" (see `ivr.drivers.session.FlowStepper`).

    Raises what a broken flow raises, and `AgiError` for a peer that is no switch, after the flow was told.
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
    """Run one flow for the switch that started this process; the process's exit status.

    `flow`: "module:function". `path`: the compiled configuration. Whatever happens, the facts are sealed; without
    IVR_OUTCOME the dialplan goes on by itself.
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
    except Exception as problem:  # noqa: BLE001 - a flow's mistake ends its own call only, and is told
        log.failed(flow, problem)
        return 1
    finally:
        wire.close()  # the dialplan goes on while we wait for the disk
        if spool is not None:
            spool.seal()
    return 0


def _take_wire() -> io.FileIO:
    """The stream to the switch, for us alone: whatever else writes to stdout (a stray `print`) lands on stderr."""
    wire = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # whose lines are not kept back, and so not lost at the end
    return io.FileIO(wire, "w")


class _ProcessLog:
    """What this process has to say to those who run the service: lines on stderr, as the engine's, without numbers.

    The log is imported when there is something to say, which is hardly ever.
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
