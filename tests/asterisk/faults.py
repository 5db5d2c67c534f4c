"""Ways to break a house, and to mend it again."""

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
from tests.asterisk.house import House

# A file system without one free byte, on every Linux machine and for every user, root included.
FULL_DISK = "/proc/self"


@contextmanager
def standing_still(house: House) -> Iterator[None]:
    """The engine stands still for the time of the block: it is there, and does nothing."""
    pid = house.stack.engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # the watchdog was quicker
            os.kill(pid, signal.SIGCONT)


@contextmanager
def without_engine(house: House) -> Iterator[None]:
    house.stack.engine.stop()
    try:
        yield
    finally:
        house.stack.engine.start()


@contextmanager
def without_scripts(house: House) -> Iterator[None]:
    away = f"{house.places.scripts}.away"
    os.rename(house.places.scripts, away)
    try:
        yield
    finally:
        os.rename(away, house.places.scripts)


@contextmanager
def full_disk(folder: str) -> Iterator[None]:
    """The folder lies on a disk where nothing can be written any more."""
    os.rename(folder, f"{folder}.away")
    os.symlink(FULL_DISK, folder)
    try:
        yield
    finally:
        os.unlink(folder)
        os.rename(f"{folder}.away", folder)


@contextmanager
def longest_file(house: House, size: int) -> Iterator[None]:
    """Set by who the switch runs as: root in a container may not be allowed to."""
    who = unprivileged.account_for(house.stack.switch.folder) if house.stack.switch.status().user else None
    unlimited = str(resource.RLIM_INFINITY)

    def limit(soft: str) -> None:
        code = "import resource, sys; resource.prlimit(*map(int, sys.argv[1:3]), tuple(map(int, sys.argv[3:])))"
        arguments = [str(house.stack.switch.pid), str(int(resource.RLIMIT_FSIZE)), soft, unlimited]
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, cwd="/", **(who.popen() if who else {}))

    limit(str(size))
    try:
        yield
    finally:
        limit(unlimited)


def age(house: House) -> None:
    """The recordings that were cut off are of a while ago: nobody writes to them any more."""
    store = Path(house.places.messages)
    for path in [*store.glob(".*/*"), *store.glob(".*"), *Path(house.places.native_messages).glob("*.wav")]:
        os.utime(path, (time.time() - 3600, time.time() - 3600))
