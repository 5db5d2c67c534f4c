"""Errors between us and the switch, and whose fault they are.

`LocalProtocolError` is our mistake, found before a byte was sent. `RemoteProtocolError` is the peer's: it sent
something that is not AGI, and nothing that follows can be trusted. A `CommandError` is neither: the switch understood
the command and refused it. A hang-up is not an error, since every call ends with one. So `Hangup` is not an
`AgiError`: a flow's `except AgiError` must not take the end of the call for a failed command.
"""

from __future__ import annotations


class AgiError(Exception):
    """Any error in the conversation with the switch."""


class LocalProtocolError(AgiError):
    """We were about to send something invalid, or at the wrong time. Nothing was sent."""


class RemoteProtocolError(AgiError):
    """The peer does not speak AGI, or exceeds a limit. The connection cannot be used any more."""


class Hangup(Exception):
    """The caller has hung up. Commands that are `dead_capable` still run."""
