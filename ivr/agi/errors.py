"""What can go wrong between us and the switch, and whose fault it is.

`LocalProtocolError` is our mistake, found before a byte has left. `RemoteProtocolError` is the peer's: what came is not
AGI, and nothing that comes after it can be trusted. A `CommandError` is neither: the switch has understood us and says
no. And a hang-up is no error at all: it is how every call ends. `Hangup` therefore stands outside the tree, so that a
flow's `except AgiError` cannot take the end of the call for a command that failed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself would cost a process script 4 ms
if TYPE_CHECKING:
    from typing import Any

    from ivr.agi.commands import Command


class AgiError(Exception):
    """Whatever goes wrong with the switch."""


class LocalProtocolError(AgiError):
    """We were about to send something that must not be sent, or at the wrong time. Nothing was sent."""


class RemoteProtocolError(AgiError):
    """The peer does not speak AGI, or says too much. The connection is of no further use."""


class CommandError(AgiError):
    """The switch refused a command: 510 unknown, 520 wrong arguments (`text` is its usage), 503 out of memory."""

    def __init__(self, command: Command[Any], code: int, text: str) -> None:
        super().__init__(command, code, text)
        self.command = command
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"{self.command.verb}: {self.code} {self.text.partition(chr(10))[0]}"


class Hangup(Exception):
    """The caller has gone. Commands that are `dead_capable` still run."""
