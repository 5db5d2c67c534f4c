"""What the message store knows of a message. The store is above us: it says so through an entry point.

The group `registry.messages` has functions of `(places, message_id)` that return what was `Left`, or None for a message
that they do not know. The package `voicemail` installs one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from common.command_line import Refusal
from common.places import Places
from ivr.flows.plugins import PluginError, load_plugins

GROUP = "registry.messages"


class Left(NamedTuple):
    """A message: whom to call back, where the number comes from (cli, typed, none), and when it was left."""

    number: str | None
    source: str
    empty: bool
    left_at: float  # epoch seconds, UTC


Asked = Callable[[str], Left | None]


def stores(places: Places) -> Asked:
    """Whom to ask about a message, by its id. Raises `Refusal` when nothing is installed that knows."""
    try:
        functions = list(load_plugins(GROUP).values())
    except PluginError as problem:
        raise Refusal(str(problem)) from None
    if not functions:
        raise Refusal(f"no entry points of the group {GROUP}: is the package installed? `pip install -e .`")

    def ask(message_id: str) -> Left | None:
        return next((left for each in functions if (left := each(places, message_id)) is not None), None)

    return ask
