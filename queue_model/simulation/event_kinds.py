"""The kinds of events, numbered in the order in which they happen at one instant.

Events of one kind at one instant happen in the order in which they were scheduled. What ends comes before what begins:
a seat is free before it is needed, and a caller whose patience ends as an operator becomes free is served.
`docs/mechanisms.md` gives the reason for each place.
"""

from __future__ import annotations

TALK_END, WORK_END, SHIFT_END, BREAK_START, BREAK_END, SHIFT_START = range(6)
NOBODY_SEATED, LEAVE, REDIAL, CALL, CLOSED_CALL, MAIL = range(6, 12)
