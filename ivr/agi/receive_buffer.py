"""What has been received and not been used yet, and how lines are taken from it.

A line is looked for once: how far the search has come is remembered, so that a peer that sends byte by byte costs no
more than one that sends at once; and nothing is moved while one segment holds several lines.
"""

from __future__ import annotations

from ivr.agi.errors import RemoteProtocolError

MAX_LINE = 65536  # bytes; the switch's longest line is an eighth of that
MAX_BACKLOG = 1 << 20  # bytes received and not yet taken

SHOWN = 60  # bytes that an error message shows


class ReceiveBuffer:
    """A buffer of lines. `data` is what is there; with `start` 0 it is all unused."""

    __slots__ = ("_lines", "_searched", "data", "start")

    def __init__(self) -> None:
        self.data: bytes | bytearray = b""
        self.start = 0
        self._searched = 0  # up to here there is no end of a line
        self._lines = 0  # ends of lines before it, while a block is looked for

    def add(self, data: bytes) -> None:
        """Raises `RemoteProtocolError` when that is more than `MAX_BACKLOG` in all."""
        if not self.data:
            self.data = bytes(data)  # no copy when they are bytes already
            return
        if len(self.data) + len(data) > MAX_BACKLOG:
            raise RemoteProtocolError(f"more than {MAX_BACKLOG} bytes at once")
        if type(self.data) is bytes:
            self.data = bytearray(self.data)
        self.data += data

    def drop(self) -> None:
        self.data = b""
        self.start = self._searched = 0

    def take_line(self) -> bytes | None:
        """The next line without its line feed; None when it is not complete.

        Raises `RemoteProtocolError` for a line of more than `MAX_LINE` bytes, as soon as that is certain.
        """
        data, start = self.data, self.start
        end = data.find(b"\n", self._searched)
        if (len(data) if end < 0 else end) - start > MAX_LINE:
            raise RemoteProtocolError(f"a line of more than {MAX_LINE} bytes, beginning with {excerpt(data[start:])}")
        if end < 0:
            if start:
                self.data = data[start:]
                self.start = 0
            self._searched = len(self.data)
            return None
        self._use(end + 1)
        return bytes(data[start:end])

    def take_block(self, most_bytes: int, most_lines: int) -> bytes | None:
        """The lines before the next blank line, which is used up too; None when that has not come. Only at the
        beginning of a stream.

        Raises `RemoteProtocolError` for a block of more bytes or lines than allowed, as soon as that is certain.
        """
        data = self.data
        end, after = _blank_line(data, max(0, self._searched - 2))
        self._lines += data.count(b"\n", self._searched, len(data) if end < 0 else end + 1)
        self._searched = len(data)
        # Without a blank line the last two bytes may be the beginning of one.
        if (end if end >= 0 else len(data) - 2) > most_bytes or self._lines > most_lines:
            raise RemoteProtocolError(f"an environment of more than {most_bytes} bytes or {most_lines} lines")
        if end < 0:
            return None
        self._use(after)
        return bytes(data[:end])

    def _use(self, upto: int) -> None:
        if upto == len(self.data):
            self.drop()
        else:
            self.start = self._searched = upto


def _blank_line(data: bytes | bytearray, since: int) -> tuple[int, int]:
    """The end of what stands before the first blank line, and the beginning of what follows it; -1 for none."""
    plain, other = data.find(b"\n\n", since), data.find(b"\n\r\n", since)
    if other >= 0 and (plain < 0 or other < plain):
        return other, other + 3
    return plain, plain + 2


def excerpt(data: bytes | bytearray) -> str:
    """The beginning of what came, for an error message."""
    return repr(bytes(data[:SHOWN]))
