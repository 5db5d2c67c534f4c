"""A switch's clock that can be moved while it runs, through libfaketime.

libfaketime reads a small file whenever the process asks for the time. The file holds an offset, not an instant, so the
clock runs on from where it was set, independently of the start time of the process.
"""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from common.command_line import Refusal
from common.safe_files import write_file

ROME = ZoneInfo("Europe/Rome")


class Clock:
    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def environment(self) -> dict[str, str]:
        """The settings of libfaketime. Time-outs use the monotonic clock, which is not changed."""
        return {
            "FAKETIME_TIMESTAMP_FILE": self._path,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def move(self, to: str) -> None:
        """Set the clock to an ISO instant, such as "2026-12-24T09:59:50"; Rome's time without a zone."""
        offset = instant(to) - time.time()
        write_file(self._path, f"{offset:+.6f}\n", sync=False)  # whole at once: the process may read at any moment


def instant(text: str) -> float:
    """Epoch seconds of an ISO instant; Rome's time without a zone."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{text!r} is not an instant; write it like 2026-12-24T10:00:00") from None
    return (when if when.tzinfo else when.replace(tzinfo=ROME)).timestamp()
