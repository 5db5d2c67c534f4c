"""What people write after an option, made what a program needs; argparse names the option that a refusal belongs to."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import date

LONGEST_PAUSE = 3600.0  # s: whoever looks less often than hourly wants a timer
YEARS = range(2001, 3000)  # days around these are still days, and instants every clock knows


def day(text: str) -> date:
    """`2026-11-24`."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if found.year not in YEARS:
        raise ArgumentTypeError(f"{text[:40]!r} is no day; write it like 2026-11-24")
    return found


def positive_integer(text: str) -> int:
    """From 1 to 9,999,999."""
    if not re.fullmatch(r"[0-9]{1,7}", text) or not int(text):
        raise ArgumentTypeError(f"{text[:40]!r} is no whole number above 0")
    return int(text)


def port(text: str) -> int:
    """A TCP port; 0: any that is free."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ArgumentTypeError(f"{text[:40]!r} is no port: give 0 to 65535")
    return int(text)


def pause(text: str) -> float:
    """Seconds between two looks at something, from a hundredth of one to `LONGEST_PAUSE`."""
    found = _number(text)
    if not 0.01 <= found <= LONGEST_PAUSE:
        raise ArgumentTypeError(f"{text[:40]!r} is no pause: give 0.01 to {LONGEST_PAUSE:g} seconds")
    return found


def hours(text: str) -> float:
    """A span of time from none to some years."""
    found = _number(text)
    if not 0 <= found <= 100_000:
        raise ArgumentTypeError(f"{text[:40]!r} is no number of hours; write it like 24")
    return found


def _number(text: str) -> float:
    """NaN for what is none: it is in no range."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
