"""What operators work on in the reference engine: calls, and work that can wait."""

from __future__ import annotations

from math import nan
from typing import Any

import simpy

from queue_model.simulation.records import Outcome, Work


class Call:
    """One attempt of a caller, and how it ended."""

    __slots__ = (
        *("attempt", "entered", "entity", "left", "message", "operator"),
        *("outcome", "priority", "talk", "topic", "wait", "wait_over", "wrap"),
    )

    def __init__(self, entity: int, attempt: int, topic: int, priority: int, entered: float) -> None:
        self.entity, self.attempt, self.entered = entity, attempt, entered
        self.topic, self.priority = topic, priority
        self.talk = self.wrap = 0.0  # until it is answered
        self.wait_over: simpy.Event | None = None  # of a waiting call; its value is the outcome of the wait
        self.operator, self.wait, self.left, self.message = -1, nan, nan, False
        self.outcome = Outcome.WAITING

    def end(self, outcome: Outcome, left: float) -> None:
        self.outcome, self.left = outcome, left
        if outcome is not Outcome.ANSWERED:
            self.wait = left - self.entered

    def row(self) -> tuple[Any, ...]:
        """The values of a `records.CALL_ROW`."""
        times = (self.entered, self.wait, self.talk, self.wrap, self.left)
        return (*times, self.entity, self.operator, self.attempt, self.topic, self.priority, self.outcome, self.message)


class Task:
    """Work that can wait: an e-mail or a call-back."""

    def __init__(self, kind: Work, entity: int, attempt: int, topic: int, arrived: float, work: float) -> None:
        self.kind, self.entity, self.attempt, self.topic = kind, entity, attempt, topic
        self.arrived, self.remaining = arrived, work
        self.started, self.ended, self.operator = nan, nan, -1

    def row(self) -> tuple[Any, ...]:
        """The values of a `records.MAIL_ROW` or a `records.CALLBACK_ROW`."""
        times = (self.arrived, self.started, self.ended)
        if self.kind is Work.EMAIL:
            return (*times, self.entity, self.operator, self.topic)
        return (*times, self.entity, self.operator, self.attempt, self.topic)
