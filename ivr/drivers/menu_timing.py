"""How long callers are in the menu before an operator rings, or before the tone: every way through it, rehearsed.

The caller of a way hears every prompt to its end, presses the key at once or nothing at all, and meets no question
twice. Lengths are those of the real sounds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from charter.calendar import OpeningHours
from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import SHORTEST_SILENCE, HangsUp, Press, Rehearsal, Speech
from ivr.flows.call import FlowFunction

NOTHING = "nothing"
MOST_WAYS = 200  # of a menu; more would not be read

Step = tuple[str, list[str]]  # as shown, and what is pressed in each silence: a key or ""


class Way(NamedTuple):
    """One way through the menu. `seconds` includes the `information` that the caller chose to hear."""

    keys: tuple[str, ...]
    ending: Literal["operator", "tone"]
    seconds: float
    information: float

    @property
    def description(self) -> str:
        return " ".join(self.keys) or NOTHING


def measure_ways(compiled: Compiled, flows: Mapping[str, FlowFunction], after: float) -> list[Way]:
    """Every way to an operator while the service is open, and to the tone while it is closed.

    `after`: epoch seconds; the calls come at the next opening and the closing that follows. During a campaign they are
    in the sample that hears the notice.
    """
    recording = compiled["service"]["recording"]
    service: Any = {**compiled["service"], "recording": {**recording, "sampling": 1.0}}
    hours, ways = OpeningHours.of(service), []
    with tempfile.TemporaryDirectory() as folder:
        paths: Any = {**compiled["paths"], "messages": folder, "facts": folder}
        compiled = {**compiled, "service": service, "paths": paths}
        opening = hours.next_opening(after)
        for at in (opening, hours.next_change(opening)):
            if at < float("inf"):
                for steps in _ways(
                    compiled["menu"]["nodes"], compiled["menu"]["start"], hours.is_open(at), frozenset()
                ):
                    way = _measure(compiled, flows, at, steps)
                    ways += [way] if way is not None else []
    return ways[:MOST_WAYS]


def _ways(nodes: Mapping[str, Any], name: str, is_open: bool, questions: frozenset[str]) -> Iterator[list[Step]]:
    """What callers press on their way from a node to an end; a question is answered once."""
    node = nodes[name]
    if node["kind"] in ("queue", "message", "hangup"):
        yield []
    elif node["kind"] == "hours":
        yield from _ways(nodes, node["open" if is_open else "closed"], is_open, questions)
    elif node["kind"] in ("ask", "number"):
        if name not in questions:
            for step, target in _steps(node):
                for rest in _ways(nodes, target, is_open, questions | {name}):
                    yield [step, *rest]
    else:
        yield from _ways(nodes, node["next"], is_open, questions)


def _steps(node: Mapping[str, Any]) -> Iterator[tuple[Step, str]]:
    if node["kind"] == "number":
        digits = "1" * node["least_digits"] + ("#" if node["least_digits"] < node["most_digits"] else "")
        yield (f"{digits}, 1", [*digits, "1"]), node["next"]
        return
    yield (NOTHING, [""] * node["attempts"]), node["no_input"]["then"]
    for key, target in node["keys"].items():
        yield (key, [key]), target


def _measure(compiled: Compiled, flows: Mapping[str, FlowFunction], at: float, steps: list[Step]) -> Way | None:
    caller = _Caller(compiled, [press for _, presses in steps for press in presses])
    rehearsal = Rehearsal(compiled, caller, at=at)
    rehearsal.run("menu", flows["menu"])
    outcome = rehearsal.variables.get("IVR_OUTCOME")
    if outcome == "voicemail" and "voicemail" in flows:
        rehearsal.run("voicemail", flows["voicemail"], rehearsal.variables["IVR_REASON"])
    elif outcome != "queue":
        return None
    keys = tuple(shown for shown, _ in steps)
    ending: Literal["operator", "tone"] = "operator" if outcome == "queue" else "tone"
    return Way(keys, ending, rehearsal.now - at, caller.information)


class _Caller:
    """Presses the keys of one way, then nothing; hangs up at the tone."""

    def __init__(self, compiled: Compiled, presses: list[str]) -> None:
        nodes: Any = compiled["menu"]["nodes"].values()
        self._notice = {prompt for node in nodes if node["kind"] == "notice" for prompt in _names(node)}
        self._inform = {prompt for node in nodes if node["kind"] == "inform" for prompt in _names(node)}
        self._presses = list(presses)
        self._heard = ""
        self.information = 0.0

    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        self._heard = prompt
        self.information += seconds if prompt in self._inform else 0.0
        return None

    def wait(self, seconds: float) -> Press | None:
        if seconds < SHORTEST_SILENCE or self._heard in self._notice or not self._presses:
            return None
        key = self._presses.pop(0)
        return Press(key) if key else None

    def speak(self, longest: float) -> Speech:
        raise HangsUp


def _names(node: Mapping[str, Any]) -> list[str]:
    return [prompt for prompt in node["prompts"] if isinstance(prompt, str)]
