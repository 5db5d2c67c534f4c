"""Checks a compiled configuration before a running engine serves calls with it.

`ivr compile` writes only valid files, but a file may be truncated, edited by hand, or copied from another machine. A
call that meets such a file is lost. So the engine checks the whole file first, and keeps its old configuration when the
new one is damaged.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from common.places import Places
from ivr.configuration import compiled_types
from ivr.configuration.compiled import Compiled, CompiledError, load

NODES: dict[str, Any] = {get_args(get_type_hints(node)["kind"])[0]: node for node in get_args(compiled_types.Node)}
TARGETS = ("next", "open", "closed", "failed")  # the fields of a node that name another


def load_checked(places: Places) -> Compiled:
    """Load the compiled configuration and check it. Raises `CompiledError`, which names file, key and remedy."""
    compiled = load(places.compiled)
    try:
        _check(compiled, places)
    except (KeyError, TypeError, ValueError) as problem:  # msgspec.ValidationError is a ValueError
        raise CompiledError(f"{places.compiled}: {problem}; run `ivr compile` again") from None
    return compiled


def _check(compiled: Compiled, places: Places) -> None:
    document: Any = compiled
    for key, expected in get_type_hints(compiled_types.Compiled).items():
        _check_type(document, key, dict[str, Any] if key == "menu" else expected)
    _check_type(document["menu"], "nodes", dict[str, dict[str, Any]])
    nodes = document["menu"]["nodes"]
    for name, node in nodes.items():
        if node.get("kind") not in NODES:
            raise ValueError(f"menu.nodes.{name}.kind: {node.get('kind')!r} is not one of {', '.join(NODES)}")
        _check_type(nodes, name, NODES[node["kind"]])
    for path, target in _targets(document["menu"]):
        if target not in nodes:
            raise ValueError(f"menu.{path}: no node named {target!r}")
    for network in document["service"]["engine"]["allow"]:
        ipaddress.ip_network(network, strict=False)
    for name, place in (("facts", places.facts), ("socket", places.socket)):
        if os.path.realpath(document["paths"][name]) != os.path.realpath(place):
            raise ValueError(f"paths.{name}: {document['paths'][name]} belongs to another var/ than {places.var}")


def _check_type(mapping: dict[str, Any], key: str, expected: Any) -> None:
    try:
        msgspec.convert(mapping.get(key), expected)
    except msgspec.ValidationError as problem:
        raise ValueError(f"{key}: {problem}") from None


def _targets(menu: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key of the menu that names a node, with that name."""
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
