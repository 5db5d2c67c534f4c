"""The manager interface of Asterisk (AMI): the only way by which this project asks a running switch, or listens to it.

`wire` is the protocol without I/O; `client` one connection, on which everything has a deadline; `follow` a connection
that comes back; `account` where the switch is and how one logs in. Why not panoramisk: docs/decisions/0009-ami.md.
"""

from ivr.ami.account import account
from ivr.ami.client import Connection, connect
from ivr.ami.errors import (
    AmiError,
    Behind,
    Garbled,
    LoginRefused,
    Lost,
    NoAnswer,
    Refused,
    Unreachable,
    Unsendable,
)
from ivr.ami.follow import Backoff, follow
from ivr.ami.wire import Message, Reader, encode

__all__ = [
    "AmiError",
    "Backoff",
    "Behind",
    "Connection",
    "Garbled",
    "LoginRefused",
    "Lost",
    "Message",
    "NoAnswer",
    "Reader",
    "Refused",
    "Unreachable",
    "Unsendable",
    "account",
    "connect",
    "encode",
    "follow",
]
