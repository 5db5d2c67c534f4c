"""Which flows there are. A flow is installed under its name in the entry points group `ivr.flows`, so that `voicemail`
(or a site's own package) adds one without anything here importing upward."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ivr.flows.call import FlowFunction

GROUP = "ivr.flows"


class PluginError(Exception):
    """Something installed cannot be used; the message names the entry point and the remedy."""


def installed_flows() -> dict[str, FlowFunction]:
    """Every flow by its name, which is the script's name in the dialplan. Raises `PluginError`."""
    flows: dict[str, FlowFunction] = load_plugins(GROUP)
    if not flows:
        raise PluginError(
            f"no entry points of the group {GROUP}: is the package installed? `pip install -e .`; "
            "a stale *.egg-info folder beside the sources hides an installed one: remove it"
        )
    return flows


def load_plugins(group: str) -> dict[str, Callable[..., Any]]:
    """The callables of a group of entry points by name. Raises `PluginError` when one cannot be had."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        known = found.setdefault(point.name, point)
        if known.value != point.value:
            raise PluginError(f"{group}: two packages install {point.name!r}: {known.value} and {point.value}")
    return {name: _load(point) for name, point in sorted(found.items())}


def _load(point: EntryPoint) -> Callable[..., Any]:
    try:
        loaded: Any = point.load()
    except (ImportError, AttributeError) as problem:
        raise PluginError(f"{point.group}: {point.name} = {point.value}: {problem}; reinstall the package") from problem
    if not callable(loaded):
        raise PluginError(f"{point.group}: {point.name} = {point.value} is a {type(loaded).__name__}, no function")
    called: Callable[..., Any] = loaded
    return called
