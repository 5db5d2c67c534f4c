"""The menu as a document: its kinds of nodes, and the checks of the graph that they form.

A caller follows some edges by pressing a key. The others are automatic. A cycle of automatic edges would talk to a
silent caller for ever, and callers could not leave a part of the menu without an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple, Union

from msgspec import Meta, Struct

from common.suggestions import did_you_mean

KEYS = "0123456789*#"
OPERATOR_KEY = "0"
OTHER_TOPIC = "ALTRO"  # of callers who chose none

# What a queue node may set. The values are constants of menu.yaml, never a caller's input.
VARIABLES = {
    "QUEUE_MAX_PENALTY": (r"\d{1,4}", 'a number: "2"'),
    "QUEUE_MIN_PENALTY": (r"\d{1,4}", 'a number: "2"'),
    "QUEUE_RAISE_PENALTY": (r"\d{1,4}", 'a number: "2"'),
    "CHANNEL(language)": (r"[a-z]{2}", 'two small letters: "it"'),
    "CHANNEL(musicclass)": (r"[\w-]{1,40}", "a class of musiconhold.conf: letters, digits, -"),
    "CDR(userfield)": (r"[\w .-]{1,80}", "a few words: letters, digits, . and -"),
}
# What the engine sets itself, and the key of menu.yaml that decides it.
OWN_VARIABLES = {"QUEUE_PRIO": "priority", "IVR_TOPIC": "topic", "IVR_REASON": "a message node's reason"}
# Variables of the dialplan, each after IVR_; tests/ compares them with its template.
RESERVED_NAMES = (
    "ANSWERED", "ASKED", "BEGAN", "CALLED_BACK", "CALLER", "FATE", "KEY", "LOST_CALLER", "LOST_SEATS", "NATIVE",
    "NOTICE", "NUMBER", "OUTCOME", "PEER", "POSITION", "QUEUED", "QUEUE_KEYS", "QUEUE_STATUS", "REASON", "RECORD",
    "REFUSED", "REST", "SAID", "SEAT_END", "SECONDS", "STAGE", "TALK", "TOPIC", "TRIES", "WAITING",
)  # fmt: skip


_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,100}\Z"


def _text(pattern: str, description: str) -> Meta:
    return Meta(pattern=pattern, description=description)


PromptId = Annotated[
    str,
    _text(
        r"^(?=.{1,100}\Z)[a-z0-9]+([-_/][a-z0-9]+)*\Z", "a prompt's id: small letters, digits, - (as in prompts.yaml)"
    ),
]
NodeName = Annotated[
    str, _text(r"^(?=.{1,60}\Z)[a-z0-9]+([-_][a-z0-9]+)*\Z", "a node's name: small letters, digits, -")
]
Key = Annotated[str, _text(r"^[0-9*#]\Z", f"one key of {KEYS}")]
Topic = Annotated[str, _text(r"^[A-Z][A-Z0-9_]{0,31}\Z", "a topic: capital letters, digits, _")]
Attempts = Annotated[int, Meta(ge=1, le=9)]
WaitSeconds = Annotated[float, Meta(ge=1, le=60)]


class SayToken(Struct, frozen=True, forbid_unknown_fields=True):
    say: Literal["next_opening", "opening_hours"]


Prompt = Union[PromptId, SayToken]  # noqa: UP007 - an Annotated alias has no |
Prompts = Annotated[list[Prompt], Meta(max_length=20)]
SomePrompts = Annotated[list[Prompt], Meta(min_length=1, max_length=20)]


class Miss(Struct, frozen=True, forbid_unknown_fields=True):
    then: NodeName
    prompts: Prompts = []


class HoursNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="hours"):
    open: NodeName
    closed: NodeName


class PlayNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="play"):
    prompts: SomePrompts
    next: NodeName
    interruptible: bool = True


class NoticeNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="notice"):
    prompts: SomePrompts
    next: NodeName


class AskNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ask"):
    prompts: SomePrompts
    keys: Annotated[dict[Key, NodeName], Meta(min_length=1)]
    no_input: Miss
    wrong_input: Miss
    repeat_key: Key | None = None
    wait_seconds: WaitSeconds = 5
    attempts: Attempts = 3
    retry_prompts: Prompts = []  # a shorter question for the attempts after the first; empty: the same question


class InformNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="inform"):
    topic: Topic
    prompts: SomePrompts
    next: NodeName


class NumberNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="number"):
    name: Annotated[str, _text(r"^[A-Za-z][A-Za-z0-9_]{0,30}\Z", "a name: letters, digits, _")]
    prompts: SomePrompts
    next: NodeName
    failed: NodeName
    least_digits: Annotated[int, Meta(ge=1, le=30)] = 1
    most_digits: Annotated[int, Meta(ge=1, le=30)] = 20
    wait_seconds: WaitSeconds = 5
    attempts: Attempts = 3


class QueueNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="queue"):
    prompts: Prompts = []
    topic: Topic | None = None
    priority: Annotated[int, Meta(ge=0, le=100)] = 0
    set: dict[str, str] = {}


class MessageNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="message"):
    reason: Literal["closed", "all_busy", "caller_choice"]


class HangupNode(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="hangup"):
    prompts: Prompts = []


Node = HoursNode | PlayNode | NoticeNode | AskNode | InformNode | NumberNode | QueueNode | MessageNode | HangupNode
ENDS = (QueueNode, MessageNode, HangupNode)


class Title(Struct, frozen=True, forbid_unknown_fields=True):
    """What reports call a topic or a question, in their two languages."""

    it: Annotated[str, _text(_LINE, "a title in one line")]
    en: Annotated[str, _text(_LINE, "a title in one line")]


class Menu(Struct, frozen=True, forbid_unknown_fields=True):
    start: NodeName
    nodes: Annotated[dict[NodeName, Node], Meta(min_length=1, max_length=500)]
    topics: Annotated[dict[Topic, Title], Meta(max_length=500)] = {}


# --- the graph -------------------------------------------------------------------------------------------------------


class Edge(NamedTuple):
    """One way from a node to the next; `key` is what the caller presses, empty for an automatic edge."""

    path: str  # in menu.yaml, below `nodes.<name>`
    target: str
    key: str = ""


def edges(node: Node) -> list[Edge]:
    """Every way out of a node, in the order of the document."""
    match node:
        case HoursNode():
            return [Edge("open", node.open), Edge("closed", node.closed)]
        case AskNode():
            pressed = [Edge(f"keys.{key}", target, key) for key, target in node.keys.items()]
            wrong = Edge("wrong_input.then", node.wrong_input.then, "wrong")
            return [*pressed, Edge("no_input.then", node.no_input.then), wrong]
        case NumberNode():
            return [Edge("next", node.next, "0-9"), Edge("failed", node.failed)]
        case PlayNode() | NoticeNode() | InformNode():
            return [Edge("next", node.next)]
        case _:
            return []


def reachable(ways: Mapping[str, list[str]], starts: list[str]) -> set[str]:
    """The nodes that can be reached from `starts`, which are included. `ways`: node -> its targets."""
    reached, waiting = set(), list(starts)
    while waiting:
        name = waiting.pop()
        if name not in reached and name in ways:
            reached.add(name)
            waiting.extend(ways[name])
    return reached


def find_cycles(ways: Mapping[str, list[str]]) -> list[list[str]]:
    """One cycle for each set of nodes that reach each other, as a walk that ends where it began."""
    cycles: list[list[str]] = []
    done: set[str] = set()
    for name in ways:
        if name in done:
            continue
        cycle = _shortest_walk(ways, name, name)
        if cycle:
            cycles.append(cycle)
            done.update(other for other in reachable(ways, ways[name]) if name in reachable(ways, [other]))
    return cycles


def _shortest_walk(ways: Mapping[str, list[str]], start: str, end: str) -> list[str]:
    """The shortest walk of at least one step from `start` to `end`, both included; empty when there is no walk."""
    came_from: dict[str, str] = {}
    waiting = [start]
    for name in waiting:
        for target in ways.get(name, []):
            if target == end:
                walk = [end, name]
                while walk[-1] != start:
                    walk.append(came_from[walk[-1]])
                return walk[::-1]
            if target in ways and target not in came_from and target != start:
                came_from[target] = name
                waiting.append(target)
    return []


# --- the checks ------------------------------------------------------------------------------------------------------

Severity = Literal["error", "warning"]
Finding = tuple[str, str, Severity]


def check(menu: Menu) -> Iterator[Finding]:
    """Mistakes of a menu whose types are right, as (path, message, severity)."""
    if menu.start not in menu.nodes:
        yield "start", f'no node named "{menu.start}"{did_you_mean(menu.start, menu.nodes)}', "error"
    for name, node in menu.nodes.items():
        for edge in edges(node):
            if edge.target not in menu.nodes:
                hint = did_you_mean(edge.target, menu.nodes)
                yield f"nodes.{name}.{edge.path}", f'no node named "{edge.target}"{hint}', "error"
        if isinstance(node, AskNode):
            yield from _check_ask(menu, name, node)
        elif isinstance(node, NumberNode):
            yield from _check_number(name, node)
        elif isinstance(node, QueueNode):
            yield from _check_queue(name, node)
    yield from _check_topics(menu)
    yield from _check_ways(menu)


def _check_ask(menu: Menu, name: str, node: AskNode) -> Iterator[Finding]:
    where = f"nodes.{name}"
    if node.repeat_key is not None and node.repeat_key in node.keys:
        taken = f'"{node.repeat_key}" already leads to "{node.keys[node.repeat_key]}" in keys'
        yield f"{where}.repeat_key", f"{taken}; choose a free key", "error"
    waiting = reachable({each: _automatic(menu.nodes[each]) for each in menu.nodes}, [node.keys.get(OPERATOR_KEY, "")])
    if not any(isinstance(menu.nodes[each], QueueNode | MessageNode) for each in waiting):
        yield (
            f"{where}.keys",
            f'an operator should be reachable with "{OPERATOR_KEY}"; lead it to a queue node',
            "warning",
        )


def _check_number(name: str, node: NumberNode) -> Iterator[Finding]:
    if node.least_digits > node.most_digits:
        limits = f"{node.least_digits} is more than most_digits, {node.most_digits}"
        yield f"nodes.{name}.least_digits", f"{limits}; no number can be that long", "error"
    if node.name.upper() in RESERVED_NAMES:
        yield f"nodes.{name}.name", f"IVR_{node.name.upper()} is a variable of the engine; choose another name", "error"


def _check_queue(name: str, node: QueueNode) -> Iterator[Finding]:
    for variable, value in node.set.items():
        where = f"nodes.{name}.set.{variable}"
        if variable in OWN_VARIABLES:
            yield where, f"the engine sets it; write {OWN_VARIABLES[variable]} instead", "error"
        elif variable not in VARIABLES:
            hint = did_you_mean(variable, VARIABLES) or f"; known: {', '.join(VARIABLES)}"
            yield where, f"no such channel variable{hint}", "error"
        elif not re.fullmatch(VARIABLES[variable][0], value, re.ASCII):
            yield where, f'"{value[:60]}" is not a value for it; write {VARIABLES[variable][1]}', "error"


def _check_topics(menu: Menu) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, node in menu.nodes.items():
        if isinstance(node, InformNode):
            if node.topic in seen:
                twice = f'"{node.topic}" is already the topic of "{seen[node.topic]}"'
                yield f"nodes.{name}.topic", f"{twice}; choose another, or the figures of the two are mixed", "error"
            seen.setdefault(node.topic, name)


def check_titles(menu: Menu) -> Iterator[Finding]:
    """Topics without a title, and titles without a topic."""
    used = {node.topic: None for node in menu.nodes.values() if isinstance(node, InformNode | QueueNode) and node.topic}
    for topic in used:
        if topic not in menu.topics:
            yield f"topics.{topic}", "missing, so reports show the code; add {it: ..., en: ...}", "warning"
    for topic in menu.topics:
        if topic not in used and topic != OTHER_TOPIC:
            hint = did_you_mean(topic, used) or "; remove the title, or give a node this topic"
            yield f"topics.{topic}", f"no node has this topic{hint}", "warning"


def _automatic(node: Node) -> list[str]:
    return [edge.target for edge in edges(node) if not edge.key]


def _check_ways(menu: Menu) -> Iterator[Finding]:
    ways = {name: [edge.target for edge in edges(node)] for name, node in menu.nodes.items()}
    missing = {target for targets in (*ways.values(), [menu.start]) for target in targets if target not in menu.nodes}
    if not missing:  # a misspelt name was reported already, and would leave half of the menu unreached
        reached = reachable(ways, [menu.start])
        for name in _heads(ways, [name for name in menu.nodes if name not in reached]):
            yield f"nodes.{name}", "cannot be reached; lead a key or a `next` to it, or remove it", "error"
    cycles = find_cycles({name: _automatic(node) for name, node in menu.nodes.items()})
    for cycle in cycles:
        remedy = "let one of them lead to a queue, message or hangup node"
        walk = " -> ".join(cycle)
        yield f"nodes.{cycle[0]}", f"endless loop for a caller who presses nothing: {walk}; {remedy}", "error"
    back: dict[str, list[str]] = {name: [] for name in (*menu.nodes, *missing)}
    for name, targets in ways.items():
        for target in targets:
            back[target].append(name)
    leaving = reachable(back, [*missing, *(name for name, node in menu.nodes.items() if isinstance(node, ENDS))])
    looping = reachable(back, [name for cycle in cycles for name in cycle])  # reported above
    for name in _heads(ways, [name for name in menu.nodes if name not in leaving and name not in looping]):
        yield f"nodes.{name}", "dead end: no queue, message or hangup node can be reached from here; add one", "error"


def _heads(ways: Mapping[str, list[str]], names: list[str]) -> list[str]:
    """The nodes from which all the others are reached, so that one mistake gives one message."""
    heads: list[str] = []
    for name in names:
        if not any(name in reachable(ways, [head]) for head in heads):
            behind = reachable(ways, [name])
            heads = [head for head in heads if head not in behind] + [name]
    return heads


def menu_prompts(menu: Menu) -> Iterator[tuple[str, str]]:
    """Every prompt that the menu plays, as (path, id)."""
    for name, node in menu.nodes.items():
        lists = {"prompts": getattr(node, "prompts", [])}
        if isinstance(node, AskNode):
            lists |= {"no_input.prompts": node.no_input.prompts, "wrong_input.prompts": node.wrong_input.prompts}
            lists |= {"retry_prompts": node.retry_prompts}
        for path, prompts in lists.items():
            for index, prompt in enumerate(prompts):
                if isinstance(prompt, str):
                    yield f"nodes.{name}.{path}[{index}]", prompt
