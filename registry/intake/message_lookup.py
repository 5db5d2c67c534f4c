"""Looking up a voicemail message in the message store, which is in a higher package: it is reached by an entry point.

The group `registry.messages` has functions of `(places, message_id)` that return a `StoredMessage`, or None for an
unknown message. The package `voicemail` installs one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from common.command_line import Refusal
from common.places import Places
from ivr.flows.plugins import PluginError, load_plugins

GROUP = "registry.messages"


class StoredMessage(NamedTuple):
    """A message: the number to call back, its source (cli, typed, none), and when the message was left."""

    number: str | None
    source: str
    empty: bool
    left_at: float  # epoch seconds, UTC


MessageLookup = Callable[[str], StoredMessage | None]


def message_lookup(places: Places) -> MessageLookup:
    """Return a function that finds a message by its id. Raises `Refusal` when no message store is installed."""
    try:
        functions = list(load_plugins(GROUP).values())
    except PluginError as problem:
        raise Refusal(str(problem)) from None
    if not functions:
        raise Refusal(f"no entry points of the group {GROUP}: is the package installed? `pip install -e .`")

    def look_up(message_id: str) -> StoredMessage | None:
        results = (function(places, message_id) for function in functions)
        return next((message for message in results if message is not None), None)

    return look_up
