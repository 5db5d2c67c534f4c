"""The lock that allows one engine for each `var/`, and the state file in which the engine says where it listens."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import NamedTuple

from common.places import Places
from common.safe_files import write_file
from ivr.drivers.sockets import ListeningError


class EngineState(NamedTuple):
    """The state that a running engine publishes in `places.engine_state`."""

    pid: int
    host: str
    port: int
    metrics_port: int | None
    revision: str  # of the configuration in use


class Instance:
    """A lock: one engine for each `var/`. The kernel releases it when the process ends, however it ends."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._path = os.path.join(places.var, "engine.lock")
        self._lock = -1

    def claim(self) -> None:
        """Take the lock. Raises `ListeningError`, naming the other engine's process, when it is taken."""
        os.makedirs(self._places.var, mode=0o750, exist_ok=True)
        lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise ListeningError(
                f"{self._path}: an engine is running already, process {pid}; stop it first, or give this one "
                "another folder with `ivr --var DIR serve`"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def announce(self, state: EngineState) -> None:
        """Write the state file, whole or not at all."""
        write_file(self._places.engine_state, json.dumps(state._asdict()), sync=False)

    def release(self) -> None:
        """Delete state file and socket. The lock file stays: deleting it would allow two engines with two locks."""
        if self._lock < 0:
            return
        for path in (self._places.engine_state, self._places.socket):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        os.close(self._lock)
        self._lock = -1
