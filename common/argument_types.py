"""Types of command-line options for argparse, which names the option in the error message."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import date

from common import instants

LONGEST_PAUSE = 3600.0  # s; for longer ones use a timer
YEARS = range(2001, 3000)  # leaves room for days before and after, and every clock can represent them


def day(text: str) -> date:
    """`2026-11-24`."""
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        parsed = date.min
    if parsed.year not in YEARS:
        raise ArgumentTypeError(f"{text[:40]!r} is not a day; write it like 2026-11-24")
    return parsed


def instant(text: str) -> float:
    """A time in Italy, `2026-11-24 10:30`, as epoch seconds; a day alone is its beginning."""
    try:
        at = instants.parse(text)
    except (ValueError, OverflowError):
        at = float("nan")
    if not 0 <= at < 32503680000:  # the year 3000
        raise ArgumentTypeError(f"{text[:40]!r} is not a time; write it like '2026-11-24 10:30'")
    return at


def positive_integer(text: str) -> int:
    """A whole number from 1 to 9,999,999."""
    if not re.fullmatch(r"[0-9]{1,7}", text) or not int(text):
        raise ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 to 9999999")
    return int(text)


def port(text: str) -> int:
    """A TCP port; 0 stands for any free one."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ArgumentTypeError(f"{text[:40]!r} is not a port; give 0 to 65535")
    return int(text)


def pause(text: str) -> float:
    """Seconds between two checks, from 0.01 to `LONGEST_PAUSE`."""
    seconds = _number(text)
    if not 0.01 <= seconds <= LONGEST_PAUSE:
        raise ArgumentTypeError(f"{text[:40]!r} is not a pause; give 0.01 to {LONGEST_PAUSE:g} seconds")
    return seconds


def hours(text: str) -> float:
    """Hours, from 0 to 100,000."""
    number = _number(text)
    if not 0 <= number <= 100_000:
        raise ArgumentTypeError(f"{text[:40]!r} is not a number of hours; write it like 24")
    return number


def _number(text: str) -> float:
    """NaN for text that is not a number, since NaN is in no range."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
