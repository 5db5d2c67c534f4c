"""The two sides of an AGI script, for tests: the switch that starts it, and an engine that it connects to."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from common.places import ROOT, Places
from ivr.configuration.service import compile as compile_configuration
from ivr.drivers.relay import render_script

DEADLINE = 20.0  # s; what takes longer has gone wrong, however busy the machine is
CLOCK = 1_794_218_400  # Monday 9 November 2026, 10:00 in Rome: open
CLOSED_CLOCK = 1_794_160_800  # the evening before


def environment(*arguments: str, **keys: str) -> bytes:
    """The environment of a process script. `arguments` as in the dialplan."""
    lines = {
        "agi_request": "script",
        "agi_channel": "PJSIP/citizen-00000001",
        "agi_language": "it",
        "agi_type": "PJSIP",
        "agi_uniqueid": "1794218400.1",
        "agi_callerid": "0612345678",
        "agi_calleridname": "unknown",
        "agi_callingpres": "0",
        "agi_extension": "800000039",
        "agi_enhanced": "0.0",
    }
    lines |= keys | {f"agi_arg_{number}": text for number, text in enumerate(arguments, 1)}
    return "".join(f"{key}: {value}\n" for key, value in lines.items()).encode() + b"\n"


class Site:
    """A folder with a compiled configuration and installed scripts."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(var=str(folder))
        self.folder = folder
        compile_configuration(self.places)
        folder.joinpath("agi-bin").mkdir()
        for name in ("menu", "voicemail", "survey", "notice", "ended"):
            source = Path(ROOT, "agi_scripts", name).read_text()
            self.install(name, render_script(source, sys.executable, ROOT, self.places.compiled))

    def install(self, name: str, text: str) -> None:
        path = self.folder / "agi-bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def start(self, name: str, told: bytes, **how: object) -> Script:
        return Script([str(self.folder / "agi-bin" / name)], told, **how)  # type: ignore[arg-type]


class Script:
    """A started script; the test plays the switch. Use as a context manager, which ends the script."""

    def __init__(
        self,
        command: list[str],
        told: bytes,
        *,
        variables: Mapping[str, str] | None = None,
        without: tuple[int, ...] = (),
    ) -> None:
        """`without`: descriptors that are closed when the script starts."""
        closing = " ".join(f"{descriptor}>&-" for descriptor in without)
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *command] if without else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={"PATH": os.environ["PATH"], **(variables or {})},
        )
        self._buffer = b""
        self.say(told)

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def say(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(data)

    def command(self) -> str:
        """The script's next command; "" when it has closed its end."""
        assert self.process.stdout is not None
        until = time.monotonic() + DEADLINE
        while b"\n" not in self._buffer:
            if not select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError("the script says nothing")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                assert self._buffer == b"", f"half a command: {self._buffer!r}"
                return ""
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def converse(self, answer: Callable[[str], str | None]) -> list[str]:
        """Answer every command until the script ends; all commands."""
        commands = []
        while command := self.command():
            commands.append(command)
            reply = answer(command)
            if reply is None:
                break
            self.say(reply.encode() + b"\n")
        return commands

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """The switch closes its ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self) -> int:
        return self.process.wait(DEADLINE)

    def errors(self) -> str:
        """The text on stderr, after the end."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


class Listener:
    """Answers as a switch would: prompts play to their end, the keys come in the silences after them ("": none)."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.variables: dict[str, str] = {}

    def __call__(self, command: str) -> str:
        if command.startswith("WAIT FOR DIGIT"):
            key = self.keys.pop(0) if self.keys else ""
            return f"200 result={ord(key) if key else 0}"
        if command.startswith("SET VARIABLE"):
            _, name, _, value, _ = command.split('"')
            self.variables[name] = value
            return "200 result=1"
        return "200 result=0 endpos=8000"


class Engine:
    """A unix socket that serves each connection with a function, in a thread. Use as a context manager."""

    def __init__(self, path: str, serve: Callable[[socket.socket], None], backlog: int = 8) -> None:
        self._serve = serve
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(backlog)
        self._path = path
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Engine:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE)
        self._listener.close()
        os.unlink(self._path)
        if self.failure is not None and exc == (None, None, None):
            raise self.failure

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(DEADLINE)
                try:
                    self._serve(connection)
                except BaseException as problem:  # noqa: BLE001 -- raised again in the test's own thread
                    self.failure = problem


def read_environment(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n\n"):
        more = connection.recv(65536)
        assert more, "the script closed in mid environment"
        data += more
    return data


def read_line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line
