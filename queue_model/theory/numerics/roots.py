"""Root finding: the zero of a falling function, and the smallest whole number that is enough."""

from __future__ import annotations

from collections.abc import Callable

ENOUGH = 1_000_000_000  # no telephone service has more agents; a longer search would not end


def crossing(falling: Callable[[float], float], low: float, high: float) -> float:
    """The zero of a falling function between `low` (value >= 0) and `high` (value <= 0), to the last digits.

    The Illinois rule (Dowell and Jarratt 1971), with a halving whenever it gains less than a halving would: so a step
    of the function (callers who all give up at the same time) is found as surely as a smooth root.
    """
    at_low, at_high = falling(low), falling(high)
    if at_low <= 0:
        return low
    while at_high <= 0 and high - low > 4e-16 * abs(high):
        width = high - low
        for attempt in ("chord", "half"):
            middle = high - at_high * (high - low) / (at_high - at_low)
            if attempt == "half" or not low < middle < high:
                middle = 0.5 * (low + high)
            if not low < middle < high:
                return high
            value = falling(middle)
            if value == 0:
                return middle
            if value > 0:
                low, at_low, at_high = middle, value, 0.5 * at_high
            else:
                high, at_high, at_low = middle, value, 0.5 * at_low
            if high - low <= 0.5 * width:
                break
    return 0.5 * (low + high)


def fewest(enough: Callable[[int], bool], least: int, most: int = ENOUGH) -> int | None:
    """The smallest whole number from `least` to `most` that is enough, if all larger ones are too; else None."""
    low, high, step = least - 1, least, 1
    while not enough(high):
        if high >= most:
            return None
        low, high, step = high, min(high + step, most), 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high
