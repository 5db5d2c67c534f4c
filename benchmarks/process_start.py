"""The time from the start of an AGI script to its first command.

It is measured from the start of the process to its first line (for the two empty programs: to their end). All rows
take turns, so disturbances affect all of them. The minimum is the result; the median shows the load of the machine.
"pyst2 alone" is a script of three lines that reads the environment and answers, in a virtual environment with only
pyst2.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from pathlib import Path

import asterisk
import six  # type: ignore[import-untyped,unused-ignore]

from benchmarks import machine
from benchmarks.plays import CLOCK
from benchmarks.report import Goal, Section
from common.places import ROOT, Places
from ivr.configuration.compiled import load
from ivr.configuration.service import compile as compile_configuration
from ivr.drivers.relay import render_script
from ivr.drivers.session import Session, flow_starter
from ivr.flows.call import Call
from ivr.flows.menu import menu

RUNS, QUICK_RUNS = 60, 12
ENVIRONMENT = (
    "agi_request: menu\nagi_channel: PJSIP/citizen-00000001\nagi_language: it\nagi_type: PJSIP\n"
    "agi_uniqueid: 1794218400.1\nagi_version: 22.10.1\nagi_callerid: 0612345678\nagi_calleridname: unknown\n"
    "agi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 800000039\n"
    "agi_rdnis: unknown\nagi_context: ivr\nagi_extension: 800000039\nagi_priority: 3\nagi_enhanced: 0.0\n"
    f"agi_accountcode: \nagi_threadid: 140000000000000\nagi_arg_1: {CLOCK}\nagi_arg_2: 1794218400.1\n\n"
).encode()
BARE = """import sys
while sys.stdin.buffer.readline().strip():
    pass
sys.stdout.write("ANSWER\\n")
sys.stdout.flush()
sys.stdin.buffer.readline()
"""
PYST2 = """from asterisk.agi import AGI
agi = AGI()
agi.answer()
"""


class Row:
    """One kind of start: its command line, and whether it sends AGI commands."""

    def __init__(self, name: str, command: list[str], *, agi: bool = True) -> None:
        self.name = name
        self.command = command
        self.agi = agi
        self.first: list[float] = []  # ms
        self.second: list[float] = []

    def run(self) -> None:
        begin = time.perf_counter()
        with subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
            bufsize=0,
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            if self.agi:
                process.stdin.write(ENVIRONMENT)
                assert line(process.stdout.fileno()) == b"ANSWER\n", self.name
                self.first.append((time.perf_counter() - begin) * 1000)
                process.stdin.write(b"200 result=0\n")
                if line(process.stdout.fileno()):
                    self.second.append((time.perf_counter() - begin) * 1000)
            process.stdin.close()
            process.wait()
            if not self.agi:
                self.first.append((time.perf_counter() - begin) * 1000)


def line(descriptor: int) -> bytes:
    """The next line, or empty bytes at the end of the output."""
    if not select.select([descriptor], [], [], 10)[0]:
        raise TimeoutError("no command within 10 s")
    return os.read(descriptor, 65536)


def serve(path: str, compiled_path: str) -> None:
    """Run an engine in a thread: the real flow over a real socket; facts are discarded."""
    compiled = load(compiled_path)

    def make_call(environment):  # type: ignore[no-untyped-def]
        return Call(environment, compiled, lambda fact: None, lambda event, **fields: None, time.time)

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()

    def run() -> None:
        while True:
            connection, _ = listener.accept()
            session = Session(flow_starter({"menu": menu}, make_call))
            with connection:
                while not session.finished:
                    connection.sendall(session.receive_data(connection.recv(65536)))

    threading.Thread(target=run, daemon=True).start()


def plain_python(folder: Path) -> str:
    """A virtual environment with only pyst2, so that no .pth file of this machine adds time."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    shutil.copytree(Path(asterisk.__file__).parent, packages / "asterisk")
    shutil.copy(six.__file__, packages)
    return str(folder / "bin" / "python3")


def prepare(folder: Path) -> list[Row]:
    for name in ("with", "without"):
        compile_configuration(Places(var=str(folder / name)))
        compiled = str(folder / name / "compiled.json")
        source = Path(ROOT, "agi_scripts", "menu").read_text()
        script = folder / name / "menu"
        script.write_text(render_script(source, sys.executable, ROOT, compiled))
        script.chmod(0o755)
    serve(str(folder / "with" / "engine.sock"), str(folder / "with" / "compiled.json"))
    folder.joinpath("bare.py").write_text(BARE)
    folder.joinpath("pyst2.py").write_text(PYST2)
    plain = plain_python(folder / "plain")
    return [
        Row("`python3 -c pass`", [plain, "-c", "pass"], agi=False),
        Row("`python3 -I -S -E -c pass`", [plain, "-ISE", "-c", "pass"], agi=False),
        Row("bare AGI script, `-ISE`", [plain, "-ISE", str(folder / "bare.py")]),
        Row("pyst2 alone", [plain, str(folder / "pyst2.py")]),
        Row("ours, relayed to the engine", [str(folder / "with" / "menu")]),
        Row("ours, on its own", [str(folder / "without" / "menu")]),
    ]


def table(rows: list[Row]) -> str:
    empty, pyst2 = min(rows[0].first), min(rows[3].first)
    lines = [
        "| start to first command | min ms | median ms | of `python3 -c pass` | of pyst2 alone | second command, ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        least, middle = min(row.first), statistics.median(row.first)
        second = f"{min(row.second):.1f}" if row.second else "–"
        lines.append(
            f"| {row.name} | {least:.1f} | {middle:.1f} | {least / empty:.2f} | {least / pyst2:.2f} | {second} |"
        )
    return "\n".join(lines)


def goals(rows: list[Row]) -> list[Goal]:
    empty, pyst2, relayed, alone = (min(rows[number].first) for number in (0, 3, 4, 5))
    return [
        Goal(
            "relayed to the engine: first command within `python3 -c pass`",
            f"{relayed / empty:.2f} of it",
            relayed <= empty,
            f"by {relayed - empty:.1f} ms",
        ),
        Goal(
            "on its own: within 1.3 times pyst2 alone, with everything that the flow needs",
            f"{alone / pyst2:.2f} of it",
            alone <= 1.3 * pyst2,
            f"by {alone - 1.3 * pyst2:.1f} ms",
        ),
    ]


def run(quick: bool, quiet: str) -> Section:
    """Start all programs in turn. It takes about a minute."""
    runs = QUICK_RUNS if quick else RUNS
    with tempfile.TemporaryDirectory() as folder:
        rows = prepare(Path(folder))
        for number in range(runs + 2):
            for row in rows:
                row.run()
                if number < 2:  # the first ones fill the caches
                    row.first.clear()
                    row.second.clear()
    where = f"{machine.description()}; {machine.versions()}; commit {machine.revision()}; {quiet}."
    how = f"{runs} runs, taking turns. The minimum is the time of a start; the median shows the load of the machine."
    return Section("process_start", "Process script: from start to first command", goals(rows),
                   f"{where} {how}\n\n{table(rows)}")  # fmt: skip
