"""Ways to break a system, and to repair it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common import unprivileged
from tests.asterisk.support.system import System

# A file system without one free byte, on every Linux machine and for every user, root included.
FULL_DISK = "/proc/self"


@contextmanager
def stopped_engine(system: System) -> Iterator[None]:
    """The engine is stopped (SIGSTOP) while the block runs: it exists, and does nothing."""
    pid = system.stack.engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # killed by the watchdog
            os.kill(pid, signal.SIGCONT)


@contextmanager
def without_engine(system: System) -> Iterator[None]:
    system.stack.engine.stop()
    try:
        yield
    finally:
        system.stack.engine.start()


@contextmanager
def without_scripts(system: System) -> Iterator[None]:
    away = f"{system.places.scripts}.away"
    os.rename(system.places.scripts, away)
    try:
        yield
    finally:
        os.rename(away, system.places.scripts)


@contextmanager
def full_disk(folder: str) -> Iterator[None]:
    """The folder is on a disk where nothing can be written."""
    os.rename(folder, f"{folder}.away")
    os.symlink(FULL_DISK, folder)
    try:
        yield
    finally:
        os.unlink(folder)
        os.rename(f"{folder}.away", folder)


@contextmanager
def longest_file(system: System, size: int) -> Iterator[None]:
    """Limit the size of the switch's files. Its own account sets the limit: root in a container may not be able to."""
    who = unprivileged.account_for(system.stack.switch.folder) if system.stack.switch.status().user else None
    unlimited = str(resource.RLIM_INFINITY)

    def limit(soft: str) -> None:
        code = "import resource, sys; resource.prlimit(*map(int, sys.argv[1:3]), tuple(map(int, sys.argv[3:])))"
        arguments = [str(system.stack.switch.pid), str(int(resource.RLIMIT_FSIZE)), soft, unlimited]
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, cwd="/", **(who.popen() if who else {}))

    limit(str(size))
    try:
        yield
    finally:
        limit(unlimited)


def age(system: System) -> None:
    """Make interrupted recordings an hour old, so that nobody can be writing to them."""
    store = Path(system.places.messages)
    for path in [*store.glob(".*/*"), *store.glob(".*"), *Path(system.places.native_messages).glob("*.wav")]:
        os.utime(path, (time.time() - 3600, time.time() - 3600))
