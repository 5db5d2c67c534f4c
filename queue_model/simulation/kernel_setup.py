"""Preparation and clean-up of a run of the compiled engine, with NumPy: groups, ranks and rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from queue_model.simulation.event_kinds import SHIFT_START
from queue_model.simulation.inputs import TOPICS, Inputs, redials_at_most, stored
from queue_model.simulation.records import CALL_ROW, CALLBACK_ROW, MAIL_ROW, WORK_ROW, Outcome, Rows


def groups(inputs: Inputs) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The group of each topic, and who can take which group, [o, groups]. A group is topics with the same operators."""
    if _all_can_take_all(inputs):
        return np.zeros(TOPICS, dtype=np.int32), np.ones((len(inputs.skills), 1), dtype=np.uint8)
    bits = np.arange(TOPICS, dtype=np.uint64)
    able = ((inputs.skills[:, None] >> bits) & np.uint64(1)).astype(np.uint8)
    all_topics = (inputs.call_topic, inputs.closed_topic, inputs.mail_topic)
    used = sum(np.bincount(stored(topics), minlength=TOPICS) for topics in all_topics) > 0
    able[:, ~used] = 1  # a topic that never occurs must not form a group
    alike, group_of = np.unique(able, axis=1, return_inverse=True) if len(able) else (able[:, :1], np.zeros(TOPICS))
    return group_of.reshape(-1).astype(np.int32), np.ascontiguousarray(alike)


def _all_can_take_all(inputs: Inputs) -> bool:
    """Whether every operator can take every topic."""
    return bool((inputs.skills == np.uint64(2**TOPICS - 1)).all())


def ranks(inputs: Inputs) -> tuple[NDArray[np.int32], int]:
    """The rank of each priority, counted from the lowest priority, and that lowest priority. Rank 0 is served first."""
    present = stored(inputs.call_priority)
    lowest = int(present.min()) if present.size else 0
    if not present.size or present.max() == lowest:
        return np.zeros(1, dtype=np.int32), lowest
    there = np.bincount(present.astype(np.int32) - lowest) > 0
    above = np.cumsum(there[::-1])[::-1]  # how many priorities are at least as high
    return (above - 1).astype(np.int32), lowest


class BlankRows:
    """Rows for everything that can happen. Most are never written, and unwritten memory pages cost nothing."""

    def __init__(self, inputs: Inputs) -> None:
        calls, mails, callers = len(inputs.call_at), len(inputs.mail_at), len(inputs.closed_at)
        self.attempts = calls + redials_at_most(inputs)
        self.calls: Rows = np.empty(self.attempts + callers, dtype=CALL_ROW)
        self.mails: Rows = np.empty(mails, dtype=MAIL_ROW)
        self.mails["arrived"], self.mails["topic"] = inputs.mail_at, inputs.mail_topic
        self.mails["entity"] = np.arange(mails)
        self.mails["started"] = self.mails["ended"] = np.nan
        self.mails["operator"] = -1
        self.callbacks: Rows = np.empty(calls + callers, dtype=CALLBACK_ROW)
        # an attempt is answered at most once and interrupts at most one e-mail; a caller is called back at most once
        most = 2 * self.attempts + calls + callers + mails + len(inputs.event_at)
        self.work: Rows = np.empty(most, dtype=WORK_ROW)


def all_calls(inputs: Inputs, rows: Rows, made: int) -> Rows:
    """The `made` attempts that were written, then the calls outside hours, which go straight to the voicemail."""
    closed = rows[made : made + len(inputs.closed_at)]
    closed["entered"] = closed["left"] = inputs.closed_at
    closed["wait"] = closed["talk"] = closed["wrap"] = 0.0
    closed["entity"] = len(inputs.call_at) + np.arange(len(closed))
    closed["operator"], closed["attempt"], closed["priority"] = -1, 0, 0
    closed["topic"], closed["outcome"] = inputs.closed_topic, Outcome.VOICEMAIL_CLOSED
    closed["message"] = inputs.closed_leaves_message
    return rows[: made + len(closed)]


def is_plain(inputs: Inputs) -> bool:
    """Whether callers only wait and leave: one class of callers, and operators who are always there."""
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
        and not stored(inputs.leaves_message).any()
        and len(ranks(inputs)[0]) == 1
        and (_all_can_take_all(inputs) or groups(inputs)[1].all())
    )
