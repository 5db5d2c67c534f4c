"""The state of a switch in its folder: process, ports, Asterisk's output; and the lock for starting and stopping it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

from common.command_line import Refusal
from common.file_errors import describe
from common.ports import Ports
from common.safe_files import make_private_folder, open_truncated, write_file
from lab import processes


class State(NamedTuple):
    """`process` is None after the switch was stopped; a process that is recorded here may have died since."""

    ports: Ports | None = None
    process: processes.Identity | None = None
    asterisk: str | None = None  # version
    user: str | None = None  # the account it runs as, if not that of the user who started it
    system: bool = False

    @property
    def alive(self) -> bool:
        return self.process is not None and _is_alive(self.process)


_children: dict[int, subprocess.Popen[bytes]] = {}  # started by this program, which must also wait for them


def adopt(process: subprocess.Popen[bytes]) -> None:
    _children[process.pid] = process


def collect(pid: int) -> None:
    if process := _children.pop(pid, None):
        process.wait()


def load(folder: str) -> State:
    path = _path(folder)
    try:
        with open(path, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        ports, process = found.pop("ports"), found.pop("process")
        return State(Ports(**ports) if ports else None, processes.Identity(**process) if process else None, **found)
    except (FileNotFoundError, NotADirectoryError):
        return State()
    except OSError as problem:
        raise Refusal(describe(problem, path)) from None
    except (ValueError, TypeError, KeyError) as problem:
        raise Refusal(f"{path}: {problem!r}; stop this Asterisk if it runs, then move the file aside") from None


def save(folder: str, state: State) -> None:
    document = state._asdict() | {
        "ports": state.ports._asdict() if state.ports else None,
        "process": state.process._asdict() if state.process else None,
    }
    write_file(_path(folder), json.dumps(document, indent=1) + "\n", sync=False)


class Printed:
    """What Asterisk printed in `console.log` since it was started."""

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def whole(self) -> bool:
        """Whether the whole start was printed: a thread prints, with a delay."""
        return "Asterisk Ready." in self._lines()

    @property
    def last(self) -> str:
        """The last lines; if there are errors, the last errors."""
        lines = self._errors() or self._lines()
        return f"{' | '.join(lines[-3:]) or 'no output'} (full output: {self.path})"

    @property
    def complaint(self) -> str:
        """The first error, and how many more there are; "" for none."""
        errors = self._errors()
        more = f" (and {len(errors) - 1} more in {self.path})" if len(errors) > 1 else ""
        return errors[0].partition(": ")[2] + more if errors else ""

    def _errors(self) -> list[str]:
        return [line for line in self._lines() if "ERROR[" in line]

    def _lines(self) -> list[str]:
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.strip()]


class Lock:
    """Only one start or stop of a switch at a time. Its holder may take it again."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, ".lock")
        self._depth = 0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        try:
            make_private_folder(os.path.dirname(self._path))
            lock = open_truncated(self._path)
        except OSError as problem:
            raise Refusal(f"{describe(problem, self._path)}; or choose another folder with --var") from None
        with lock as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1


def _path(folder: str) -> str:
    return os.path.join(folder, "state.json")


def _is_alive(who: processes.Identity) -> bool:
    if who.pid in _children and _children[who.pid].poll() is not None:
        del _children[who.pid]
    return processes.is_alive(who)
