"""An engine for tests, and the switch's end of its connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any

import uvloop

from common.places import Places
from ivr.agi import Answer, SetVariable, StreamFile, WaitForDigit
from ivr.configuration.compiled import Compiled
from ivr.drivers.session import FlowFunction
from ivr.facts import Fact, read
from ivr.flows.call import Call, Flow
from ivr.server.engine import Engine
from ivr.telemetry.logs import Log
from tests.conftest import OPEN, rome

PATIENCE = 20.0  # seconds; then a test has failed


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test on the event loop that the engine uses in production."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main, PATIENCE * 2))


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def short(call: Call) -> Flow:
    """A flow that answers, waits for a key and sets the dialplan's variables."""
    yield Answer()
    call.report("answered")
    key = yield WaitForDigit(5000)
    yield SetVariable("IVR_TOPIC", key)
    yield SetVariable("IVR_OUTCOME", "done")


def broken(call: Call) -> Flow:
    """A flow that raises an exception."""
    yield Answer()
    raise ZeroDivisionError("the number is 3331234567")


def talkative(call: Call) -> Flow:
    """A flow that never ends."""
    while True:
        yield StreamFile("nul/" + "x" * 4000)


def stubborn(call: Call) -> Flow:
    """A flow that fails when the caller hangs up."""
    yield Answer()
    try:
        yield WaitForDigit(5000)
    finally:
        raise LookupError("nothing to put in order")


SMALL: dict[str, FlowFunction] = {"short": short, "broken": broken, "talkative": talkative, "stubborn": stubborn}


class Pipe:
    """Collects the log of an engine."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the harness
        self.log = Log(self._file.fileno(), verbose=True)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        size = os.fstat(self._file.fileno()).st_size
        lines = [json.loads(line) for line in os.pread(self._file.fileno(), size, 0).splitlines()]
        return [line for line in lines if event in ("", line["event"])]

    def close(self) -> None:
        self._file.close()


class EngineHarness:
    """An engine in a folder of its own: its facts, log, metrics and connections."""

    def __init__(self, compiled: Compiled, **options: Any) -> None:
        self.compiled = compiled
        if "metrics_port" not in options:
            compiled["service"]["engine"]["metrics_port"] = None
        self.places = Places(var=os.path.dirname(compiled["paths"]["socket"]))
        self.pipe = Pipe()
        self.write(compiled)
        options.setdefault("port", 0)
        flows: Mapping[str, FlowFunction] = options.pop("flows", SMALL)
        self.engine = Engine(self.places, flows, log=self.pipe.log, **options)
        self.metrics = self.engine.metrics
        self._lines: list[Line] = []

    def __enter__(self) -> EngineHarness:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.close()
        self.pipe.close()

    def write(self, document: Any) -> None:
        """Replace the compiled configuration in one step."""
        os.makedirs(self.places.var, exist_ok=True)
        with open(self.places.compiled + ".new", "w", encoding="utf-8") as file:
            file.write(document if isinstance(document, str) else json.dumps(document))
        os.replace(self.places.compiled + ".new", self.places.compiled)

    @property
    def port(self) -> int:
        assert self.engine.state is not None
        return self.engine.state.port

    @property
    def open(self) -> int:
        return self.metrics.connections()

    def facts(self) -> list[Fact]:
        return list(read(self.places.facts, unsealed=True))

    def kinds(self, call: str | None = None) -> list[str]:
        return [fact.kind for fact in self.facts() if call in (None, fact.call)]

    async def dial(self, script: str = "short", **more: Any) -> Line:
        """Start a call: connect and send the environment."""
        line = await self.connect()
        line.send(environment(script, **more))
        return line

    async def connect(self) -> Line:
        return self._line(*await asyncio.open_connection("127.0.0.1", self.port))

    async def dial_locally(self, script: str = "short", **more: Any) -> Line:
        line = self._line(*await asyncio.open_unix_connection(self.places.socket))
        line.send(environment(script, **more))
        return line

    def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Line:
        self._lines.append(Line(reader, writer))
        return self._lines[-1]


@contextlib.asynccontextmanager
async def running_engine(compiled: Compiled, **options: Any) -> AsyncIterator[EngineHarness]:
    """Start an engine, and stop it when the test leaves the block."""
    with EngineHarness(compiled, **options) as harness:
        harness.engine.SEAL_SECONDS = 0.02  # type: ignore[misc]
        await harness.engine.start()
        serving = asyncio.create_task(harness.engine.serve())
        try:
            yield harness
        finally:
            harness.engine.stop()
            harness.engine.stop()
            async with asyncio.timeout(PATIENCE):
                await serving


def environment(
    script: str | None = "short", call: str = "1785000000.1", at: float | None = None, arguments: Sequence[str] = ()
) -> bytes:
    """The lines that the switch sends first, in its order."""
    lines = ["agi_network: yes"]
    if script is not None:
        lines.append(f"agi_network_script: {script}")
    lines += [
        f"agi_request: agi://127.0.0.1/{script or ''}",
        "agi_channel: PJSIP/trunk-00000001",
        "agi_language: it",
        "agi_type: PJSIP",
        f"agi_uniqueid: {call}",
        "agi_version: 22.10.1",
        "agi_callerid: 3331234567",
        "agi_calleridname: Maria Rossi",
        "agi_callingpres: 0",
        "agi_callingani2: 0",
        "agi_callington: 0",
        "agi_callingtns: 0",
        "agi_dnid: 800000039",
        "agi_rdnis: unknown",
        "agi_context: nul",
        "agi_extension: 800000039",
        "agi_priority: 4",
        "agi_enhanced: 0.0",
        "agi_accountcode: ",
        "agi_threadid: 140221",
    ]
    values = [str(int(rome(OPEN) if at is None else at)), call, *arguments]
    lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(values, 1)]
    return ("\n".join(lines) + "\n\n").encode()


Answers = Callable[[str], str]


def caller(keys: str = "") -> Answers:
    """A caller who hears every prompt to its end and then presses these keys, one at each pause."""
    left = list(keys)

    def answer(command: str) -> str:
        if command.startswith("WAIT FOR DIGIT"):
            return f"200 result={ord(left.pop(0)) if left else 0}"
        if command.startswith("STREAM FILE"):
            return "200 result=0 endpos=8000"
        return "200 result=1" if command.startswith("SET VARIABLE") else "200 result=0"

    return answer


class Line:
    """The switch's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def command(self) -> str:
        """The engine's next command; "" when it has closed the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return (await self.reader.readline()).decode().rstrip("\n")
            except ConnectionError:
                return ""

    async def reply(self, text: str = "200 result=0") -> str:
        """Reply to the current command; returns the next one."""
        self.send(text.encode() + b"\n")
        return await self.command()

    async def play(self, answers: Answers | None = None, first: str | None = None) -> list[str]:
        """Play a whole call: reply until the engine closes the connection; returns its commands."""
        answers = answers or caller("5")
        commands, command = [], first or await self.command()
        while command:
            commands.append(command)
            command = await self.reply(answers(command))
        self.close()
        return commands

    async def closed(self) -> None:
        """Wait until the engine has closed the connection; ignore what it sends before."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Close with RST, like a switch that was killed, or a port scanner."""
        endpoint: socket.socket = self.writer.get_extra_info("socket")
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
