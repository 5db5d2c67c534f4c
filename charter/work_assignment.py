"""What somebody who is free does next: the one rule for calls, call-backs and e-mails on the same seats.

It lies here so that whatever gives out work, live or simulated, asks the same function; the staffing model does, its
compiled engine repeats it and is held to it by tests. Calls come first; work that can wait is given out only while more
than `reserve` people are idle, so that the next caller finds one free.
"""

from __future__ import annotations

from typing import Literal

Next = Literal["call", "callback", "email"]


def next_work(calls_waiting: int, idle: int, reserve: int, callbacks: int, mails: int) -> Next | None:
    """The kind of work for a person who is free, or None: he stays idle, ready for a call.

    `calls_waiting`, `callbacks` and `mails` count the work that this person may do (topics that are his); `idle` counts
    everybody who is idle, this person included; `reserve` is how many of them are kept free for calls.
    """
    if calls_waiting > 0:
        return "call"
    if idle <= reserve:
        return None
    if callbacks > 0:
        return "callback"
    if mails > 0:
        return "email"
    return None
