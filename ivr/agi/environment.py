"""What the switch says about the call before the first command: the environment, `agi_name: value` lines.

Nothing in it can be trusted to be well formed: a caller's name is whatever the other end of the line has sent, cut by
the switch after 255 bytes, in mid letter if need be. Values are therefore decoded with U+FFFD for what is no UTF-8, and
a line without a name is passed over. Only what would put a call into the wrong hands is refused: another protocol,
an environment without a channel, and a name that is said twice with two values (a line feed in a caller's name could
make such a line).
"""

from __future__ import annotations

from ivr.agi.errors import RemoteProtocolError

MAX_BYTES = 65536
MAX_LINES = 256  # 22 of the switch's own, 127 arguments, and some to spare

_NEEDED = ("agi_channel", "agi_uniqueid")
_NO_NUMBER = frozenset(["", "unknown", "anonymous", "private", "restricted", "unavailable", "withheld"])
_SCRIPT_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


class Environment(dict[str, str]):
    """The call as the switch introduces it: a mapping of `agi_...` names."""

    __slots__ = ()

    @property
    def channel(self) -> str:
        return self.get("agi_channel", "")

    @property
    def uniqueid(self) -> str:
        return self.get("agi_uniqueid", "")

    @property
    def callerid(self) -> str | None:
        """The caller's number as it came; None when there is none, or the caller does not want it known."""
        number = self.get("agi_callerid", "")
        shown = self.get("agi_callingpres", "0")
        # Bits 6 and 7 of the presentation (ITU-T Q.951): 0 is "allowed". What cannot be read counts as withheld.
        allowed = shown.isascii() and shown.isdigit() and len(shown) <= 3 and not int(shown) & 0x60
        return number if allowed and number.lower() not in _NO_NUMBER else None

    def arg(self, number: int) -> str:
        """An argument that the dialplan gave, from 1; "" when it did not."""
        return self.get(f"agi_arg_{number}", "")

    @property
    def script(self) -> str:
        """The flow that the dialplan wants: `menu` in agi://host/menu?query.

        Raises `RemoteProtocolError` unless it is a plain name: it begins with a letter a-z and goes on with these,
        digits, `_` and `-`.
        """
        request = self.get("agi_network_script", "")
        name = request.partition("?")[0]
        if "a" <= name[:1] <= "z" and _SCRIPT_LETTERS.issuperset(name):
            return name
        shown = repr(name[:60]) if "agi_network_script" in self else "missing"
        raise RemoteProtocolError(f"agi_network_script: {shown}: not a flow's name; write AGI(agi://HOST/menu)")

    @property
    def query(self) -> dict[str, str]:
        """What follows the `?` of the script's name: `a=1&b=x%20y`. The first of two equal names counts."""
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
    """Read the lines of an environment, the closing blank line left away.

    Raises `RemoteProtocolError` for what is none: no channel in it, or a name with two values.
    """
    text = block.decode("utf-8", "replace")
    lines = text.split("\n")
    try:
        environment = Environment([line.split(": ", 1) for line in lines])  # all that most calls need
    except ValueError:
        environment = _read_with_care(lines)
    else:
        if len(environment) != len(lines) or ":" in "".join(environment) or "\r" in text:
            environment = _read_with_care(lines)
    for name in _NEEDED:
        if name not in environment:
            raise RemoteProtocolError(f"no {name} in the environment: this is not a switch, or it was cut short")
    return environment


def _read_with_care(lines: list[str]) -> Environment:
    """Lines without a colon, with CR, without the space: everything that a switch does not send as a rule."""
    environment = Environment()
    for line in lines:
        name, colon, value = line.removesuffix("\r").partition(":")
        value = value.removeprefix(" ")
        if colon and environment.setdefault(name, value) != value:
            raise RemoteProtocolError(f"{name[:60]!r} comes twice in the environment, with two values")
    return environment
