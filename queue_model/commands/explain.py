"""`queue-model explain`: where each value of a scenario comes from: assumed, measured, documented, or changed here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from common.places import Places
from queue_model.commands import simulation_options
from queue_model.reports import text_tables
from queue_model.scenario.schema import Assumption
from queue_model.scenario.study import Study, leaves, speaks_of

EXAMPLES = """
assumed     nobody knows: take the range seriously, and try its ends (--set)
measured    from the service's own logs
documented  from the documents that founded the service
changed     written by this scenario or on this command line; the rest comes from the one that it is based on
unstated    nobody said where it comes from

example:
  queue-model explain scenarios/baseline.yaml
"""
NO_VALUES = ("assumptions", "title", "about", "based_on", "seed", "replications")
CONFIGURED = (
    "hours", "queue.seats", "queue.operators", "queue.longest_wait", "queue.longest_queue", "queue.all_busy",
    "queue.voicemail_key", "queue.voicemail_offer_every", "promises",
)  # fmt: skip


class Origin(NamedTuple):
    """A value with where it comes from."""

    path: str
    value: Any
    basis: str
    assumption: Assumption | None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    study = simulation_options.study_of(options, places)
    found = list(origins(study))
    if options.json:
        print(json.dumps([_document(each) for each in found], indent=1, ensure_ascii=False, default=str))
    else:
        print("\n".join(_page(study, found)))
    return 0


def origins(study: Study) -> Iterator[Origin]:
    """Every value that the scenario writes, in its order."""
    for path, value in _values(study.written):
        name = speaks_of(path, study.scenario.assumptions)
        assumption = study.scenario.assumptions[name] if name is not None else None
        changed = any(each == path or each.startswith(f"{path}.") for each in study.changed)
        if changed:
            yield Origin(path, value, "changed", None)
        else:
            yield Origin(path, value, assumption.basis if assumption is not None else "unstated", assumption)


def _values(written: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((path, value) for path, value in leaves(written) if path.split(".")[0] not in NO_VALUES)


def _page(study: Study, found: list[Origin]) -> Iterator[str]:
    yield study.scenario.title
    yield ""
    counts = {
        basis: sum(each.basis == basis for each in found) for basis in dict.fromkeys(each.basis for each in found)
    }
    yield ", ".join(f"{count} {basis}" for basis, count in counts.items()) + "; the rest is read from config/"
    for basis in ("assumed", "measured", "documented", "changed", "unstated"):
        mine = [each for each in found if each.basis == basis]
        if mine:
            yield ""
            yield basis.upper()
            yield from _section(mine)
    yield ""
    yield "CONFIGURED (config/service.yaml, with what this scenario changes under service:)"
    for path in CONFIGURED:
        value: Any = study.compiled["service"]
        for key in path.split("."):
            value = value[key]
        yield f"  {path} = {_shown(value)}"


def _section(mine: list[Origin]) -> Iterator[str]:
    for each, following in zip_longest(mine, mine[1:]):
        yield f"  {each.path} = {_shown(each.value)}"
        said = each.assumption
        if said is not None and (following is None or following.assumption is not said):
            yield from text_tables.wrapped(said.comment, "      ")
            if said.range is not None:
                yield f"      thinkable: {said.range[0]:g} to {said.range[1]:g}"
            if said.source is not None:
                yield from text_tables.wrapped(f"source: {said.source}", "      ")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _document(each: Origin) -> dict[str, Any]:
    said = each.assumption
    return {
        "key": each.path,
        "value": each.value,
        "basis": each.basis,
        "range": said.range if said is not None else None,
        "source": said.source if said is not None else None,
        "comment": said.comment if said is not None else None,
    }
