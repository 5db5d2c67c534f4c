"""The errors of the manager interface. All are printed to a person as they are."""

from __future__ import annotations

from common.command_line import Refusal


class AmiError(Refusal):
    """Any error of the manager interface; the message names the manager and the remedy."""


class Unreachable(AmiError):
    """The connection is not accepted, or not in time."""


class LoginRefused(AmiError):
    """The manager does not accept this user, secret or address."""


class ConnectionLost(AmiError):
    """The connection ended; a pending action may or may not have been carried out."""


class NoAnswer(AmiError):
    """No reply within the deadline; the action may or may not have been carried out."""


class ProtocolError(AmiError):
    """The peer does not speak the manager's protocol, or exceeds a limit."""


class TooManyEvents(AmiError):
    """Events came faster than they were read, so the known state of the switch is out of date."""


class ActionRefused(AmiError):
    """The manager refused an action; `reason` is its message."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class Unsendable(AmiError, ValueError):
    """A value cannot be encoded as one value; nothing was sent."""
