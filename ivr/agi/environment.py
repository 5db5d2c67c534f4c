"""The environment: the lines `agi_name: value` that describe the call before the first command.

It may be malformed: a caller's name is whatever the other end has sent, and the switch cuts it after 255 bytes, even
inside a character. So values are decoded with U+FFFD for invalid UTF-8, and a line without a name is skipped. Only
environments that could mix up calls are refused: another protocol, no channel, and a name with two values (a line feed
in a caller's name could produce one).
"""

from __future__ import annotations

from ivr.agi.errors import RemoteProtocolError

MAX_BYTES = 65536
MAX_LINES = 256  # 22 of the switch's own, 127 arguments, and a margin

_NEEDED = ("agi_channel", "agi_uniqueid")
_NO_NUMBER = frozenset(["", "unknown", "anonymous", "private", "restricted", "unavailable", "withheld"])
_SCRIPT_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


class Environment(dict[str, str]):
    """The call as the switch describes it: a mapping of `agi_...` names."""

    __slots__ = ()

    @property
    def channel(self) -> str:
        return self.get("agi_channel", "")

    @property
    def uniqueid(self) -> str:
        return self.get("agi_uniqueid", "")

    @property
    def callerid(self) -> str | None:
        """The caller's number as it came; None when it is missing or withheld."""
        number = self.get("agi_callerid", "")
        presentation = self.get("agi_callingpres", "0")
        # Bits 6 and 7 of the presentation (ITU-T Q.951): 0 is "allowed". Invalid values count as withheld.
        valid = presentation.isascii() and presentation.isdigit() and len(presentation) <= 3
        allowed = valid and not int(presentation) & 0x60
        return number if allowed and number.lower() not in _NO_NUMBER else None

    def arg(self, number: int) -> str:
        """An argument from the dialplan, counted from 1; "" when it is missing."""
        return self.get(f"agi_arg_{number}", "")

    @property
    def script(self) -> str:
        """The flow that the dialplan asks for: `menu` in agi://host/menu?query.

        Raises `RemoteProtocolError` unless it is a plain name: a letter a-z, then letters a-z, digits, `_` and `-`.
        """
        request = self.get("agi_network_script", "")
        name = request.partition("?")[0]
        if "a" <= name[:1] <= "z" and _SCRIPT_LETTERS.issuperset(name):
            return name
        excerpt = repr(name[:60]) if "agi_network_script" in self else "missing"
        raise RemoteProtocolError(f"agi_network_script: {excerpt}: not a flow's name; write AGI(agi://HOST/menu)")

    @property
    def query(self) -> dict[str, str]:
        """The query after the script's name: `a=1&b=x%20y`. Of two equal names the first counts."""
        found: dict[str, str] = {}
        for pair in self.get("agi_network_script", "").partition("?")[2].split("&"):
            name, _, value = pair.partition("=")
            if name:
                found.setdefault(_unquote(name), _unquote(value))
        return found


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    first, *rest = text.encode("utf-8", "replace").split(b"%")
    parts = [first]
    for part in rest:
        code = part[:2]
        hexadecimal = len(code) == 2 and _HEXADECIMAL.issuperset(code)
        parts.append(bytes([int(code, 16)]) + part[2:] if hexadecimal else b"%" + part)
    return b"".join(parts).decode("utf-8", "replace")


_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")


def parse_environment(block: bytes) -> Environment:
    """Parse the lines of an environment, without the closing blank line.

    Raises `RemoteProtocolError` when the channel is missing or a name has two values.
    """
    text = block.decode("utf-8", "replace")
    lines = text.split("\n")
    try:
        environment = Environment([line.split(": ", 1) for line in lines])  # enough for most calls
    except ValueError:
        environment = _parse_lines(lines)
    else:
        if len(environment) != len(lines) or ":" in "".join(environment) or "\r" in text:
            environment = _parse_lines(lines)
    for name in _NEEDED:
        if name not in environment:
            raise RemoteProtocolError(f"no {name} in the environment: this is not a switch, or it was cut short")
    return environment


def _parse_lines(lines: list[str]) -> Environment:
    """Parse unusual lines: without a colon, with CR, without the space after the colon."""
    environment = Environment()
    for line in lines:
        name, colon, value = line.removesuffix("\r").partition(":")
        value = value.removeprefix(" ")
        if colon and environment.setdefault(name, value) != value:
            raise RemoteProtocolError(f"{name[:60]!r} comes twice in the environment, with two values")
    return environment
