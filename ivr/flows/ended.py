"""Reports how each call ended. Run by the dialplan's hang-up handler, on a dead channel."""

from __future__ import annotations

from ivr.flows.call import Call, Flow, set_variables_despite_hangup

FATES = frozenset(("left_menu", "informed", "abandoned", "answered", "lost", "refused", "no_message", "message"))


def ended(call: Call) -> Flow:
    """The flow `ended`: arguments fate, stage, queue status, seconds since the call began (the last two may be ""); two
    that other flows do not need; talks that ended because an operator's line died, and "1" if the caller's did."""
    fate, stage, queue_status, seconds = (call.argument(number) for number in (1, 2, 3, 4))
    lost_seats, lost_caller = call.argument(7), call.argument(8)
    if fate not in FATES:
        call.log("unknown_fate", fate=fate)
    if queue_status in ("FULL", "JOINEMPTY", "JOINUNAVAIL", "LEAVEEMPTY", "LEAVEUNAVAIL"):
        call.report("queue_refused", once=True, status=queue_status)
    if lost_seats or lost_caller:
        call.report("line_lost", once=True, seats=_count(lost_seats) or 0, caller=lost_caller == "1")
    call.report(
        "ended",
        once=True,  # after a failure the next ring may report it again
        fate=fate if fate in FATES else "unknown",
        stage=stage,
        queue_status=queue_status,
        seconds=_count(seconds),
    )
    yield from set_variables_despite_hangup({"IVR_OUTCOME": "done"})


def _count(argument: str) -> int | None:
    return int(argument) if argument.isascii() and argument.isdigit() else None
