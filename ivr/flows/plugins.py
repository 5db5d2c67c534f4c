"""Finds the installed flows. Each is an entry point of the group `ivr.flows`, so that `voicemail` (or a package of the
site) can add one, and nothing here imports upward."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ivr.flows.call import FlowFunction

GROUP = "ivr.flows"


class PluginError(Exception):
    """An entry point cannot be used; the message names it and the remedy."""


def installed_flows() -> dict[str, FlowFunction]:
    """Every flow by its name, which the dialplan uses as the script's name. Raises `PluginError`."""
    flows: dict[str, FlowFunction] = load_plugins(GROUP)
    if not flows:
        raise PluginError(
            f"no entry points of the group {GROUP}: is the package installed? `pip install -e .`; "
            "if it is, delete a stale *.egg-info folder beside the sources, which hides it"
        )
    return flows


def load_plugins(group: str) -> dict[str, Callable[..., Any]]:
    """Load the callables of a group of entry points, by name. Raises `PluginError`."""
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        known = points.setdefault(point.name, point)
        if known.value != point.value:
            raise PluginError(f"{group}: two packages install {point.name!r}: {known.value} and {point.value}")
    return {name: _load(point) for name, point in sorted(points.items())}


def _load(point: EntryPoint) -> Callable[..., Any]:
    try:
        loaded: Any = point.load()
    except (ImportError, AttributeError) as problem:
        raise PluginError(f"{point.group}: {point.name} = {point.value}: {problem}; reinstall the package") from problem
    if not callable(loaded):
        raise PluginError(f"{point.group}: {point.name} = {point.value} is a {type(loaded).__name__}, not a function")
    called: Callable[..., Any] = loaded
    return called
