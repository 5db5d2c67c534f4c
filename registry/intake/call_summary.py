"""What the facts of one call amount to: a pure function, whatever the order in which they arrived.

One call makes one request. If an operator answered, the request is closed as unclassified: that somebody answered is a
fact, how it ended is a judgement (`registry classify`). The operator reopens it, or has opened one already, when there
is more to do. If the caller left a message, the request waits for a call-back. Otherwise, if the
caller heard an information, the request is informed. A caller who hung up without any of these made no request, only a
visit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ivr.facts import Fact
from registry.db.topics import OTHER

KINDS = ("ended", "handed_over", "informed", "message", "notice", "refusal")  # the kinds of fact that matter here


class RecordedCall(NamedTuple):
    """A conversation that was recorded."""

    campaign: str
    prompts: dict[str, int]
    notice_ended_at: float
    started_at: float  # not earlier: the caller was handed over, and then an operator answered


class CallSummary(NamedTuple):
    """What one call amounts to."""

    topic: str
    outcome: str | None  # of a request that is closed at once: unclassified, informed; None: there is no such request
    ended_at: float
    messages: dict[str, Fact]  # by the message's id
    recorded: RecordedCall | None


def summarize(facts: Iterable[Fact]) -> CallSummary:
    """Summarize all known facts of one call. A call that has not ended has no outcome yet."""
    by_kind: dict[str, list[Fact]] = {kind: [] for kind in KINDS}
    for fact in sorted(unique(facts), key=lambda fact: (fact.at, fact.id)):
        if fact.kind in by_kind:
            by_kind[fact.kind].append(fact)
    ended = by_kind["ended"]
    fate = ended[-1].data["fate"] if ended else ""
    outcome = None
    if fate == "answered":
        outcome = "unclassified"
    elif fate != "message" and ended and by_kind["informed"]:
        outcome = "informed"
    with_topic = by_kind["handed_over"] or by_kind["informed"]
    messages: dict[str, Fact] = {}
    for fact in by_kind["message"]:
        if fact.data["message_id"] is not None:
            messages.setdefault(fact.data["message_id"], fact)
    return CallSummary(
        topic=with_topic[-1].data["topic"] if with_topic else OTHER,
        outcome=outcome,
        ended_at=ended[-1].at if ended else 0.0,
        messages=messages,
        recorded=_recorded(by_kind) if fate == "answered" else None,
    )


def unique(facts: Iterable[Fact]) -> Iterable[Fact]:
    """Return each fact once, by its id."""
    return {fact.id: fact for fact in facts}.values()


def _recorded(by_kind: dict[str, list[Fact]]) -> RecordedCall | None:
    """Return the recording, if there is one. The last notice counts: after a failed ring it is played again."""
    if not by_kind["notice"]:
        return None
    notice = by_kind["notice"][-1]
    if any(fact.data["of"] == "recording" and fact.at >= notice.at for fact in by_kind["refusal"]):
        return None
    later = [fact.at for fact in by_kind["handed_over"] if fact.at >= notice.at]
    return RecordedCall(notice.data["campaign"], notice.data["prompts"], notice.at, max(later, default=notice.at))
