"""Work assignment: the rule for calls, call-backs and e-mails on the same seats.

The live service and the simulation share this function; the compiled simulation repeats it, and tests compare the two.
Calls come first. Call-backs and e-mails are assigned only while more than `reserve` operators are idle, so that the
next caller finds a free one.
"""

from __future__ import annotations

from typing import Literal

Next = Literal["call", "callback", "email"]


def next_work(calls_waiting: int, idle: int, reserve: int, callbacks: int, mails: int) -> Next | None:
    """The kind of work for a free operator, or None to stay ready for a call.

    `calls_waiting`, `callbacks` and `mails` count the work on topics of this operator; `idle` counts all idle
    operators, including this one; `reserve` is how many of them are kept free for calls.
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
