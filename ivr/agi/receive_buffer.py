"""The buffer of received bytes, from which lines are taken.

The buffer remembers how far it has been searched for a line feed, so a peer that sends byte by byte costs no more than
one that sends everything at once. No bytes are moved while a segment holds several lines.
"""

from __future__ import annotations

from ivr.agi.errors import RemoteProtocolError

MAX_LINE = 65536  # bytes; the switch's longest line is an eighth of that
MAX_BACKLOG = 1 << 20  # bytes received and not yet consumed

SHOWN = 60  # bytes that an error message shows


class ReceiveBuffer:
    """A buffer of lines. The bytes of `data` before `start` are consumed."""

    __slots__ = ("_lines", "_searched", "data", "start")

    def __init__(self) -> None:
        self.data: bytes | bytearray = b""
        self.start = 0
        self._searched = 0  # up to here there is no line feed
        self._lines = 0  # line feeds before that position, while a block is searched

    def add(self, data: bytes) -> None:
        """Raises `RemoteProtocolError` when the buffer would exceed `MAX_BACKLOG`."""
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
        self._consume(end + 1)
        return bytes(data[start:end])

    def take_block(self, most_bytes: int, most_lines: int) -> bytes | None:
        """The lines before the next blank line, which is consumed, too; None until the blank line has come. Use it
        only at the beginning of a stream.

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
        self._consume(after)
        return bytes(data[:end])

    def _consume(self, upto: int) -> None:
        if upto == len(self.data):
            self.drop()
        else:
            self.start = self._searched = upto


def _blank_line(data: bytes | bytearray, since: int) -> tuple[int, int]:
    """Where the text before the first blank line ends, and where the text after it begins; -1 without a blank line."""
    plain, other = data.find(b"\n\n", since), data.find(b"\n\r\n", since)
    if other >= 0 and (plain < 0 or other < plain):
        return other, other + 3
    return plain, plain + 2


def excerpt(data: bytes | bytearray) -> str:
    """The beginning of received bytes, for an error message."""
    return repr(bytes(data[:SHOWN]))
