"""What can go wrong between us and the switch, and whose fault it is.

`LocalProtocolError` is our mistake, found before a byte has left. `RemoteProtocolError` is the peer's: what came is not
AGI, and nothing that comes after it can be trusted. A `CommandError` is neither: the switch has understood us and says
no. And a hang-up is no error at all: it is how every call ends. `Hangup` therefore stands outside the tree, so that a
flow's `except AgiError` cannot take the end of the call for a command that failed.
"""

from __future__ import annotations


class AgiError(Exception):
    """Whatever goes wrong with the switch."""


class LocalProtocolError(AgiError):
    """We were about to send something that must not be sent, or at the wrong time. Nothing was sent."""


class RemoteProtocolError(AgiError):
    """The peer does not speak AGI, or says too much. The connection is of no further use."""


class Hangup(Exception):
    """The caller has gone. Commands that are `dead_capable` still run."""
