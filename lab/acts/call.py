"""The first act of the demonstration: a whole call, from the welcome to the survey.

A simulated caller dials the service, presses a topic, waits, is answered by one of the simulated operators, and answers
the survey. Each step is reported when the system itself has recorded it: in its facts or in Asterisk's queue_log.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

from ivr.facts import Fact
from lab.demo.progress import Progress
from lab.demo.telephone import OPERATOR_TALKS, Telephone
from lab.sipp import scenarios
from lab.sipp.processes import RING_SECONDS

TITLE = "A caller dials {number}"
CALLER = "0612345678"
CALL_SECONDS = 90.0  # by then the call is over


class Recorded(NamedTuple):
    """What the system has recorded so far."""

    facts: list[Fact]
    queue_log: list[list[str]]

    def fact(self, kind: str) -> bool:
        return any(fact.kind == kind for fact in self.facts)

    def answers(self) -> int:
        return sum(fact.kind == "survey" for fact in self.facts)

    def event(self, verb: str) -> bool:
        return any(line[4] == verb for line in self.queue_log)

    def fate(self) -> str:
        return next((str(fact.data["fate"]) for fact in self.facts if fact.kind == "ended"), "")


class Step(NamedTuple):
    """Something that must happen, and how it is recognised."""

    text: str
    happened: Callable[[Recorded], bool]


STEPS = (
    Step("the service answers and says welcome", lambda recorded: recorded.fact("answered")),
    Step("the caller presses 0 (an operator)", lambda recorded: recorded.fact("choice")),
    Step("the menu hands the caller over to the queue", lambda recorded: recorded.fact("handed_over")),
    Step("Asterisk lets the caller into the queue", lambda recorded: recorded.event("ENTERQUEUE")),
    Step("an operator answers", lambda recorded: recorded.event("CONNECT")),
    Step("the conversation is over, the operator hangs up", lambda recorded: recorded.event("COMPLETEAGENT")),
    Step("survey: is the problem solved? 5 of 5", lambda recorded: recorded.answers() >= 1),
    Step("survey: was the operator courteous? 4 of 5", lambda recorded: recorded.answers() >= 2),
    Step("survey: satisfied on the whole? 5 of 5", lambda recorded: recorded.answers() >= 3),
    Step("the call has ended, and is recorded as answered", lambda recorded: recorded.fate() == "answered"),
)


def act(telephone: Telephone, progress: Progress) -> None:
    """Place the call, and report each step as it happens."""
    caller = telephone.call("the caller", CALLER, caller_steps())
    began = time.monotonic()
    waiting = list(STEPS)
    while waiting and time.monotonic() - began < CALL_SECONDS:
        recorded = Recorded(telephone.record.facts(), telephone.record.queue_log())
        while waiting and waiting[0].happened(recorded):
            progress.happened(waiting.pop(0).text)
        over = bool(recorded.fate()) or not telephone.stack.engine.running
        if waiting and over and caller.poll() is not None:
            break
        time.sleep(0.1)
    for step in waiting:
        progress.missing(step.text)
    with contextlib.suppress(subprocess.TimeoutExpired):
        caller.wait(10)
    if caller.returncode != 0:
        progress.missing("the caller sees the call end as expected (var/demo/the-caller.err)")


def caller_steps() -> list[scenarios.Step]:
    """What the caller does. SIPp hears nothing, so its pauses are as long as what is played to it."""
    in_queue = RING_SECONDS + OPERATOR_TALKS
    return [
        scenarios.Pause(2.0),
        scenarios.Key("0"),  # in the middle of the welcome, as somebody who knows the menu does
        scenarios.Pause(7.0 + in_queue + 3.0),  # "please hold", the operator, and the beginning of the survey
        scenarios.Key("5"),
        scenarios.Pause(4.0),
        scenarios.Key("4"),
        scenarios.Pause(4.0),
        scenarios.Key("5"),
        scenarios.AwaitHangUp(30.0),
    ]
