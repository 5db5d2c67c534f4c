"""The last word on every call: how it ended. Run by the dialplan's hang-up handler, on a channel that is gone."""

from __future__ import annotations

from ivr.flows.call import Call, Flow, last_words

FATES = frozenset(("left_menu", "informed", "abandoned", "answered", "refused", "no_message", "message"))


def ended(call: Call) -> Flow:
    """The flow `ended`: arguments fate, stage, queue status, seconds since the call began (the last two may be "")."""
    fate, stage, queue_status, seconds = (call.argument(number) for number in (1, 2, 3, 4))
    if fate not in FATES:
        call.log("unknown_fate", fate=fate)
    if queue_status in ("FULL", "JOINEMPTY", "JOINUNAVAIL", "LEAVEEMPTY", "LEAVEUNAVAIL"):
        call.report("queue_refused", once=True, status=queue_status)
    call.report(
        "ended",
        once=True,  # a ring that failed after it had told may be followed by the next
        fate=fate if fate in FATES else "unknown",
        stage=stage,
        queue_status=queue_status,
        seconds=int(seconds) if seconds.isascii() and seconds.isdigit() else None,
    )
    yield from last_words({"IVR_OUTCOME": "done"})
