"""`queue-model explain`: shows the origin of each value of a scenario."""

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
from queue_model.scenario.study import Study, assumption_for, leaves

EXAMPLES = """
assumed     not known; try the ends of its range with --set
measured    from the logs of the service
documented  from the founding documents of the service
changed     set by this scenario or on this command line; other values come from the scenario it is based on
unstated    no origin is given

example:
  queue-model explain scenarios/baseline.yaml
"""
NO_VALUES = ("assumptions", "title", "about", "based_on", "seed", "replications")
CONFIGURED = (
    "hours", "queue.seats", "queue.operators", "queue.longest_wait", "queue.longest_queue", "queue.all_busy",
    "queue.voicemail_key", "queue.voicemail_offer_every", "promises",
)  # fmt: skip


class Origin(NamedTuple):
    """A value with its origin."""

    path: str
    value: Any
    basis: str
    assumption: Assumption | None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    simulation_options.scenario_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace, places: Places) -> int:
    study = simulation_options.study_of(options, places)
    found = list(origins(study))
    if options.json:
        print(json.dumps([_document(each) for each in found], indent=1, ensure_ascii=False, default=str))
    else:
        print("\n".join(_page(study, found)))
    return 0


def origins(study: Study) -> Iterator[Origin]:
    """Every value that the scenario sets, in its order."""
    for path, value in _values(study.written):
        name = assumption_for(path, study.scenario.assumptions)
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
    yield ", ".join(f"{count} {basis}" for basis, count in counts.items()) + "; other values are read from config/"
    for basis in ("assumed", "measured", "documented", "changed", "unstated"):
        of_basis = [each for each in found if each.basis == basis]
        if of_basis:
            yield ""
            yield basis.upper()
            yield from _section(of_basis)
    yield ""
    yield "CONFIGURED (config/service.yaml, with the changes of this scenario under service:)"
    for path in CONFIGURED:
        value: Any = study.compiled["service"]
        for key in path.split("."):
            value = value[key]
        yield f"  {path} = {_shown(value)}"


def _section(origins: list[Origin]) -> Iterator[str]:
    for each, following in zip_longest(origins, origins[1:]):
        yield f"  {each.path} = {_shown(each.value)}"
        assumption = each.assumption
        if assumption is not None and (following is None or following.assumption is not assumption):
            yield from text_tables.wrapped(assumption.comment, "      ")
            if assumption.range is not None:
                yield f"      possible: {assumption.range[0]:g} to {assumption.range[1]:g}"
            if assumption.source is not None:
                yield from text_tables.wrapped(f"source: {assumption.source}", "      ")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _document(each: Origin) -> dict[str, Any]:
    assumption = each.assumption
    return {
        "key": each.path,
        "value": each.value,
        "basis": each.basis,
        "range": assumption.range if assumption is not None else None,
        "source": assumption.source if assumption is not None else None,
        "comment": assumption.comment if assumption is not None else None,
    }
