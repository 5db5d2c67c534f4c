"""AMI events as Asterisk 22 sends them, from a simulated queue."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, str]
QUEUE = "nul"
INTERFACES = [f"PJSIP/seat{seat:02d}" for seat in range(1, 6)]


def member(event: str, interface: str, **state: Any) -> Message:
    """An event of a member; QueueMember (in a listing) has the telephone under another name."""
    place = {"Location": interface} if event == "QueueMember" else {"Interface": interface}
    said = {"Status": "1", "Paused": "0", "PausedReason": "", "LastCall": "0", "Wrapuptime": "0", "InCall": "0"}
    name = "op" + interface[-2:]
    return {
        "Event": event,
        "Queue": QUEUE,
        "MemberName": name,
        **place,
        **said,
        **{k: str(v) for k, v in state.items()},
    }


def caller(event: str, unique: str, **more: Any) -> Message:
    return {"Event": event, "Queue": QUEUE, "Uniqueid": unique, **{key: str(value) for key, value in more.items()}}


def status(unique: str, value: str) -> Message:
    return {"Event": "VarSet", "Uniqueid": unique, "Variable": "QUEUESTATUS", "Value": value}


@dataclass
class SimulatedQueue:
    """Draws random events and knows the true state."""

    seed: int
    at: float
    events: list[tuple[float, Message]] = field(default_factory=list)
    waiting: dict[str, float] = field(default_factory=dict)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._next = 0

    def emit(self, *messages: Message) -> None:
        self.events += [(self.at, message) for message in messages]

    def step(self) -> None:
        """One random event, some seconds later."""
        self.at += self._chance.randrange(1, 30)
        self._chance.choice([self.join, self.join, self.leave, self.leave, self.seat, self.seat, self.refuse])()

    def join(self) -> None:
        self._next += 1
        unique = f"{self._next}.1"
        self.waiting[unique] = self.at
        self.emit(status(unique, ""), caller("QueueCallerJoin", unique))

    def refuse(self) -> None:
        self._next += 1
        unique = f"{self._next}.1"
        value, self.fates[unique] = self._chance.choice([("FULL", "full"), ("JOINEMPTY", "busy")])
        self.emit(status(unique, ""), status(unique, value))

    def leave(self) -> None:
        if not self.waiting:
            return
        unique = self._chance.choice(list(self.waiting))
        wait = int(self.at - self.waiting.pop(unique))
        fate = self.fates[unique] = self._chance.choice(["answered", "abandoned", "key", "timeout", "empty"])
        gone = caller("QueueCallerLeave", unique)
        if fate == "answered":
            self.emit(gone, caller("AgentConnect", unique, HoldTime=wait))
        elif fate == "abandoned":
            self.emit(caller("QueueCallerAbandon", unique, HoldTime=wait), gone)
        else:
            self.emit(gone)
            if fate != "key":
                self.emit(status(unique, {"timeout": "TIMEOUT", "empty": "LEAVEEMPTY"}[fate]))

    def seat(self) -> None:
        interface = self._chance.choice(INTERFACES)
        if interface in self.members and self._chance.random() < 0.2:
            self.emit(member("QueueMemberRemoved", interface, **self.members.pop(interface)))
            return
        paused = self._chance.choice(["", "", "break", "email", "lunch"])
        state = {"Status": self._chance.choice("126785"), "Paused": str(int(bool(paused))), "PausedReason": paused}
        state["LastCall"] = str(int(self.at) - self._chance.choice([5, 500]))
        kind = "QueueMemberStatus" if interface in self.members else "QueueMemberAdded"
        self.members[interface] = state
        self.emit(member(kind, interface, **state))

    def listed(self) -> list[Message]:
        """The entries of QueueStatus now."""
        entries = [caller("QueueEntry", unique, Wait=int(self.at - since)) for unique, since in self.waiting.items()]
        members = [member("QueueMember", interface, **state) for interface, state in self.members.items()]
        return [{"Event": "QueueParams", "Queue": QUEUE}, *members, *entries]
