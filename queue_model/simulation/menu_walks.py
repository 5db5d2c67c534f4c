"""Walks through the menu: every path that a simulated caller can take in the real menu flow, with its probability.

A caller has a goal and does not know its key. At each question the caller finds the key that leads to the goal (or to
an operator, if the information did not help), and sometimes makes a slip: lets the question pass, presses a wrong key,
asks for a repetition, or hangs up. Where chance decides, the walk branches. `ivr.drivers.rehearsal` gives the duration
and the ending of each branch. So a menu with shorter prompts or other keys changes the load on the operators without
any new assumption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ivr.configuration.compiled import Compiled
from ivr.drivers.rehearsal import HangsUp, Press, Rehearsal, Speech
from ivr.flows.menu import menu
from ivr.flows.speech import sounds
from queue_model.scenario.schema import Menu
from queue_model.simulation.menu_routes import Goal, Routes

Ending = Literal["queue", "message", "done", "gone"]

RAREST = 1e-5  # less probable walks are left out, and the others are scaled up
MOST_SLIPS = 3  # of one caller, who makes no further slips


class Walk(NamedTuple):
    """One path through the menu: probability, duration and ending. `informed`: heard the recorded information."""

    chance: float
    seconds: float
    ending: Ending
    topic: str
    priority: int
    informed: bool


class _Branches:
    """Chooses the branches of a given path, then the most probable ones, and records the alternatives."""

    def __init__(self, path: Sequence[int]) -> None:
        self.path = list(path)
        self.given = len(self.path)
        self.met: list[list[float]] = []
        self.chance = 1.0

    def choose(self, chances: list[float]) -> int:
        here = len(self.met)
        if here == self.given:
            # The most probable branch first, so that its continuation is explored while its probability is high.
            self.path.append(max(range(len(chances)), key=chances.__getitem__))
            self.given += 1
        self.met.append(chances)
        self.chance *= chances[self.path[here]]
        return self.path[here]


def all_walks(compiled: Compiled, behaviour: Menu, topic: str, satisfied: float, at: float) -> list[Walk]:
    """Every walk of a caller with a topic, calling at `at` (epoch seconds). Probabilities add up to 1.

    During a quality campaign a share of the calls also hears the notice of recording.
    """
    recording = compiled["service"]["recording"]
    if not recording["campaign"] or recording["sampling"] in (0, 1):
        return walks(compiled, behaviour, topic, satisfied, at)
    merged = []
    for sampling, share in ((0.0, 1 - recording["sampling"]), (1.0, recording["sampling"])):
        service: Any = {**compiled["service"], "recording": {**recording, "sampling": sampling}}
        sample: Any = {**compiled, "service": service}
        ways = walks(sample, behaviour, topic, satisfied, at)
        merged += [each._replace(chance=each.chance * share) for each in ways]
    return merged


def walks(compiled: Compiled, behaviour: Menu, topic: str, satisfied: float, at: float) -> list[Walk]:
    """Every walk, if all calls hear the notice of recording or none does."""
    routes = Routes(compiled, at)
    found: list[Walk] = []
    todo: list[list[int]] = [[]]
    while todo:
        start = todo.pop()
        branches = _Branches(start)
        walk = _walk(compiled, routes, behaviour, branches, topic, satisfied, at)
        if walk.chance >= RAREST:
            found.append(walk)
        chance = 1.0
        for depth, chances in enumerate(branches.met):
            if depth >= len(start):
                others = (each for each in range(len(chances)) if each != branches.path[depth])
                todo += [[*branches.path[:depth], each] for each in others if chance * chances[each] >= RAREST]
            chance *= chances[branches.path[depth]]
    whole = sum(each.chance for each in found)
    return [each._replace(chance=each.chance / whole) for each in _merge(found)]


def _merge(found: list[Walk]) -> list[Walk]:
    """Merge walks with the same duration and result."""
    together: dict[tuple[Any, ...], float] = {}
    for walk in found:
        key = (round(walk.seconds, 3), *walk[2:])
        together[key] = together.get(key, 0.0) + walk.chance
    return [Walk(chance, *key) for key, chance in together.items()]


def _walk(
    compiled: Compiled, routes: Routes, behaviour: Menu, branches: _Branches, topic: str, satisfied: float, at: float
) -> Walk:
    caller = _Caller(compiled, routes, behaviour, branches, topic, satisfied, at)
    rehearsal = Rehearsal(compiled, caller, at=at)
    rehearsal.run("menu", menu)
    said = rehearsal.variables
    endings: Mapping[str, Ending] = {"queue": "queue", "voicemail": "message"}
    ending: Ending = "gone" if rehearsal.hung_up else endings.get(said.get("IVR_OUTCOME", ""), "done")
    informed = said.get("IVR_FATE") == "informed"
    return Walk(
        branches.chance,
        rehearsal.now - at,
        ending,
        said.get("IVR_TOPIC", topic),
        int(said.get("QUEUE_PRIO", 0)),
        informed,
    )


class _Caller:
    """A caller with a goal (a `SimulatedCaller` of the rehearsal)."""

    def __init__(
        self,
        compiled: Compiled,
        routes: Routes,
        behaviour: Menu,
        branches: _Branches,
        topic: str,
        satisfied: float,
        at: float,
    ) -> None:
        self.compiled, self.routes, self.behaviour, self.branches = compiled, routes, behaviour, branches
        self.satisfied, self.at = satisfied, at
        self.goal = Goal("topic", topic)
        self.slips = self.misses = 0
        self.action = ""  # what the caller will do about the current question
        self.keys: list[str] = []  # digits still to be typed
        self.question: str | None = None
        if self._chance(behaviour.straight_to_operator):
            self.goal = Goal("operator", topic)
        self._arrive(routes.start)

    # called by the rehearsal
    def hear(self, prompt: str, seconds: float, keys: str) -> Press | None:
        if self._chance(self.behaviour.hang_up):
            raise HangsUp(seconds / 2)
        if keys and not self.action and self._is_question(prompt):
            self.action = self._intend()
            if self.action == "hurried":
                return self._press(self.behaviour.hurried_at * seconds)
        return None

    def wait(self, seconds: float) -> Press | None:
        if self.keys:
            return Press(self.keys.pop(0), min(0.5, seconds))
        return self._press(min(self.behaviour.reaction, seconds))

    def speak(self, longest: float) -> Speech:
        raise HangsUp

    # decisions
    def _intend(self) -> str:
        """What the caller will do about this question, decided once when it is heard."""
        menu, node = self.behaviour, self.routes.nodes[self.question or ""]
        if node["kind"] == "number":
            return "types"
        if self.goal.kind == "end" and self.routes.key(self.question or "", self.goal) is None:
            raise HangsUp(1.0)
        slips = [menu.nothing, menu.wrong, menu.repeat if node["repeat_key"] else 0.0]
        if self.slips >= MOST_SLIPS:
            slips = [0.0, 0.0, 0.0]
        right = 1 - sum(slips)
        chances = [right * (1 - menu.hurried), right * menu.hurried, *slips]
        names = ["heard", "hurried", "nothing", "wrong", "repeat"]
        possible = [index for index, chance in enumerate(chances) if chance > 0]
        chosen = (
            possible[self.branches.choose([chances[index] for index in possible])] if len(possible) > 1 else possible[0]
        )
        self.slips += chosen >= 2
        return names[chosen]

    def _press(self, after: float) -> Press | None:
        action, self.action = self.action, ""
        if self.question is None or not action:
            return None
        node, name = self.routes.nodes[self.question], self.question
        if action == "types":
            return self._type(node)
        if action == "repeat":
            return Press(node["repeat_key"], after)
        key = self.routes.key(name, self.goal) if action in ("heard", "hurried") else None
        if key is None:
            self._missed(node, "wrong_input" if action == "wrong" else "no_input")
            wrong = self.routes.wrong_key(name) if action == "wrong" else None
            return Press(wrong, after) if wrong else None
        self._arrive(node["keys"][key])
        return Press(key, after)

    def _type(self, node: Mapping[str, Any]) -> Press:
        """Type the fewest digits allowed, and the key that confirms the number."""
        digits = "1" * node["least_digits"] + ("#" if node["least_digits"] < node["most_digits"] else "")
        self.keys = [*digits[1:], "1"]
        self._arrive(node["next"])
        return Press(digits[0], 0.5)

    def _missed(self, node: Mapping[str, Any], why: str) -> None:
        self.misses += 1
        if self.misses >= node["attempts"]:
            self._arrive(node[why]["then"])

    def _arrive(self, name: str) -> None:
        """Go on to the next question, through everything that the menu plays before it."""
        self.misses = 0
        for each in self.routes.onward(name):
            node = self.routes.nodes[each]
            if node["kind"] == "inform" and self.goal.kind == "topic" and node["topic"] == self.goal.topic:
                self.goal = Goal("end" if self._chance(self.satisfied) else "operator", self.goal.topic)
        self.question = self.routes.question(name)

    def _is_question(self, prompt: str) -> bool:
        if self.question is None:
            return False
        node = self.routes.nodes[self.question]
        said = sounds(self.compiled, [*node["prompts"], *node.get("retry_prompts", [])], self.at)
        return f"nul/{prompt}" in said or prompt in said

    def _chance(self, chance: float) -> bool:
        """Whether something with this probability happens; a branch of the walk unless it is certain."""
        if chance <= 0 or chance >= 1:
            return chance >= 1
        return self.branches.choose([1 - chance, chance]) == 1
