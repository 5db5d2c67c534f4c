"""Quantities of the command line, read from text (`32/30min`, `6min`, `80/20`) and written as text.

Each error message shows a valid example.
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass

from queue_model.theory.general import lognormal_scv

SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
NUMBER = r"\d+(?:\.\d+)?"
DURATION = re.compile(rf"({NUMBER}) *(s|sec|m|min|h)?")
CALLS = re.compile(rf"({NUMBER}) */ *(?:({NUMBER}) *)?(s|sec|m|min|h)")
TARGET = re.compile(rf"({NUMBER}) *%? */ *({NUMBER}) *(s|sec|m|min|h)?")
MOST_SPREAD = 5  # beyond, no formula for handling times means anything
Problem = argparse.ArgumentTypeError


@dataclass(frozen=True)
class Calls:
    """A number of calls in a number of seconds."""

    count: float
    seconds: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.count / self.seconds


@dataclass(frozen=True)
class Slots:
    """The number of calls in each slot of a day, and the length of a slot in seconds."""

    counts: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class PatienceLaw:
    """A law of patience: its name, its mean and its other numbers as written."""

    name: str
    mean: float  # s
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        values = self.numbers if self.name in {"uniform", "empirical"} else (self.mean, *self.numbers)
        return f"{self.name}:{','.join(f'{value:g}' for value in values)}"


@dataclass(frozen=True)
class Handling:
    """A law of handling times, as it was written, and its squared coefficient of variation: variance / mean^2."""

    name: str
    scv: float


@dataclass(frozen=True)
class Target:
    """A share of all calls answered within a number of seconds."""

    share: float
    within: float


def duration(text: str) -> float:
    """Seconds, from `360`, `360s`, `6min` or `1.5h`."""
    found = DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * SECONDS[found[2] or ""] if found else 0.0
    if not 0 < seconds < math.inf:
        raise Problem(f"{text!r} is not a length of time above 0; write seconds or a unit: 360, 6min, 1.5h")
    return seconds


def durations(text: str) -> tuple[float, ...]:
    """Seconds, one or more: `6min`, or `6min,3min`."""
    return tuple(map(duration, text.split(",")))


def calls(text: str) -> Calls:
    """`32/30min`, `64/h`."""
    found = CALLS.fullmatch(text.strip())
    if not found:
        raise Problem(f"{text!r}: write how many calls in what time: 32/30min, or 64/h")
    count, seconds = float(found[1]), float(found[2] or 1) * SECONDS[found[3]]
    if not (0 < count < math.inf and 0 < seconds < math.inf):
        raise Problem(f"{text!r}: calls and time must be above 0: 32/30min")
    return Calls(count, seconds)


def offered(text: str) -> Calls | Slots:
    """`32/30min`; or the slots of a day: `14,22,28/30min`."""
    amounts, _, rest = text.partition("/")
    if "," not in amounts:
        return calls(text)
    counts = [each.strip() for each in amounts.split(",")]
    length = calls(f"1/{rest}").seconds
    if not all(re.fullmatch(NUMBER, each) for each in counts):
        raise Problem(f"{text!r}: write how many calls in each slot, and its length: 14,22,28/30min")
    return Slots(tuple(map(float, counts)), length)


def staff(text: str) -> tuple[int, ...]:
    """`8`; or one number for each slot of a day, `8,8,7`, with repetitions: `8x6,7x6,6x6`."""
    found: list[int] = []
    for part in text.split(","):
        each = re.fullmatch(r" *(\d{1,6})(?: *x *(\d{1,4}))? *", part)
        if not each or int(each[1]) > 100_000:
            raise Problem(
                f"{text!r} is not a number of people; write 8, or for the slots of a day 8,8,7 or 8x6,7x6,6x6"
            )
        found += [int(each[1])] * int(each[2] or 1)
    return tuple(found)


def patience(text: str) -> PatienceLaw:
    """`3min`: exponential; else a law: `weibull:3min,0.7`, `empirical:30,60,4min`."""
    name, colon, rest = text.strip().partition(":")
    if not colon:
        return PatienceLaw("exponential", duration(text))
    numbers = {"exponential": 0, "deterministic": 0, "lognormal": 1, "weibull": 1, "gamma": 1}
    parts = [each.strip() for each in rest.split(",")]
    if name == "uniform" and len(parts) == 2:
        ends = tuple(map(_moment, parts))
        return PatienceLaw(name, sum(ends) / 2, ends)
    if name == "empirical":
        times = tuple(map(_moment, parts))
        return PatienceLaw(name, sum(times) / len(times), times)
    wanted = numbers.get(name)
    if wanted is None or len(parts) != 1 + wanted or not all(re.fullmatch(NUMBER, each) for each in parts[1:]):
        raise Problem(
            f"{text!r} is not a law of patience; write 3min, exponential:3min, deterministic:3min, "
            "lognormal:3min,SIGMA, weibull:3min,SHAPE, gamma:3min,SHAPE, uniform:0,6min or empirical:30,60,4min"
        )
    return PatienceLaw(name, duration(parts[0]), tuple(map(float, parts[1:])))


def _moment(text: str) -> float:
    """A duration, or 0."""
    return 0.0 if re.fullmatch(r"0+(\.0+)?", text) else duration(text)


def target(text: str) -> Target:
    """`80/20`: 80 % within 20 s."""
    found = TARGET.fullmatch(text.strip())
    if not found:
        raise Problem(f"{text!r}: write per cent and seconds: 80/20 means 80 % of all calls answered within 20 s")
    percent, seconds = float(found[1]), float(found[2]) * SECONDS[found[3] or ""]
    if not 0 < percent < 100:
        raise Problem(f"{text!r}: {percent:g} % is not a target; it must lie between 0 and 100, both excluded: 80/20")
    return Target(percent / 100, seconds)


def share(text: str) -> float:
    """`5`: 5 %, as a share, below 1."""
    found = re.fullmatch(rf"({NUMBER}) *%?", text.strip())
    if not found or not float(found[1]) < 100:
        raise Problem(f"{text!r} is not a percentage from 0 to below 100; write 5 for 5 %")
    return float(found[1]) / 100


def target_share(text: str) -> float:
    """`5`: 5 %, as a share, above 0 and below 1."""
    value = share(text)
    if not value:
        raise Problem(f"{text!r} cannot be reached; write a per cent above 0 and below 100: 5 for 5 %")
    return value


def handling(text: str) -> Handling:
    """`deterministic`, `exponential`, `lognormal:0.8` (standard deviation of the logarithm), `scv:0.5`."""
    name, colon, number = text.strip().partition(":")
    if not colon and name in ("deterministic", "exponential"):
        return Handling(name, 0.0 if name == "deterministic" else 1.0)
    if name in ("lognormal", "scv") and re.fullmatch(NUMBER, number) and float(number) <= MOST_SPREAD:
        scv = float(number) if name == "scv" else lognormal_scv(float(number))
        return Handling(f"{name}:{float(number):g}", scv)
    raise Problem(
        f"{text!r} is not a law of handling times; write deterministic, exponential, lognormal:SIGMA or scv:NUMBER, "
        f"with a number from 0 to {MOST_SPREAD}"
    )


def shape(text: str) -> float:
    """A number above 0."""
    if not re.fullmatch(NUMBER, text.strip()) or not 0 < float(text) < math.inf:
        raise Problem(f"{text!r} is not a number above 0")
    return float(text)


def agents(text: str) -> int:
    """A whole number of people, 1 to 100,000."""
    if not re.fullmatch(r"\d{1,6}", text) or not 1 <= int(text) <= 100_000:
        raise Problem(f"{text!r} is not a number of people; write a whole number from 1 to 100000")
    return int(text)


def time(seconds: float) -> str:
    """For a table: `0.3 s`, `14 s`, `7 min 34 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02} s" if rest else f"{minutes} min"


def clock(seconds: float) -> str:
    """Hours and minutes: `9:30`."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02}"


def count(amount: float) -> str:
    """For a sentence: `32`, `6.4`, `10,000`."""
    return f"{amount:,.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """For a table: `0.0 %`, `99.7 %`; a share below 1 is never rounded up to 100 %."""
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
