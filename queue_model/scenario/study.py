"""Read a scenario and check it together with the configuration; report every mistake.

A scenario may be based on another (`based_on`): its values are merged onto that one, key by key. Lists and laws are
replaced as a whole; null removes a topic or a shift.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import msgspec

from charter.calendar import OpeningHours
from charter.promises import Promise
from common.documents import Problem, Unreadable, read
from common.places import Places, short_path
from common.type_errors import find_type_errors
from ivr.configuration import service
from ivr.configuration.compiled import Compiled
from queue_model.errors import ModelError
from queue_model.scenario.checks import check
from queue_model.scenario.period import Period
from queue_model.scenario.schema import Scenario
from queue_model.scenario.trace import Trace, latest_trace

DEEPEST = 20  # scenarios in a chain of `based_on`
MOST_PROBLEMS = 100


class ScenarioError(ModelError):
    """A scenario with mistakes; the message has one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, eq=False)
class Study:
    """A scenario without mistakes, with the configuration that it changes."""

    path: str
    written: dict[str, Any]  # the whole scenario as plain values, merged onto what it is based on
    changed: frozenset[str]  # paths of the values that this file or the command line changes
    scenario: Scenario
    compiled: Compiled
    warnings: tuple[Problem, ...]

    @cached_property
    def hours(self) -> OpeningHours:
        return OpeningHours.of(self.compiled["service"])

    @cached_property
    def period(self) -> Period:
        return Period(self.scenario.period.first, self.scenario.period.days, self.hours)

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics, in the order of their numbers."""
        return tuple(self.scenario.topics)

    @cached_property
    def trace(self) -> Trace | None:
        """The recorded calls, if the scenario names a trace; read once. Raises `TraceError`."""
        if self.scenario.arrivals.trace is None:
            return None
        path = os.path.join(os.path.dirname(self.path), self.scenario.arrivals.trace)
        return latest_trace(path, self.compiled["service"]["service"]["time_zone"])

    @property
    def promises(self) -> dict[str, Promise]:
        """The promises of the Carta, by the name of the measure."""
        promises = self.compiled["service"]["promises"]
        clock = self.scenario.targets.email_clock
        return {
            "on_time_email": Promise("email", promises["email_hours"], clock, promises["email_share"]),
            "on_time_second_level": Promise(
                "second_level", promises["second_level_days"], "calendar_days", promises["second_level_share"]
            ),
            "on_time_callback": Promise(
                "callback", promises["callback_hours"], "service_hours", promises["callback_share"]
            ),
        }

    def __reduce__(self) -> tuple[Callable[..., Study], tuple[Any, ...]]:
        """Pickle the trace too, so that the study can be simulated on a machine without its files."""
        fields = (self.path, self.written, self.changed, self.scenario, self.compiled, self.warnings)
        return _unpickle, (*fields, self.trace)


def _unpickle(*values: Any) -> Study:
    """A study from another process; the last value is its trace."""
    *fields, trace = values
    study = Study(*fields)
    study.__dict__["trace"] = trace
    return study


def load(path: str, places: Places | None = None, changes: Mapping[str, Any] | None = None) -> Study:
    """The scenario of a file, with `changes` merged onto it. Raises `ScenarioError` with every mistake."""
    if changes and "based_on" in changes:
        raise ModelError("based_on: cannot be changed here; write it in the scenario file, or name the other file")
    whole, own = read_merged(path, Problem(short_path(path), "", ""))
    return _study(path, whole, own, places or Places(), changes or {})


def of(value: dict[str, Any], places: Places | None = None, name: str = "scenario") -> Study:
    """A scenario from plain values instead of a file. Raises `ScenarioError`."""
    return _study(name, value, value, places or Places(), {})


def _study(path: str, whole: dict[str, Any], own: dict[str, Any], places: Places, changes: Mapping[str, Any]) -> Study:
    file, written = short_path(path), _pruned(merged(whole, changes))
    problems = [Problem(file, *each) for each in islice(find_type_errors(written, Scenario), MOST_PROBLEMS)]
    if problems:
        raise ScenarioError(problems)
    scenario = msgspec.convert(written, Scenario)
    compiled = _configuration(file, scenario, places)
    findings = [Problem(file, *each) for each in check(scenario, written, compiled, os.path.dirname(path))]
    errors = [each for each in findings if each.severity == "error"]
    if errors:
        raise ScenarioError(errors)
    changed = {path for path, _ in leaves(dict(changes))} if changes else set()
    if "based_on" in own:
        # A value whose source this file states again does not count as changed.
        stated = own.get("assumptions") or {}
        changed |= {path for path, _ in leaves(own) if assumption_for(path, stated) is None}
    return Study(path, written, frozenset(changed), scenario, compiled, tuple(findings))


# --- reading ---------------------------------------------------------------------------------------------------------


def read_merged(path: str, place: Problem, depth: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plain values of a scenario, merged onto what it is based on, and its own. Raises `ScenarioError`."""
    if depth > DEEPEST:
        raise ScenarioError(
            [place._replace(message="scenarios are based on each other in a circle; remove one `based_on`")]
        )
    try:
        own = read(path, missing=f"no such scenario: {short_path(path)}" if depth else "no such scenario")
    except Unreadable as problem:
        raise ScenarioError([place._replace(message=str(problem))]) from None
    if not isinstance(own, dict):
        raise ScenarioError([Problem(short_path(path), "", "must be a mapping with title, period, arrivals and more")])
    base = own.get("based_on")
    if not isinstance(base, str):
        return own, own
    there = os.path.join(os.path.dirname(path), base)
    below, _ = read_merged(there, Problem(short_path(path), "based_on", ""), depth + 1)
    return merged(below, own), own


def merged(base: Any, change: Any) -> Any:
    """`base` with `change` merged onto it, key by key; a law is replaced as a whole."""
    if not (isinstance(base, dict) and isinstance(change, Mapping)) or "law" in change:
        return dict(change) if isinstance(change, Mapping) else change
    return {**base, **{key: merged(base.get(key), value) for key, value in change.items()}}


def _pruned(written: dict[str, Any]) -> dict[str, Any]:
    """The scenario without the topics, shifts and assumptions that are null."""
    result = dict(written)
    for name in ("topics", "assumptions"):
        if isinstance(result.get(name), dict):
            result[name] = {key: value for key, value in result[name].items() if value is not None}
    operators = result.get("operators")
    if isinstance(operators, dict) and isinstance(operators.get("shifts"), dict):
        kept = {key: value for key, value in operators["shifts"].items() if value is not None}
        result["operators"] = {**operators, "shifts": kept}
    return result


# --- the configuration with the changes of the scenario --------------------------------------------------------------


def _configuration(file: str, scenario: Scenario, places: Places) -> Compiled:
    """`config/` with the scenario's changes, compiled. Mistakes in the changes are reported for the scenario."""
    menu = scenario.menu

    def change(name: str, value: Any) -> Any:
        if name == "service":
            return merged(value, scenario.service)
        if name == "menu":
            return _without_nulls(merged(value, menu.changes))
        if name == "prompts":
            return _prompts(value, scenario)
        return value

    configuration, problems = service.examine(places, change)
    if configuration is None:
        raise ScenarioError([_located(file, each, scenario) for each in problems if each.severity == "error"])
    compiled = service.compiled(configuration, places)
    for prompt, seconds in menu.prompts.items():
        compiled["prompts"][prompt]["seconds"] = float(seconds)
    return compiled


def _prompts(catalogue: Any, scenario: Scenario) -> Any:
    """The catalogue with the prompts of the scenario's menu that are yet to be recorded. With other settings, what the
    recordings say about settings and opening hours is ignored."""
    if not isinstance(catalogue, dict) or not isinstance(catalogue.get("prompts"), dict):
        return catalogue
    prompts = {**{name: {"text": "..."} for name in scenario.menu.prompts}, **catalogue["prompts"]}
    if scenario.service:
        prompts = {name: _without_claims(each) for name, each in prompts.items()}
    return {**catalogue, "prompts": prompts}


def _without_claims(prompt: Any) -> Any:
    """A prompt without the settings that it declares to say."""
    return {**prompt, "announces_hours": None, "speaks": None} if isinstance(prompt, dict) else prompt


def _without_nulls(menu: Any) -> Any:
    if isinstance(menu, dict) and isinstance(menu.get("nodes"), dict):
        return {**menu, "nodes": {name: _kept(node) for name, node in menu["nodes"].items() if node is not None}}
    return menu


def _kept(node: Any) -> Any:
    """A node without the keys that are null."""
    if isinstance(node, dict) and isinstance(node.get("keys"), dict):
        return {**node, "keys": {key: target for key, target in node["keys"].items() if target is not None}}
    return node


def _located(file: str, problem: Problem, scenario: Scenario) -> Problem:
    for name, prefix, changes in (
        ("service", "service", scenario.service),
        ("menu", "menu.changes", scenario.menu.changes),
    ):
        if changes and os.path.basename(problem.file) == f"{name}.yaml":
            return problem._replace(file=file, path=f"{prefix}.{problem.path}" if problem.path else prefix)
    return problem


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a scenario with its path; a law or a list counts as one value."""
    if isinstance(value, dict) and value and "law" not in value and "weights" not in value:
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def assumption_for(path: str, assumptions: Iterable[str]) -> str | None:
    """The path of the assumption about a value: its own, or the nearest above it; None if there is none."""
    keys, known = path.split("."), set(assumptions)
    names = (".".join(keys[:length]) for length in range(len(keys), 0, -1))
    return next((name for name in names if name in known), None)
