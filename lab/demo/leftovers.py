"""One demonstration at a time in a `var/`, and an end to what a killed one has left running."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator

from common.command_line import Refusal
from common.places import Places
from common.safe_files import make_private_folder, open_truncated
from ivr.drivers.sockets import ListeningError
from ivr.server.instance import Instance
from lab import processes

END_SECONDS = 20.0  # for the engine to write its last facts


class Children:
    """The processes of a run, noted in a file, so that the next run can end those that a killed run has left."""

    def __init__(self, path: str) -> None:
        self._path = path

    def note(self, pid: int) -> None:
        """Add a process that has just been started; also called from the thread of the watchdog."""
        who = processes.identify(pid)
        if who is not None:
            with open(self._path, "a", encoding="ascii") as file:
                file.write(json.dumps(who) + "\n")

    def end(self) -> None:
        """End those that still run; nothing is left in the file."""
        with contextlib.ExitStack() as stack:
            alive = [stack.enter_context(processes.Handle(who)) for who in self._noted()]
            for number, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, 5.0)):
                for process in alive:
                    process.send(number)
                end = time.monotonic() + seconds
                alive = [process for process in alive if not process.wait(end - time.monotonic())]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _noted(self) -> list[processes.Identity]:
        try:
            with open(self._path, encoding="ascii") as file:
                lines = file.read().split("\n")[:-1]  # the last line may be cut off
        except FileNotFoundError:
            return []
        return [processes.Identity(*json.loads(line)) for line in lines]


@contextlib.contextmanager
def alone(places: Places, folder: str) -> Iterator[None]:
    """Hold the folder of the demonstration. Raises `Refusal` while another demonstration runs in this `var/`."""
    make_private_folder(folder)
    with open_truncated(os.path.join(folder, ".lock")) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(f"{places.var}: a demonstration runs here already; stop it, or use --var DIR") from None
        yield


def refuse_second_engine(places: Places) -> None:
    """Raise `Refusal` when an engine that is not ours serves this `var/`."""
    instance = Instance(places)
    try:
        instance.claim()
    except ListeningError as problem:
        raise Refusal(str(problem)) from None
    instance.release()  # and with it goes what a killed engine has announced
