"""When somebody who did not answer is called again: not at once, in service hours, at another time of the day.

The opening of a day, from its first minute to its last, falls into three parts. Who did not answer in one of them is
called next in the part that was tried least, the soonest one; somebody who works in the mornings is found in the end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from charter.calendar import OpeningHours
from charter.promises import end_of_day

PARTS = 3
HOUR = 3600.0
_DAYS = 10  # of opening that are looked through: in each of them every part can be had


def part_of_day(hours: OpeningHours, at: float) -> int:
    """Which part of the opening of its day an instant in service hours lies in, from 0."""
    opening = hours.opening_of(hours.local(at).date())
    if opening is None:
        return 0
    return max(0, min(PARTS - 1, int(PARTS * (at - opening.start) / (opening.until - opening.start))))


def next_try(hours: OpeningHours, now: float, tried: Sequence[float], hours_between: float) -> float:
    """The instant from which on somebody may be called again. `tried`: the instants of all attempts so far.

    Infinite when the service never opens again.
    """
    earliest = hours.next_opening(now + HOUR * hours_between)
    if math.isinf(earliest):
        return earliest
    counts = Counter(part_of_day(hours, at) for at in tried if hours.is_open(at))
    candidates = list(_candidates(hours, earliest))
    # The first of the least tried parts; a part that the hours of a day leave out is not waited for.
    return min(candidates, key=lambda at: (counts[part_of_day(hours, at)], at))


def _candidates(hours: OpeningHours, earliest: float) -> Iterator[float]:
    """The first instant of each part of the next days of opening, none before `earliest`."""
    yield earliest
    at = earliest
    for _ in range(_DAYS):
        day = hours.local(at).date()
        opening = hours.opening_of(day)
        for part in range(PARTS) if opening else ():
            assert opening is not None
            begins = hours.next_opening(
                opening.start + part * (opening.until - opening.start) / PARTS
            )  # not in a break
            if begins >= earliest and begins < opening.until:
                yield begins
        at = hours.next_opening(end_of_day(day, hours))
        if math.isinf(at):
            return
