"""A watchdog for an engine that systemd does not watch: in the demonstration, the tests and the benchmarks.

An engine that has died does little harm: its connections break, and the dialplan goes on with its next ring. One that
stands still holds every caller in silence. So an engine says that it is alive (sd_notify(3)), and whoever falls silent
is killed; what follows is as after any other death.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class Watchdog:
    """Waits for `WATCHDOG=1` from a process, from its READY=1 to its STOPPING=1; `bark` is called, in a thread of the
    watchdog's own, each time that nothing came for so many seconds."""

    def __init__(self, seconds: float, bark: Callable[[], None]) -> None:
        self._seconds = seconds
        self._bark = bark
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # Linux gives it a free address that is no file
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What the process has to be told, as systemd would."""
        address = self._socket.getsockname()[1:].decode()
        return {"NOTIFY_SOCKET": f"@{address}", "WATCHDOG_USEC": str(round(self._seconds * 1_000_000))}

    def close(self) -> None:
        """Watch no longer. A bark under way comes to its end first."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"CLOSE", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _watch(self) -> None:
        while True:
            try:
                said = self._socket.recv(4096).split(b"\n")
            except TimeoutError:
                self._socket.settimeout(None)  # until the next one is ready
                self._bark()
                continue
            if b"CLOSE" in said:
                return
            if b"READY=1" in said:
                self._socket.settimeout(self._seconds)
            if b"STOPPING=1" in said:
                self._socket.settimeout(None)
