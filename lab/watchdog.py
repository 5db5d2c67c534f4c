"""A watchdog for an engine that systemd does not watch: in the demonstration, the tests and the benchmarks.

An engine that has died does little harm: its connections break, and the dialplan continues with its next fallback. An
engine that hangs keeps every caller in silence. So the engine reports regularly that it is alive (sd_notify(3)), and is
killed when it stops reporting.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class Watchdog:
    """Expects `WATCHDOG=1` from a process, from its READY=1 to its STOPPING=1. Calls `on_silence`, in a thread of
    the watchdog, whenever nothing came for so many seconds."""

    def __init__(self, seconds: float, on_silence: Callable[[], None]) -> None:
        self._seconds = seconds
        self._on_silence = on_silence
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # Linux assigns a free abstract address
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """The environment that systemd would give the process."""
        address = self._socket.getsockname()[1:].decode()
        return {"NOTIFY_SOCKET": f"@{address}", "WATCHDOG_USEC": str(round(self._seconds * 1_000_000))}

    def close(self) -> None:
        """Stop watching, after a current call of `on_silence` has ended."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"CLOSE", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _watch(self) -> None:
        while True:
            try:
                messages = self._socket.recv(4096).split(b"\n")
            except TimeoutError:
                self._socket.settimeout(None)  # until the next one is ready
                self._on_silence()
                continue
            if b"CLOSE" in messages:
                return
            if b"READY=1" in messages:
                self._socket.settimeout(self._seconds)
            if b"STOPPING=1" in messages:
                self._socket.settimeout(None)
