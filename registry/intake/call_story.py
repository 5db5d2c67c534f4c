"""What the facts of one call amount to: a pure function, whatever order they came in.

One call makes one request. An operator answered: a request that was resolved; the operator reopens it, or has opened
one already, when there is more. A message: a request that waits for a call-back. Otherwise, an information was heard: a
request that was informed. Who left or gave up without any of these made none: that was a visit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ivr.facts import Fact
from registry.db.topics import OTHER

KINDS = ("ended", "handed_over", "informed", "message", "notice", "refusal")  # that have a meaning here


class Recorded(NamedTuple):
    """A conversation of which a recording was made."""

    campaign: str
    prompts: dict[str, int]
    notice_ended_at: float
    started_at: float  # no earlier than this: the caller was handed over, and then an operator answered


class Story(NamedTuple):
    """A call."""

    topic: str
    outcome: str | None  # of the request that is over already: resolved, informed; None: there is none
    over_at: float
    messages: dict[str, Fact]  # by the message's id
    recorded: Recorded | None


def story(facts: Iterable[Fact]) -> Story:
    """Of all facts of one call that are known so far. A call that has not ended has no outcome yet."""
    by_kind: dict[str, list[Fact]] = {kind: [] for kind in KINDS}
    for fact in sorted(set_of(facts), key=lambda fact: (fact.at, fact.id)):
        if fact.kind in by_kind:
            by_kind[fact.kind].append(fact)
    ended = by_kind["ended"]
    fate = ended[-1].data["fate"] if ended else ""
    outcome = None
    if fate == "answered":
        outcome = "resolved"
    elif fate != "message" and ended and by_kind["informed"]:
        outcome = "informed"
    told = by_kind["handed_over"] or by_kind["informed"]
    messages: dict[str, Fact] = {}
    for fact in by_kind["message"]:
        if fact.data["message_id"] is not None:
            messages.setdefault(fact.data["message_id"], fact)
    return Story(
        topic=told[-1].data["topic"] if told else OTHER,
        outcome=outcome,
        over_at=ended[-1].at if ended else 0.0,
        messages=messages,
        recorded=_recorded(by_kind) if fate == "answered" else None,
    )


def set_of(facts: Iterable[Fact]) -> Iterable[Fact]:
    """Each once, by its id."""
    return {fact.id: fact for fact in facts}.values()


def _recorded(by_kind: dict[str, list[Fact]]) -> Recorded | None:
    """The last notice counts: a ring that failed before it was over is followed by another one."""
    if not by_kind["notice"]:
        return None
    notice = by_kind["notice"][-1]
    if any(fact.data["of"] == "recording" and fact.at >= notice.at for fact in by_kind["refusal"]):
        return None
    later = [fact.at for fact in by_kind["handed_over"] if fact.at >= notice.at]
    return Recorded(notice.data["campaign"], notice.data["prompts"], notice.at, max(later, default=notice.at))
