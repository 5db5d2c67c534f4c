r"""The manager's protocol without I/O: bytes in, messages out; actions in, bytes out.

A message is a block of lines `Key: value` up to an empty line; a greeting precedes the first one. It becomes a plain
dictionary. The values of a repeated key (ChanVariable, Output) are joined by line feeds, which values cannot hold. The
size is limited, so that a peer cannot fill the memory, and invalid UTF-8 is replaced, since callers' names may hold
anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ivr.ami.errors import ProtocolError, Unsendable

GREETING: Final = b"Asterisk Call Manager/"
GREETING_BYTES: Final = 256
MOST_BYTES: Final = 1024 * 1024  # of one message; the longest list of variables of Asterisk 22 is far shorter
END: Final = b"\r\n\r\n"

Message = dict[str, str]
Fields = Mapping[str, str | int | Iterable[str]]

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_FORBIDDEN = re.compile(r"[\r\n\0]")


class Reader:
    """Turns received bytes into messages, however the network splits them."""

    def __init__(self) -> None:
        self.version: str | None = None  # from the greeting; None before it
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer without the end of a message

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete. Raises `ProtocolError`; after that trust nothing from this peer."""
        self._buffer += data
        if self.version is None and not self._greeted():
            return []
        if self._buffer.find(END, max(0, self._searched - 3)) < 0:
            self._searched = len(self._buffer)
            self._check(self._buffer)
            return []
        *blocks, self._buffer = self._buffer.split(END)
        self._searched = 0
        self._check(self._buffer)
        return [self._message(block) for block in blocks if block.strip()]

    def _greeted(self) -> bool:
        line, end, rest = self._buffer.partition(b"\n")
        if not (GREETING.startswith(line[: len(GREETING)]) and len(line) <= GREETING_BYTES):
            said = bytes(line[:40])
            raise ProtocolError(f"this is not Asterisk's manager: it begins with {said!r}; is the port right?")
        if end:
            self.version = line[len(GREETING) :].strip().decode("ascii", "replace")
            self._buffer = rest
        return bool(end)

    def _message(self, block: bytearray) -> Message:
        self._check(block)
        found: Message = {}
        for line in block.decode("utf-8", "replace").split("\r\n"):
            key, colon, value = line.partition(":")
            if not colon:
                key, value = "", line  # a value with a line break, or other text of Asterisk
            if value[:1] == " ":
                value = value[1:]
            found[key] = f"{found[key]}\n{value}" if key in found else value
        if "Event" not in found and "Response" not in found:
            raise ProtocolError(
                f"neither a reply nor an event: {bytes(block[:60])!r}; is this port Asterisk's manager?"
            )
        return found

    @staticmethod
    def _check(block: bytearray) -> None:
        if len(block) > MOST_BYTES:
            raise ProtocolError(f"a message of more than {MOST_BYTES} bytes; the connection is closed")


def encode(action: str, id: str, fields: Fields) -> bytes:
    """An action as bytes. Raises `Unsendable` for a value with CR, LF or NUL.

    A list of texts repeats the key (`Variable`).
    """
    lines = [f"Action: {_value('Action', action)}", f"ActionID: {_value('ActionID', id)}"]
    for key, value in fields.items():
        if not _KEY.fullmatch(key):
            raise Unsendable(f"AMI: {key!r} is not a key; use letters, digits and -")
        several = [str(value)] if isinstance(value, (str, int)) else value
        lines += [f"{key}: {_value(key, each)}" for each in several]
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
    except UnicodeEncodeError as problem:
        raise Unsendable(f"AMI: {action}: {problem.reason}; nothing was sent") from None


def _value(key: str, value: str) -> str:
    if _FORBIDDEN.search(value):
        raise Unsendable(f"AMI: {key}: {value!r} contains a line break or NUL; nothing was sent")
    return value
