"""The manager interface of Asterisk (AMI): the only way by which this project asks a running switch, or listens to it.

`wire` is the protocol without I/O; `client` one connection, on which everything has a deadline; `follow` a connection
that comes back; `account` where the switch is and how one logs in. Why not panoramisk: docs/decisions/0009-ami.md.
"""

from ivr.ami.account import account
from ivr.ami.client import Connection, connect
from ivr.ami.errors import (
    ActionRefused,
    AmiError,
    ConnectionLost,
    LoginRefused,
    NoAnswer,
    ProtocolError,
    TooManyEvents,
    Unreachable,
    Unsendable,
)
from ivr.ami.event_listener import Backoff, follow_events
from ivr.ami.wire import Message, Reader, encode

__all__ = [
    "ActionRefused",
    "AmiError",
    "Backoff",
    "Connection",
    "ConnectionLost",
    "LoginRefused",
    "Message",
    "NoAnswer",
    "ProtocolError",
    "Reader",
    "TooManyEvents",
    "Unreachable",
    "Unsendable",
    "account",
    "connect",
    "encode",
    "follow_events",
]
