"""What the compiled engine writes into and reads classes from: made and put in order with NumPy, before and after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from queue_model.simulation.inputs import SHIFT_START, TOPICS, Inputs, redials_at_most, seen
from queue_model.simulation.records import CALL, CALLBACK, MAIL, WORK, Outcome, Rows


def groups(inputs: Inputs) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Topics that the same people may do are one group: the group of each topic, and who may do which ([o, groups])."""
    if _all_may(inputs):
        return np.zeros(TOPICS, dtype=np.int32), np.ones((len(inputs.skills), 1), dtype=np.uint8)
    bits = np.arange(TOPICS, dtype=np.uint64)
    able = ((inputs.skills[:, None] >> bits) & np.uint64(1)).astype(np.uint8)
    all_topics = (inputs.call_topic, inputs.closed_topic, inputs.mail_topic)
    used = sum(np.bincount(seen(topics), minlength=TOPICS) for topics in all_topics) > 0
    able[:, ~used] = 1  # a topic that never comes must not make a group
    alike, group_of = np.unique(able, axis=1, return_inverse=True) if len(able) else (able[:, :1], np.zeros(TOPICS))
    return group_of.reshape(-1).astype(np.int32), np.ascontiguousarray(alike)


def _all_may(inputs: Inputs) -> bool:
    """Whether everybody may do everything, whatever comes."""
    return bool((inputs.skills == np.uint64(2**TOPICS - 1)).all())


def ranks(inputs: Inputs) -> tuple[NDArray[np.int32], int]:
    """Rank 0 is served first: the rank of each priority from the lowest on, and the lowest."""
    present = seen(inputs.call_priority)
    lowest = int(present.min()) if present.size else 0
    if not present.size or present.max() == lowest:
        return np.zeros(1, dtype=np.int32), lowest
    there = np.bincount(present.astype(np.int32) - lowest) > 0
    above = np.cumsum(there[::-1])[::-1]  # how many levels are as high or higher
    return (above - 1).astype(np.int32), lowest


class Blank:
    """Rows for everything that can happen, most of them never written; pages nobody writes to cost nothing."""

    def __init__(self, inputs: Inputs) -> None:
        calls, mails, callers = len(inputs.call_at), len(inputs.mail_at), len(inputs.closed_at)
        self.attempts = calls + redials_at_most(inputs)
        self.calls: Rows = np.empty(self.attempts + callers, dtype=CALL)
        self.mails: Rows = np.empty(mails, dtype=MAIL)
        self.mails["arrived"], self.mails["topic"] = inputs.mail_at, inputs.mail_topic
        self.mails["entity"] = np.arange(mails)
        self.mails["started"] = self.mails["ended"] = np.nan
        self.mails["operator"] = -1
        self.callbacks: Rows = np.empty(calls + callers, dtype=CALLBACK)
        # an attempt is answered at most once, and puts at most one e-mail down; each caller is called back at most once
        most = 2 * self.attempts + calls + callers + mails + len(inputs.event_at)
        self.work: Rows = np.empty(most, dtype=WORK)


def whole_calls(inputs: Inputs, rows: Rows, made: int) -> Rows:
    """The `made` attempts that were written, then those who called outside hours, to whom nothing else happens."""
    closed = rows[made : made + len(inputs.closed_at)]
    closed["entered"] = closed["left"] = inputs.closed_at
    closed["wait"] = closed["talk"] = closed["wrap"] = 0.0
    closed["entity"] = len(inputs.call_at) + np.arange(len(closed))
    closed["operator"], closed["attempt"], closed["priority"] = -1, 0, 0
    closed["topic"], closed["outcome"] = inputs.closed_topic, Outcome.VOICEMAIL_CLOSED
    closed["message"] = inputs.closed_leaves_message
    return rows[: made + len(closed)]


def is_plain(inputs: Inputs) -> bool:
    """Whether nothing can happen but calls that wait and leave: one class, and people who are always there."""
    starts, callers = inputs.event_at, len(inputs.call_at)
    return bool(
        len(starts)
        and (inputs.event_kind == SHIFT_START).all()
        and len(starts) <= inputs.seats
        and (not callers or starts[-1] <= inputs.call_at[0])
        and inputs.longest_queue >= callers
        and not (inputs.lines or inputs.busy_then_voicemail or inputs.announced)
        and not (len(inputs.mail_at) or (inputs.closed_leaves_message.any()))
        and not (inputs.attempts > 1 and redials_at_most(inputs))
        and not seen(inputs.leaves_message).any()
        and len(ranks(inputs)[0]) == 1
        and (_all_may(inputs) or groups(inputs)[1].all())
    )
