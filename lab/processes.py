"""Processes that are identified for good: the kernel assigns the pid of an ended process again."""

from __future__ import annotations

import os
import select
import signal
from typing import NamedTuple


class Identity(NamedTuple):
    """A process: its pid, its start time (clock ticks since boot), and the boot."""

    pid: int
    born: int
    boot: str


def identify(pid: int) -> Identity | None:
    """The process that has this pid now; None when there is none, or only a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the name in brackets may contain anything
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b"Z", b"X") else Identity(pid, int(fields[19]), boot)


def is_alive(who: Identity) -> bool:
    return identify(who.pid) == who


class Handle:
    """A handle of a running process: signals reach it or no process."""

    def __init__(self, who: Identity) -> None:
        self._fd: int | None
        try:
            self._fd = os.pidfd_open(who.pid)
        except ProcessLookupError:
            self._fd = None
        if self._fd is not None and not is_alive(who):  # only now: from here on the pid cannot be assigned again
            self.close()

    def send(self, number: signal.Signals) -> None:
        if self._fd is not None:
            try:
                signal.pidfd_send_signal(self._fd, number)
            except ProcessLookupError:
                self.close()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so many seconds; whether it has ended."""
        if self._fd is None:
            return True
        watch = select.poll()
        watch.register(self._fd, select.POLLIN)
        return bool(watch.poll(max(0, round(seconds * 1000))))

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
