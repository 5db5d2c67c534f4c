"""The measures of the service, from records of visits: one formula each, for the live service and for the model.

A *visit* is one caller's stay at the queue, from entering it to one fate. Somebody who calls again makes another visit.
Visits outside service hours are no part of any measure here; nor are calls that ended in the menu, which ask for no
operator. Each measure is a `Figure`: its value, its numerator and denominator; what it means stands under its name in
`charter.definitions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from charter.definitions import DEFINITIONS, Definition
from charter.promises import Deferred

Fate = Literal[
    "answered",
    "abandoned",  # hung up while waiting
    "key",  # left for the voicemail by key
    "timeout",  # led to the voicemail after the longest wait
    "empty",  # led to the voicemail because no operator was left
    "full",  # refused: the queue had its most callers
    "busy",  # refused: nobody free, and the policy is voicemail at once
    "blocked",  # refused: no line free
    "lost",  # the switch stopped while the caller waited
]
FATES: tuple[Fate, ...] = get_args(Fate)
OVERFLOWED: frozenset[Fate] = frozenset(("key", "timeout", "empty", "full", "busy"))
REFUSED: frozenset[Fate] = frozenset(("full", "busy", "blocked"))  # never waited


class Visit(NamedTuple):
    """One stay at the queue, in service hours. Seconds; `talk` and `wrap` None when unknown or not answered."""

    entered: float  # epoch seconds
    fate: Fate
    wait: float  # from entering to the answer, or to leaving
    talk: float | None = None  # the time on hold included
    wrap: float | None = None  # from the end of the conversation to being ready again
    topic: str = ""


class Thresholds(NamedTuple):
    """What `answered in time` and `a short abandon` mean, in seconds; both bounds are included."""

    within: float = 20.0
    short: float = 5.0


USUAL = Thresholds()


class Figure(NamedTuple):
    """A measure's value, None where there is nothing to divide by.

    Of a share and of a mean the value is numerator / denominator. Of a percentile the denominator is the number of
    waits and the numerator how many of them do not exceed the value.
    """

    name: str
    value: float | None
    numerator: float
    denominator: float

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.name]


def ratio(name: str, numerator: float, denominator: float) -> Figure:
    """The figure of a quotient."""
    return Figure(name, numerator / denominator if denominator else None, numerator, denominator)


def rank(count: int, percent: int) -> int:
    """Which of `count` values in order, from 0, is the percentile: the smallest that so many per cent do not exceed."""
    return max(0, -(-percent * count // 100) - 1)


def percentile(name: str, values: Sequence[float], percent: int) -> Figure:
    """The smallest value that `percent` per cent of the values do not exceed: always one of them (nearest rank)."""
    if not values:
        return Figure(name, None, 0, 0)
    found = sorted(values)[rank(len(values), percent)]
    return Figure(name, found, sum(each <= found for each in values), len(values))


# --- visits ----------------------------------------------------------------------------------------------------------


def measure(visits: Iterable[Visit], thresholds: Thresholds = USUAL) -> dict[str, Figure]:
    """Every measure of a set of visits, by name."""
    everyone = list(visits)
    figures = [
        *service_levels(everyone, thresholds),
        answer_rate(everyone),
        *abandonment(everyone, thresholds),
        overflow(everyone),
        blocking(everyone),
        *waits("all", [each.wait for each in everyone if each.fate not in REFUSED]),
        *waits("answered", [each.wait for each in everyone if each.fate == "answered"]),
        handling_time(everyone),
    ]
    return {each.name: each for each in figures}


def service_levels(visits: Sequence[Visit], thresholds: Thresholds = USUAL) -> tuple[Figure, ...]:
    """The five formulas that go by this name; `charter.definitions.PUBLISHED` is the first."""
    within, short = thresholds
    offered = len(visits)
    good = sum(each.wait <= within for each in visits if each.fate == "answered")
    gone_short = sum(each.wait <= short for each in visits if each.fate == "abandoned")
    gone_early = sum(each.wait <= within for each in visits if each.fate == "abandoned")
    return (
        ratio("service_level", good, offered),
        ratio("service_level_without_short", good, offered - gone_short),
        ratio("service_level_without_early", good, offered - gone_early),
        ratio("service_level_with_early", good + gone_early, offered),
        ratio("service_level_of_answered", good, _count(visits, "answered")),
    )


def answer_rate(visits: Sequence[Visit]) -> Figure:
    """Answered / offered."""
    return ratio("answer_rate", _count(visits, "answered"), len(visits))


def abandonment(visits: Sequence[Visit], thresholds: Thresholds = USUAL) -> tuple[Figure, Figure]:
    """Gross, and net of the short ones (taken out of numerator and denominator)."""
    gone = _count(visits, "abandoned")
    short = sum(each.wait <= thresholds.short for each in visits if each.fate == "abandoned")
    offered = len(visits)
    return ratio("abandonment", gone, offered), ratio("abandonment_net", gone - short, offered - short)


def overflow(visits: Sequence[Visit]) -> Figure:
    """Led to the voicemail, for whatever reason / offered."""
    return ratio("overflow", sum(each.fate in OVERFLOWED for each in visits), len(visits))


def blocking(visits: Sequence[Visit]) -> Figure:
    """Found no line free / offered."""
    return ratio("blocking", _count(visits, "blocked"), len(visits))


def waits(which: str, values: Sequence[float]) -> tuple[Figure, ...]:
    """Mean, median, 90th and 95th percentile of waits in seconds; `which` is "all" or "answered"."""
    return (
        ratio(f"wait_mean_{which}", sum(values), len(values)),
        percentile(f"wait_median_{which}", values, 50),
        percentile(f"wait_p90_{which}", values, 90),
        percentile(f"wait_p95_{which}", values, 95),
    )


def handling_time(visits: Sequence[Visit]) -> Figure:
    """(Talk + wrap-up) / answered, over the visits whose talk is known; a wrap-up that is not counts as none."""
    known = [each.talk + (each.wrap or 0.0) for each in visits if each.fate == "answered" and each.talk is not None]
    return ratio("handling_time", sum(known), len(known))


def _count(visits: Sequence[Visit], fate: Fate) -> int:
    return sum(each.fate == fate for each in visits)


# --- operators -------------------------------------------------------------------------------------------------------


def occupancy(handling: float, idle: float) -> Figure:
    """Seconds at work on calls, call-backs and e-mails, of those and the idle ones together; breaks are neither."""
    return ratio("occupancy", handling, handling + idle)


# --- promises --------------------------------------------------------------------------------------------------------


def on_time(name: str, requests: Iterable[Deferred], start: float, until: float) -> Figure:
    """Of the requests whose time is over in [start, until), those answered in time; unanswered ones failed.

    The cohort is that of the due date: "answered in time / answered" would hide whoever still waits.
    """
    cohort = [each for each in requests if start <= each.due < until]
    return ratio(name, sum(each.in_time for each in cohort), len(cohort))
