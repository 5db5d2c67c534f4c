"""Calls as the intake sees them: facts, segments in a spool, messages in a store."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from common.places import Places
from ivr.facts import Fact
from registry.intake.message_lookup import StoredMessage

NOON = 1795604400.0  # 25 November 2026, 12:00 in Rome
TOPICS = ("ADR", "DID", "INCENTIVI", "PORTALE", "ALTRO")


def fact(kind: str, call: str = "1795604400.1", at: float = NOON, name: str = "", **data: Any) -> Fact:
    return Fact(name or f"{kind}-{call}", call, at, kind, data)


def message(call: str = "1795604400.1", at: float = NOON, *, id: str = "", empty: bool = False) -> Fact:
    data = {"message_id": id or f"m-{call.replace('.', '-')}", "reason": "closed", "seconds": 12.5, "empty": empty}
    return Fact(f"message-{call}", call, at, "message", {**data, "ended_by": "hangup"})


def write(places: Places, facts: Sequence[Fact | bytes], name: str = "") -> Path:
    """Seal these facts as one segment."""
    lines = b"".join(each.line() if isinstance(each, Fact) else each for each in facts)
    folder = Path(places.facts, "2026-11-25")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or f'{int(NOON * 1000):013d}-1-{os.urandom(4).hex()}-1'}.jsonl"
    draft = folder / f"{path.name}.draft"  # visible at once, as when a writer seals it
    draft.write_bytes(lines)
    draft.rename(path)
    return path


def number_of(message_id: str) -> StoredMessage:
    """A message store in which most messages have a number, and some share one."""
    digit = int.from_bytes(message_id.encode(), "big") % 7
    return StoredMessage(None if digit == 0 else f"+3906698{digit}1234", "cli" if digit else "none", False, NOON)


def told(facts: Sequence[Fact]) -> str:
    return json.dumps([each._asdict() for each in facts])


@st.composite
def calls(draw: st.DrawFn, most: int = 4) -> list[Fact]:
    """The facts of some calls on one day, in the order in which they happened."""
    facts: list[Fact] = []
    for number in range(draw(st.integers(1, most))):
        call, at = f"{int(NOON) + number}.{number}", NOON + 10 * number

        def add(kind: str, call: str = call, at: float = at, **data: Any) -> None:
            facts.append(Fact(f"{kind}-{len(facts):04d}-{call}", call, at + len(facts) / 8, kind, data))

        add("answered", revision="r")
        if draw(st.booleans()):
            add("notice", prompts={"recording-notice": 2}, campaign="qualita")
            if draw(st.booleans()):
                add("refusal", of="recording")
        for topic in draw(st.lists(st.sampled_from(TOPICS), max_size=2)):
            add("informed", topic=topic, whole=draw(st.booleans()))
        fate = draw(st.sampled_from(("answered", "message", "informed", "left_menu", "abandoned", "no_message")))
        if fate in ("answered", "abandoned"):
            add("handed_over", topic=draw(st.sampled_from(TOPICS)), priority=0)
        if fate == "answered":
            for question in draw(st.lists(st.sampled_from(("clear", "kind", "solved")), max_size=3)):
                add("survey", version=1, question=question, value=draw(st.integers(1, 5)))
        if fate in ("message", "no_message"):
            add("number", source="cli", attempts=0)
            kept = fate == "message" or draw(st.booleans())
            add(
                "message",
                message_id=f"m{number}" if kept else None,
                reason="closed",
                seconds=3.0,
                empty=fate != "message",
            )
        if draw(st.integers(0, 9)):
            add("ended", fate=fate, stage="menu", queue_status="", seconds=draw(st.integers(0, 600)))
    return facts
