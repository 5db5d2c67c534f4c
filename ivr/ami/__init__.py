"""Asterisk's manager interface (AMI): the only way in which this project queries a running switch or gets its events.

`wire` is the protocol without I/O; `client` is one connection, with a deadline for every action; `event_listener`
reconnects; `account` says where the switch is and how to log in. Why not panoramisk: docs/decisions/0009-ami.md.
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
