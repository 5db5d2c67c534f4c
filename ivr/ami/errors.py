"""What can go wrong with a manager, each by a name of its own; all are told to a person as they are."""

from __future__ import annotations

from common.command_line import Refusal


class AmiError(Refusal):
    """The manager cannot do it; the message names it and the remedy."""


class Unreachable(AmiError):
    """Nobody accepts the connection, or not in time."""


class LoginRefused(AmiError):
    """The manager knows no such user, or not with this secret, or not from here."""


class ConnectionLost(AmiError):
    """The connection ended; what was asked and not answered may or may not have been done."""


class NoAnswer(AmiError):
    """The time for an answer is over; what was asked may or may not have been done."""


class ProtocolError(AmiError):
    """The peer does not speak the manager's protocol, or without end."""


class TooManyEvents(AmiError):
    """More events came than were taken: what is known of the switch is no longer true."""


class ActionRefused(AmiError):
    """The manager answered that it will not or cannot; `reason` in its own words."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class Unsendable(AmiError, ValueError):
    """A value would be more than a value on the wire; nothing was sent."""
