"""Find the key of the menu that leads to a caller's goal with the fewest questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from charter.calendar import OpeningHours
from ivr.configuration.compiled import Compiled
from ivr.flows.menu import OTHER_TOPIC

KEYS = "1234567890#*"


class Goal(NamedTuple):
    """What a caller wants to reach: a topic, an operator, a message (while the service is closed), or the end."""

    kind: Literal["topic", "operator", "message", "end"]
    topic: str


class Routes:
    """Routes through one menu at an instant, at which the service is open or closed."""

    def __init__(self, compiled: Compiled, at: float) -> None:
        menu: Any = compiled["menu"]
        self.nodes: dict[str, Any] = menu["nodes"]
        self.start: str = menu["start"]
        self._open = OpeningHours.of(compiled["service"]).is_open(at)
        self._keys: dict[tuple[str, Goal], str | None] = {}

    def onward(self, name: str) -> Iterator[str]:
        """The nodes from `name` on that need no key, up to and including a question or an end."""
        seen: set[str] = set()
        while name not in seen:
            seen.add(name)
            yield name
            node = self.nodes[name]
            if node["kind"] == "hours":
                name = node["open" if self._open else "closed"]
            elif node["kind"] in ("play", "notice", "inform"):
                name = node["next"]
            else:
                return

    def question(self, name: str) -> str | None:
        """The next question from `name` on; None if the menu ends first."""
        last = list(self.onward(name))[-1]
        return last if self.nodes[last]["kind"] in ("ask", "number") else None

    def key(self, question: str, goal: Goal) -> str | None:
        """The key that leads to the goal, or to a substitute; None if no key does."""
        if (question, goal) not in self._keys:
            self._keys[question, goal] = next(
                (key for each in self._goals(goal) if (key := self._nearest(question, each)) is not None),
                None,
            )
        return self._keys[question, goal]

    def wrong_key(self, question: str) -> str | None:
        """A key without a meaning there; None if all keys have one."""
        node = self.nodes[question]
        return next((key for key in KEYS if key not in node["keys"] and key != node["repeat_key"]), None)

    def _goals(self, goal: Goal) -> list[Goal]:
        if goal.kind == "topic":
            return [goal, Goal("topic", OTHER_TOPIC), *self._goals(Goal("operator", goal.topic))]
        return [goal, Goal("message", goal.topic)] if goal.kind == "operator" else [goal]

    def _nearest(self, question: str, goal: Goal) -> str | None:
        distances = {key: self._questions_to(target, goal) for key, target in self.nodes[question]["keys"].items()}
        reached = {key: distance for key, distance in distances.items() if distance is not None}
        return min(reached, key=reached.__getitem__) if reached else None

    def _questions_to(self, name: str, goal: Goal) -> int | None:
        """The number of questions between a node and the goal; None if it cannot be reached."""
        edge, seen, distance = [name], set[str](), 0
        while edge:
            following: list[str] = []
            for each in edge:
                passed = list(self.onward(each))
                if any(self._meets(self.nodes[node], goal) for node in passed):
                    return distance
                last = passed[-1]
                if last not in seen:
                    seen.add(last)
                    following += self._choices(self.nodes[last])
            edge, distance = following, distance + 1
        return None

    def _choices(self, node: Any) -> list[str]:
        if node["kind"] == "ask":
            return list(node["keys"].values())
        return [node["next"]] if node["kind"] == "number" else []

    def _meets(self, node: Any, goal: Goal) -> bool:
        if goal.kind == "end":
            return bool(node["kind"] == "hangup")
        if goal.kind in ("operator", "message"):
            return bool(node["kind"] == ("queue" if goal.kind == "operator" else "message"))
        return node["kind"] in ("inform", "queue") and node["topic"] == goal.topic
