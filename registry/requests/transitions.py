"""The transition table: the actions on a request, and when each is possible. The commands, the page and the diagram
are made from it.

Six states. `new`: nobody has it. `in_progress`: an operator has it. `waiting_contact`: the citizen has to do something
first. `forwarded`: passed on, to another level or to a job centre, and nobody there has taken it yet. `answered`: the
citizen has the answer. `closed`: over, with an outcome. Three levels, as in the founding documents: the front office,
the back office, and the job centres, which cannot be reached until `registry.third_level` is switched on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from common.command_line import Refusal
from registry.texts import translate

Action = Literal[
    "open",
    "assign",
    "take",
    "release",
    "escalate",
    "answer",
    "wait",
    "resume",
    "refer",
    "return",
    "close",
    "reopen",
    "merge",
]
State = Literal["new", "in_progress", "waiting_contact", "forwarded", "answered", "closed"]
Owner = Literal["same", "actor", "given", "nobody", "actor_if_nobody"]
Place = Literal["same", "given", "here"]
Need = Literal["owner", "outcome", "office", "into"]

ACTIONS: tuple[Action, ...] = get_args(Action)
STATES: tuple[State, ...] = get_args(State)
LEVELS = (1, 2, 3)
OPEN: tuple[State, ...] = ("new", "in_progress", "waiting_contact", "forwarded", "answered")  # all but closed


class Transition(NamedTuple):
    """A change from one of `states` at one of `levels` to `state`; `level` None keeps the level."""

    action: Action
    states: tuple[State, ...]
    levels: tuple[int, ...]
    state: State
    level: int | None = None
    needs: Need | None = None
    owner: Owner = "same"  # who has it afterwards
    place: Place = "same"  # the job centre that has it afterwards; `here`: none
    third_level: bool = False  # possible only when the third level is switched on


TABLE: tuple[Transition, ...] = (
    Transition("open", (), (1,), "new"),
    Transition("assign", ("new", "in_progress", "forwarded"), LEVELS, "in_progress", None, "owner", "given", "here"),
    Transition("take", ("new", "forwarded"), LEVELS, "in_progress", None, None, "actor", "here"),
    Transition("release", ("in_progress",), (1,), "new", None, None, "nobody"),
    Transition("release", ("in_progress",), (2, 3), "forwarded", None, None, "nobody"),
    Transition("escalate", ("new", "in_progress", "forwarded"), (1,), "forwarded", 2, None, "nobody", "here"),
    Transition("escalate", ("in_progress", "forwarded"), (2,), "forwarded", 3, None, "nobody", "here", True),
    Transition("answer", ("new", "in_progress", "waiting_contact", "forwarded"), LEVELS, "answered",
               None, None, "actor_if_nobody"),
    Transition("wait", ("in_progress",), LEVELS, "waiting_contact"),
    Transition("resume", ("waiting_contact",), LEVELS, "in_progress"),
    Transition("refer", ("new", "in_progress", "forwarded"), LEVELS, "forwarded", None, "office", "nobody", "given"),
    Transition("return", ("in_progress", "forwarded"), (2,), "new", 1, None, "nobody", "here"),
    Transition("return", ("in_progress", "forwarded"), (3,), "forwarded", 2, None, "nobody", "here"),
    Transition("close", OPEN, LEVELS, "closed", None, "outcome"),
    Transition("reopen", ("answered", "closed"), (1,), "new", None, None, "nobody", "here"),
    Transition("reopen", ("answered", "closed"), (2, 3), "forwarded", None, None, "nobody", "here"),
    Transition("merge", OPEN, LEVELS, "closed", None, "into"),
)  # fmt: skip


SUMMARIES: Mapping[str, str] = {  # each action but `open` is a command of `registry`, with this help text
    "take": "take a request that nobody has; if two people try, one gets it and the other is refused",
    "assign": "give a request to an operator; it is in progress from then on",
    "release": "put a request back, so that anybody may take it",
    "answer": "record that the citizen has the answer; the request's clocks stop",
    "wait": "record that the citizen has to do something first; the request's clocks stand still",
    "resume": "record that the citizen has done it; the request's clocks continue",
    "escalate": "pass a request to the next level; at the second level the Carta allows ten days",
    "return": "send a request back to the level that it came from; the second level's promise stays",
    "refer": "pass a request to a job centre; it stays open until somebody closes it",
    "close": "end a request, with its outcome",
    "reopen": "open a request again, with another clock",
    "merge": "close a request as a duplicate of another one",
}


class WrongTransition(Refusal):
    """The action does not fit the request's state; the message names those that do."""

    def __init__(self, action: str, state: State, level: int, reason: str, third_level: bool) -> None:
        actions = ", ".join(possible(state, level, third_level))
        super().__init__(
            translate(
                "{action} is not possible: {reason}; possible now: {actions}",
                action=action, reason=reason, actions=actions,
            )
        )  # fmt: skip
        self.action, self.state, self.level = action, state, level


def find(action: str, state: State, level: int, third_level: bool) -> Transition:
    """Return the row of the table for an action on an existing request. Raises `WrongTransition`."""
    for row in TABLE:
        if row.action == action and state in row.states and level in row.levels:
            if row.third_level and not third_level:
                off = translate("the third level is switched off (service.yaml: registry.third_level)")
                raise WrongTransition(action, state, level, off, third_level)
            return row
    reason = translate("the request is {state} at level {level}", state=state, level=level)
    raise WrongTransition(action, state, level, reason, third_level)


def possible(state: State, level: int, third_level: bool) -> tuple[Action, ...]:
    """Return the actions possible in that state, in the order of the table, each once."""
    rows = (
        row for row in TABLE if state in row.states and level in row.levels and (third_level or not row.third_level)
    )
    return tuple(dict.fromkeys(row.action for row in rows))


def mermaid() -> Iterator[str]:
    """Yield the table as a state diagram in Mermaid's language, line by line."""
    yield "stateDiagram-v2"
    yield "    [*] --> new: open"
    labels: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        for state in row.states:
            words = labels.setdefault((state, row.state), [])
            words += [] if row.action in words else [row.action]
    for (state, after), words in labels.items():
        yield f"    {state} --> {after}: {', '.join(words)}"
