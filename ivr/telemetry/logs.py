"""The engine's log: one JSON object per line on standard error, which systemd or Docker store.

It holds no personal data, since readers of the log need not know who called. Text from outside (an error message, a
traceback, a script's name) is shortened, and every run of five or more digits in it is masked. Only the fields for our
own identifiers and network addresses (`_OURS`) are written unchanged. A fact that the spool cannot write is logged,
because then no other place is left.

A log that nobody reads must not stop the telephone: a line that would block is dropped and counted.
"""

from __future__ import annotations

import json
import os
import re
import select
import time
import traceback
from collections.abc import Callable
from typing import Any

LONGEST_LINE = 4096  # bytes; a ready pipe accepts this much without blocking
LONGEST_TEXT = 300  # characters of a field that comes from outside
LONGEST_TRACE = 2000

_DIGITS = re.compile(r"\d(?:[ .\-/]?\d){4,}")
_OURS = frozenset({"call", "fact", "host", "path", "peer", "revision"})


def mask(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text without anything that could be a telephone number, shortened to `longest` characters."""
    text = _DIGITS.sub("#####", text)
    return text if len(text) <= longest else text[:longest] + "..."


def format_traceback(problem: BaseException) -> str:
    """The end of an exception's traceback, masked; the innermost lines say most."""
    lines = "".join(traceback.format_exception(problem))
    return mask(lines[-LONGEST_TRACE:], LONGEST_TRACE)


class Log:
    """Writes events as lines of JSON to a descriptor. Safe to call from any thread; never raises, never blocks."""

    def __init__(
        self,
        descriptor: int = 2,
        verbose: bool = False,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._descriptor = descriptor
        self._clock, self._steady = clock, steady
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._throttles: dict[str, Throttle] = {}
        self.verbose = verbose
        self.dropped = 0  # lines that could not be written

    def debug(self, event: str, **fields: Any) -> None:
        if self.verbose:
            self._write("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._write("error", event, fields)

    def from_outside(self, event: str, **fields: Any) -> None:
        """A warning that outsiders can cause at will: each kind is logged a few times a minute, the rest counted."""
        throttle = self._throttles.get(event)
        if throttle is None:
            throttle = self._throttles[event] = Throttle()
        left_out = throttle.admit(self._steady())
        if left_out is not None:
            self._write("warning", event, fields | ({"left_out": left_out} if left_out else {}))

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        line = self._line(level, event, fields)
        try:
            if not self._poll.poll(0):
                self.dropped += 1
                return
            os.write(self._descriptor, line)
        except OSError:
            self.dropped += 1  # nowhere to report it

    def _line(self, level: str, event: str, fields: dict[str, Any]) -> bytes:
        now = self._clock()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        record = {"at": stamp, "level": level, "event": event}
        for name, value in fields.items():
            record[name] = mask(value) if isinstance(value, str) and name not in _OURS | {"trace"} else value
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=repr).encode(errors="replace")
        if len(line) >= LONGEST_LINE:  # half a line of JSON is useless
            record = {"at": stamp, "level": level, "event": event, "call": str(fields.get("call", ""))[:LONGEST_TEXT]}
            line = json.dumps(record | {"cut": len(line)}).encode()
        return line + b"\n"


class Throttle:
    """Admits a few lines of one kind per minute."""

    PER_MINUTE = 10

    def __init__(self) -> None:
        self._until = 0.0
        self._left = 0
        self._left_out = 0

    def admit(self, now: float) -> int | None:
        """None: leave this line out. Else the number of lines left out since the last admitted one. `now` is in seconds
        of a steady clock."""
        if now >= self._until:
            self._until, self._left = now + 60, self.PER_MINUTE
        if self._left == 0:
            self._left_out += 1
            return None
        self._left -= 1
        left_out, self._left_out = self._left_out, 0
        return left_out
