"""When a citizen who did not answer is called again: later, in service hours, at another time of day.

The opening hours of a day, from first to last minute, are divided into three parts. The next call is in the part that
was tried least often, and in the earliest such part. So a citizen who works in the mornings is reached at some point.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from charter.calendar import OpeningHours
from charter.promises import end_of_day

PARTS = 3
HOUR = 3600.0
_DAYS = 10  # opening days to look through: enough for every part that occurs


def part_of_day(hours: OpeningHours, at: float) -> int:
    """Return the part of the day's opening hours, from 0, in which a time in service hours lies."""
    opening = hours.opening_of(hours.local(at).date())
    if opening is None:
        return 0
    return max(0, min(PARTS - 1, int(PARTS * (at - opening.start) / (opening.until - opening.start))))


def next_try(hours: OpeningHours, now: float, tried: Sequence[float], hours_between: float) -> float:
    """Return the time from which the citizen may be called again. `tried`: the times of all attempts so far.

    Infinite when the service never opens again.
    """
    earliest = hours.next_opening(now + HOUR * hours_between)
    if math.isinf(earliest):
        return earliest
    counts = Counter(part_of_day(hours, at) for at in tried if hours.is_open(at))
    return min(_candidates(hours, earliest), key=lambda at: (counts[part_of_day(hours, at)], at))


def _candidates(hours: OpeningHours, earliest: float) -> Iterator[float]:
    """The first time in each part of the next opening days, from `earliest` on."""
    yield earliest
    at = earliest
    for _ in range(_DAYS):
        day = hours.local(at).date()
        opening = hours.opening_of(day)
        if opening is not None:
            for part in range(PARTS):
                length = opening.until - opening.start
                start = hours.next_opening(opening.start + part * length / PARTS)  # not in a break
                if earliest <= start < opening.until:
                    yield start
        at = hours.next_opening(end_of_day(day, hours))
        if math.isinf(at):
            return
