"""Which scenarios no longer fit the configuration, for `ivr check` (an entry point of the group `ivr.checks`).

A scenario names topics, shifts and hours of `config/`. After a change there it may contradict it, and `queue-model`
refuses to run it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from common.documents import Problem, Unreadable, read
from common.places import ROOT, Places, short_path
from queue_model.errors import ModelError
from queue_model.scenario.study import ScenarioError, load

FOLDER = os.path.join(ROOT, "scenarios")


def find_unfit(places: Places, folder: str = FOLDER) -> Iterator[Problem]:
    """A warning for each scenario that `queue-model` would refuse with this configuration.

    A scenario that fails only because of the one that it is based on is counted there.
    """
    bases = dict(_scenarios(folder))
    faults = {path: _faults(path, places) for path in bases}
    for path, base in bases.items():
        own = [fault for fault in faults[path] if fault not in faults.get(base, [])]
        if own:
            others = [other for other in bases if faults[other] and path in _chain(other, bases)]
            also = f"; so do {len(others)} scenarios based on it" if others else ""
            more = f" ({len(own) - 1} more: queue-model check)" if len(own) > 1 else ""
            where, message = own[0]
            text = f"no longer fits this configuration{also}: {message}{more}"
            yield Problem(short_path(path), where, text, "warning")


def _chain(path: str, bases: dict[str, str]) -> list[str]:
    """What a scenario is based on, directly and indirectly."""
    chain: list[str] = []
    while (path := bases.get(path, "")) and path not in chain:
        chain.append(path)
    return chain


def _scenarios(folder: str) -> Iterator[tuple[str, str]]:
    """The scenarios of a folder, each with the path of the one that it is based on, or ""."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if not name.endswith(".yaml"):
            continue
        try:
            document = read(path)
        except Unreadable:
            document = {}  # reported as a fault
        if isinstance(document, dict) and "people" not in document:  # people are for `queue-model rota`
            base = document.get("based_on")
            yield path, os.path.normpath(os.path.join(folder, base)) if isinstance(base, str) else ""


def _faults(path: str, places: Places) -> list[tuple[str, str]]:
    try:
        load(path, places)
    except ScenarioError as problem:
        return [(each.path, each.message) for each in problem.problems]
    except ModelError as problem:
        return [("", str(problem))]
    return []
