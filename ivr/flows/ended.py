"""Reports how each call ended. Run by the dialplan's hang-up handler, on a dead channel."""

from __future__ import annotations

from ivr.flows.call import Call, Flow, set_variables_despite_hangup

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
        once=True,  # after a failure the next ring may report it again
        fate=fate if fate in FATES else "unknown",
        stage=stage,
        queue_status=queue_status,
        seconds=int(seconds) if seconds.isascii() and seconds.isdigit() else None,
    )
    yield from set_variables_despite_hangup({"IVR_OUTCOME": "done"})
