"""The compiled configuration, looked at before a running engine puts calls on it.

`ivr compile` writes only what is right; but files get cut, edited by hand, or copied from another machine. A call that
trips over such a file is lost, so the engine looks at all of it first, and stays with what it has when it is not sound.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from common.places import Places
from ivr.configuration import compiled as shapes
from ivr.configuration.compiled import Compiled, CompiledError, load

NODES: dict[str, Any] = {get_args(get_type_hints(node)["kind"])[0]: node for node in get_args(shapes.Node)}
TARGETS = ("next", "open", "closed", "failed")  # the fields of a node that name another


def trusted(places: Places) -> Compiled:
    """The compiled configuration of these places. Raises `CompiledError`, naming file, key and remedy."""
    compiled = load(places.compiled)
    try:
        _examine(compiled, places)
    except (KeyError, TypeError, ValueError) as problem:  # msgspec.ValidationError is a ValueError
        raise CompiledError(f"{places.compiled}: {problem}; run `ivr compile` again") from None
    return compiled


def _examine(compiled: Compiled, places: Places) -> None:
    document: Any = compiled
    _fits(document, "revision", str)
    _fits(document, "service", shapes.Service)
    _fits(document, "survey", shapes.Survey)
    _fits(document, "prompts", dict[str, shapes.PromptSheet])
    _fits(document, "paths", shapes.Paths)
    _fits(document, "menu", dict[str, Any])
    _fits(document["menu"], "nodes", dict[str, dict[str, Any]])
    nodes = document["menu"]["nodes"]
    for name, node in nodes.items():
        if node.get("kind") not in NODES:
            raise ValueError(f"menu.nodes.{name}.kind: {node.get('kind')!r} is none of {', '.join(NODES)}")
        _fits(nodes, name, NODES[node["kind"]])
    for where, target in _targets(document["menu"]):
        if target not in nodes:
            raise ValueError(f"menu.{where}: no node named {target!r}")
    for network in document["service"]["engine"]["allow"]:
        ipaddress.ip_network(network, strict=False)
    for name, place in (("facts", places.facts), ("socket", places.socket)):
        if os.path.realpath(document["paths"][name]) != os.path.realpath(place):
            raise ValueError(f"paths.{name}: {document['paths'][name]} is for another var/ than {places.var}")


def _fits(mapping: dict[str, Any], key: str, shape: Any) -> None:
    try:
        msgspec.convert(mapping.get(key), shape)
    except msgspec.ValidationError as problem:
        raise ValueError(f"{key}: {problem}") from None


def _targets(menu: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every place of the menu that names a node, and the name."""
    yield "start", menu.get("start")
    for name, node in menu["nodes"].items():
        for field in TARGETS:
            if field in node:
                yield f"nodes.{name}.{field}", node[field]
        for key, target in node.get("keys", {}).items():
            yield f"nodes.{name}.keys.{key}", target
        for field in ("no_input", "wrong_input"):
            if field in node:
                yield f"nodes.{name}.{field}.then", node[field]["then"]
