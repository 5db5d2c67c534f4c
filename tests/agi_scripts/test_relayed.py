"""The installed scripts with an engine to relay to: real processes, a real socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agi_scripts.switch import CLOCK, DEADLINE, Engine, Script, Site, environment, read_environment, read_line

TOLD = environment(str(CLOCK), "call-1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def heard() -> Iterator[list[bytes]]:
    """What the engine received, line by line."""
    yield []


def closed(script: Script) -> None:
    assert script.command() == ""
    assert script.wait() == 0


@pytest.mark.parametrize("name", ["menu", "voicemail", "survey", "notice", "ended"])
def test_the_engine_gets_the_script_and_the_environment(site: Site, heard: list[bytes], name: str) -> None:
    def serve(connection: socket.socket) -> None:
        heard.append(read_environment(connection))
        connection.sendall(b"ANSWER\n")
        heard.append(read_line(connection))

    with Engine(site.places.socket, serve), site.start(name, TOLD) as script:
        assert script.command() == "ANSWER"
        script.say(b"200 result=0\n")
        closed(script)
    assert heard == [b"agi_network: yes\nagi_network_script: " + name.encode() + b"\n" + TOLD, b"200 result=0\n"]


def test_bytes_pass_unchanged(site: Site, heard: list[bytes]) -> None:
    """Latin-1, NUL and line feeds in values pass through the relay."""
    odd = b"200 result=1 (caf\xe9 \x00 \xff\nresult=-1\n)\n"

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b'SET VARIABLE "X" "\xe0\xff"\n')
        data = b""
        while len(data) < len(odd):
            data += connection.recv(100)
        heard.append(data)

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert script.process.stdout is not None
        assert os.read(script.process.stdout.fileno(), 100) == b'SET VARIABLE "X" "\xe0\xff"\n'
        script.say(odd)
        closed(script)
    assert heard == [odd]


def test_an_environment_in_pieces(site: Site, heard: list[bytes]) -> None:
    def serve(connection: socket.socket) -> None:
        heard.append(read_environment(connection))
        connection.sendall(b"NOOP\n")

    with Engine(site.places.socket, serve), site.start("menu", TOLD[:37]) as script:
        for byte in range(37, len(TOLD)):
            script.say(TOLD[byte : byte + 1])
        assert script.command() == "NOOP"
        closed(script)
    assert heard[0].endswith(TOLD)


def test_a_hang_up_while_a_prompt_plays_is_a_line_before_its_reply(site: Site, heard: list[bytes]) -> None:
    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b'STREAM FILE "nul/welcome" ""\n')
        heard.extend(read_line(connection) for _ in range(2))
        connection.sendall(b'SET VARIABLE "IVR_OUTCOME" "done"\n')
        heard.append(read_line(connection))

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert script.command().startswith("STREAM FILE")
        script.hang_up()
        deadline(lambda: heard == [b"HANGUP\n"])
        script.say(b"200 result=-1 endpos=4000\n")
        assert script.command().startswith("SET VARIABLE")
        script.say(b"200 result=1\n")
        closed(script)
    assert heard == [b"HANGUP\n", b"200 result=-1 endpos=4000\n", b"200 result=1\n"]


@pytest.mark.parametrize(
    "part", [b"520-Invalid command syntax.  Proper usage follows:\n", b"200 result=1 (a\n", b"200"]
)
def test_a_hang_up_in_the_middle_of_a_reply_waits_for_its_end(site: Site, heard: list[bytes], part: bytes) -> None:
    seen, go_on = threading.Event(), threading.Event()

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b"NOOP\n")
        data = b""
        while not data.endswith(b"the end\n"):
            data += connection.recv(100)
            seen.set()
        heard.append(data)
        connection.sendall(b"NOOP 2\n")
        heard.extend(read_line(connection) for _ in range(2))

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert script.command() == "NOOP"
        script.say(part)
        assert seen.wait(DEADLINE)
        script.hang_up()
        pending_signals_are_seen(script)
        script.say(b"the end\n")
        assert script.command() == "NOOP 2"
        script.say(b"511 gone\n")
        closed(script)
        go_on.set()
    assert heard == [part + b"the end\n", b"HANGUP\n", b"511 gone\n"]


def test_a_hang_up_before_the_first_command_waits_for_it(site: Site, heard: list[bytes]) -> None:
    go_on = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        assert go_on.wait(DEADLINE)
        connection.sendall(b"ANSWER\n")
        heard.extend(read_line(connection) for _ in range(2))

    with Engine(site.places.socket, serve), site.start("menu", TOLD[:-1]) as script:
        pending_signals_are_seen(script)
        script.hang_up()
        pending_signals_are_seen(script)
        script.say(b"\n")
        go_on.set()
        assert script.command() == "ANSWER"
        script.say(b"511 Command Not Permitted on a dead channel or intercept routine\n")
        closed(script)
    assert heard[0] == b"HANGUP\n"


def test_when_the_switch_closes_the_engine_is_informed(site: Site, heard: list[bytes]) -> None:
    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b"ANSWER\n")
        heard.append(read_line(connection))
        connection.sendall(b"too late\n")

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"
        script.close()
        assert script.wait() == 0
    assert heard == [b""]


def test_the_switch_no_longer_reads(site: Site, heard: list[bytes]) -> None:
    """SIGPIPE does not kill the script before the engine knows."""

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b"ANSWER\n")
        read_line(connection)
        connection.sendall(b"NOOP\n")
        heard.append(read_line(connection))

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert script.command() == "ANSWER"
        assert script.process.stdout is not None
        script.process.stdout.close()
        script.say(b"200 result=0\n")
        script.close()
        assert script.wait() == 0
    assert heard == [b""]


def test_the_engine_dies_during_a_call(site: Site) -> None:
    """The script ends and sets nothing: without IVR_OUTCOME the dialplan continues on its own."""

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b'STREAM FILE "nul/welcome" ""\n')

    with Engine(site.places.socket, serve), site.start("menu", TOLD) as script:
        assert script.command().startswith("STREAM FILE")
        closed(script)
        assert script.errors() == ""


def test_an_engine_that_hangs_during_a_call_is_abandoned(site: Site) -> None:
    hold = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b"ANSWER\n")
        assert hold.wait(DEADLINE)

    text = Path(site.folder, "agi-bin", "menu").read_text()
    hurried = text.replace(
        "from ivr.drivers.relay import run_script",
        "import ivr.drivers.relay; ivr.drivers.relay.COMMAND_MS = 100; run_script = ivr.drivers.relay.run_script",
    )
    site.install("hurried", hurried)
    with Engine(site.places.socket, serve), site.start("hurried", TOLD) as script:
        assert script.command() == "ANSWER"
        script.say(b"200 result=0\n")
        closed(script)
        hold.set()


def test_a_relayed_call_imports_nothing(site: Site) -> None:
    """What the script adds to a bare interpreter: four built-in modules and the relay."""

    def serve(connection: socket.socket) -> None:
        read_environment(connection)
        connection.sendall(b"ANSWER\n")

    told = "def told(code, leave=posix._exit): print(*sys.modules, file=sys.stderr); leave(code)\n"
    report = f"import sys, posix\n{told}posix._exit = told\n"
    bare = subprocess.run([sys.executable, "-ISE", "-c", report + "told(0)"], capture_output=True, check=True)
    text = Path(site.folder, "agi-bin", "menu").read_text()
    site.install("telling", text.replace("import sys\n", report, 1))
    with Engine(site.places.socket, serve), site.start("telling", TOLD) as script:
        assert script.command() == "ANSWER"
        closed(script)
        imported = set(script.errors().split()) - set(bare.stderr.decode().split())
    assert imported == {"ivr", "ivr.drivers", "ivr.drivers.relay", "_socket", "select"}


def deadline(condition: object) -> None:
    """Wait for a condition that another thread causes."""
    assert callable(condition)
    waiting = threading.Event()
    for _ in range(int(DEADLINE / 0.005)):
        if condition():
            return
        waiting.wait(0.005)
    raise AssertionError("it never came about")


def pending_signals_are_seen(script: Script) -> None:
    """Wait until the script catches SIGHUP and has none pending."""
    status = Path(f"/proc/{script.process.pid}/status")

    def settled() -> bool:
        fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        pending = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
        return bool(int(fields["SigCgt"], 16) & 1) and not pending & 1 and fields["State"].startswith("S")

    deadline(settled)
