"""Walks the menu: from the first ring to the operators, to a message, or to goodbye.

The dialplan starts the flow `menu`. It follows the nodes of the compiled menu. There is one small function for each
kind of node, which returns the name of the next node or the `Outcome` of the walk. The dialplan then continues.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from charter.calendar import OpeningHours
from ivr.agi import Answer, Command, SayDigits, SetVariable, WaitForDigit
from ivr.flows.call import KEYS, Call, Flow, choose, collect, say, set_variables
from ivr.flows.notice import give_notice

if TYPE_CHECKING:
    from ivr.configuration.compiled import (
        AskNode,
        HangupNode,
        HoursNode,
        InformNode,
        MessageNode,
        NoticeNode,
        NumberNode,
        PlayNode,
        QueueNode,
    )

OTHER_TOPIC = "ALTRO"
FIRST_PAUSE_SECONDS = 0.4  # callers still lift the telephone to the ear; the line opens a little later, too


class Outcome(NamedTuple):
    """How a walk ended, as the dialplan's variables; the last one is IVR_OUTCOME."""

    variables: dict[str, str]
    handed_over: dict[str, Any] | None = None  # to the queue: topic and priority, for the fact


class Walk:
    """What a walk through the menu has collected so far."""

    def __init__(self) -> None:
        self.topic: str | None = None
        self.variables: dict[str, str] = {}


Step = Generator[Command[Any], Any, Union[str, Outcome]]  # noqa: UP007


def menu(call: Call) -> Flow:
    """The flow `menu`: answers, walks the menu, sets the dialplan's variables."""
    answer = yield Answer()
    if not answer.failed:  # the caller may have hung up while it rang; the next command shows
        call.report("answered", once=True, revision=call.compiled["revision"])
        call.typed = yield WaitForDigit(int(FIRST_PAUSE_SECONDS * 1000))
    outcome = yield from walk(call)
    yield from set_variables(outcome.variables)
    if outcome.handed_over is not None:
        call.report("handed_over", **outcome.handed_over)


def walk(call: Call) -> Generator[Command[Any], Any, Outcome]:
    """Follow the nodes from the start until one of them ends the walk."""
    nodes = call.compiled["menu"]["nodes"]
    walk, name = Walk(), call.compiled["menu"]["start"]
    latest = call.began + call.service["limits"]["menu_seconds"]
    while True:
        node = nodes[name]
        step = yield from KINDS[node["kind"]](call, node, name, walk)
        if isinstance(step, Outcome):
            return step
        name = step
        if call.now() > latest:
            call.log("menu_time_over", node=name)
            return _leave_menu(call, walk)


def _hours(call: Call, node: HoursNode, name: str, walk: Walk) -> Step:
    yield from ()
    return node["open"] if OpeningHours.of(call.service).is_open(call.now()) else node["closed"]


def _play(call: Call, node: PlayNode, name: str, walk: Walk) -> Step:
    # A caller who knows the menu may press a key now: it is kept for the next question.
    if not (call.typed and node["interruptible"]):
        call.typed = yield from say(call, node["prompts"], KEYS if node["interruptible"] else "")
    return node["next"]


def _notice(call: Call, node: NoticeNode, name: str, walk: Walk) -> Step:
    yield from give_notice(call, node["prompts"])
    return node["next"]


def _ask(call: Call, node: AskNode, name: str, walk: Walk) -> Step:
    no_input, wrong_input = node["no_input"], node["wrong_input"]
    key, why = yield from choose(
        call, node["prompts"], "".join(node["keys"]), node["wait_seconds"], node["attempts"],
        no_input["prompts"], wrong_input["prompts"], node["repeat_key"], node["retry_prompts"],
    )  # fmt: skip
    call.report("choice", node=name, key=key, why=why)
    if key:
        return node["keys"][key]
    return (no_input if why == "no_input" else wrong_input)["then"]


def _inform(call: Call, node: InformNode, name: str, walk: Walk) -> Step:
    walk.topic = node["topic"]
    call.typed = yield from say(call, node["prompts"], KEYS)
    call.report("informed", topic=node["topic"], whole=not (call.typed or call.missed))
    if not call.missed:
        # Callers who hang up from here on have been informed.
        yield SetVariable("IVR_FATE", "informed")
    return node["next"]


def _number(call: Call, node: NumberNode, name: str, walk: Walk) -> Step:
    for _ in range(node["attempts"]):
        digits = yield from collect(call, node["prompts"], node["most_digits"], node["wait_seconds"])
        if len(digits) < node["least_digits"]:
            if digits:
                call.typed = yield from say(call, ["number-wrong"], "0123456789")
            continue
        call.typed = yield from say(call, ["number-you-typed"], "12")
        if not call.typed:
            call.typed = (yield SayDigits(digits, "12")).digit
        key, _why = yield from choose(call, ["number-confirm"], "12", node["wait_seconds"], 2, [], [])
        if key == "1":
            call.report("number", node=name, digits=len(digits))  # their number only
            walk.variables[f"IVR_{node['name'].upper()}"] = digits
            return node["next"]
    return node["failed"]


def _queue(call: Call, node: QueueNode, name: str, walk: Walk) -> Step:
    walk.topic = node["topic"] or walk.topic
    refusal_key = call.refusal_key
    pressed = yield from say(call, node["prompts"], refusal_key)
    if refusal_key and refusal_key in (pressed, call.typed):
        call.refuse_recording()
        yield from say(call, ["recording-refused"])
    return _to_queue(call, walk, node["priority"], node["set"])


def _message(call: Call, node: MessageNode, name: str, walk: Walk) -> Step:
    yield from ()
    return _to_message(walk, node["reason"])


def _hangup(call: Call, node: HangupNode, name: str, walk: Walk) -> Step:
    yield from say(call, node["prompts"])
    return Outcome({**walk.variables, "IVR_OUTCOME": "done"})


def _to_queue(call: Call, walk: Walk, priority: int, further: dict[str, str]) -> Outcome:
    topic = walk.topic or OTHER_TOPIC
    # The notice was played to the end, and the caller has not refused so far.
    recording = {"IVR_RECORD": "1"} if call.refusal_key else {}
    hand_over = {**recording, "IVR_TOPIC": topic, "QUEUE_PRIO": str(priority), "IVR_OUTCOME": "queue"}
    return Outcome({**walk.variables, **further, **hand_over}, {"topic": topic, "priority": priority})


def _to_message(walk: Walk, reason: str) -> Outcome:
    return Outcome({**walk.variables, "IVR_REASON": reason, "IVR_OUTCOME": "voicemail"})


def _leave_menu(call: Call, walk: Walk) -> Outcome:
    """For a caller who has been in the menu too long: the operators, or a message when the service is closed."""
    if OpeningHours.of(call.service).is_open(call.now()):
        return _to_queue(call, walk, 0, {})
    return _to_message(walk, "closed")


KINDS: dict[str, Callable[..., Step]] = {
    "hours": _hours,
    "play": _play,
    "notice": _notice,
    "ask": _ask,
    "inform": _inform,
    "number": _number,
    "queue": _queue,
    "message": _message,
    "hangup": _hangup,
}
