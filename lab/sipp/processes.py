"""Running SIPp: the processes of simulated callers and of telephones that are answered."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence

from common.ports import HOST, free_ports
from lab.sipp import scenarios
from lab.switch.installation import Installation

RING_SECONDS = 1.0  # before a simulated operator answers


class Sipp:
    """Starts SIPp processes, and stops those that it has started.

    `on_start` is called with the process id of each.
    """

    def __init__(
        self, installation: Installation, folder: str, on_start: Callable[[int], None] = lambda pid: None
    ) -> None:
        self._installation = installation
        self._folder = folder
        self._on_start = on_start
        self._processes: list[subprocess.Popen[bytes]] = []
        os.makedirs(folder, mode=0o750, exist_ok=True)

    def run(self, name: str, scenario: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start SIPp with a scenario; its files are `<name>.xml`, `.out` and `.err` in the folder."""
        path = os.path.join(self._folder, f"{name}.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(scenario)
        errors = ["-trace_err", "-error_file", os.path.join(self._folder, f"{name}.err")]
        command = [*self._installation.command("sipp"), "-sf", path, "-nostdin"]
        command += ["-i", HOST, "-mi", HOST, "-ci", HOST, *errors]  # signalling, sound, and remote control
        with open(os.path.join(self._folder, f"{name}.out"), "wb") as out:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, "TERM": "dumb"},
            )  # fmt: skip
        self._processes.append(process)
        self._on_start(process.pid)
        return process

    def answering(self, name: str, port: int, talk_seconds: float) -> subprocess.Popen[bytes]:
        """Telephones at one address that answer every call, such as those of all seats."""
        scenario = scenarios.operators(RING_SECONDS, talk_seconds)
        return self.run(name, scenario, "-p", str(port), "-mp", str(_media_port()))

    def caller(
        self, name: str, caller: str, steps: Sequence[scenarios.Step], number: str, sip_port: int
    ) -> subprocess.Popen[bytes]:
        """A caller with the number `caller` who dials `number` and does the steps."""
        (port,) = free_ports(1)
        own = ["-p", str(port), "-mp", str(_media_port())]
        scenario = scenarios.caller(name, caller, steps)
        return self.run(name.replace(" ", "-"), scenario, f"{HOST}:{sip_port}", "-s", number, "-m", "1", *own)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, and return when it is gone."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait(5)


def _media_port() -> int:
    return free_ports(2)[0] & ~1
