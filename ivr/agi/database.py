"""The switch's own database (AstDB): families of keys with values."""

from __future__ import annotations

from ivr.agi.commands import AsksForValue, Changes
from ivr.agi.replies import RawReply


class DatabaseGet(AsksForValue):
    """None when there is no such key."""

    verb = "DATABASE GET"
    dead_capable = True

    def __init__(self, family: str, key: str) -> None:
        self.words = (family, key)


class DatabasePut(Changes):
    verb = "DATABASE PUT"
    dead_capable = True

    def __init__(self, family: str, key: str, value: str) -> None:
        self.words = (family, key, value)


class DatabaseDel(Changes):
    """True also for a key that did not exist."""

    verb = "DATABASE DEL"
    dead_capable = True

    def __init__(self, family: str, key: str) -> None:
        self.words = (family, key)


class DatabaseDeltree(Changes):
    """Deletes a family, or the keys below one key of it; True when there was something to delete."""

    verb = "DATABASE DELTREE"
    dead_capable = True

    def __init__(self, family: str, keytree: str = "") -> None:
        self.words = (family, keytree) if keytree else (family,)

    def parse(self, reply: RawReply) -> bool:
        # Unlike its documentation, the switch answers 0 for deleted and 1 for nothing deleted.
        return reply.number == 0
