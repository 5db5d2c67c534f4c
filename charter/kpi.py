"""The measures of the service, from records of visits: one formula each, for the live service and for the model.

A *visit* is one caller's stay at the queue, from entering it to one fate. Somebody who calls again makes another visit.
Visits outside service hours are no part of any measure here; nor are calls that ended in the menu, which ask for no
operator. Each measure is a `Figure`: its value, its numerator and denominator; what it means stands under its name in
`charter.kpi_definitions`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from charter.kpi_definitions import DEFINITIONS, Definition
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
    wait: float  # from entering to the answer, or to leaving; NaN of a lost caller when nobody knows
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


class Tally(NamedTuple):
    """Visits counted: all that the shares are made of. A count that is not known is NaN, and so is what needs it."""

    offered: float
    answered: float
    in_time: float  # answered within `Thresholds.within`
    abandoned: float
    short: float  # abandoned within `Thresholds.short`
    early: float  # abandoned within `Thresholds.within`
    overflowed: float
    blocked: float


def tally(visits: Sequence[Visit], thresholds: Thresholds = USUAL) -> Tally:
    """Count a set of visits."""
    within, short = thresholds
    answered = [each.wait for each in visits if each.fate == "answered"]
    gone = [each.wait for each in visits if each.fate == "abandoned"]
    return Tally(
        offered=len(visits),
        answered=len(answered),
        in_time=sum(wait <= within for wait in answered),
        abandoned=len(gone),
        short=sum(wait <= short for wait in gone),
        early=sum(wait <= within for wait in gone),
        overflowed=sum(each.fate in OVERFLOWED for each in visits),
        blocked=sum(each.fate == "blocked" for each in visits),
    )


def measure(visits: Iterable[Visit], thresholds: Thresholds = USUAL) -> dict[str, Figure]:
    """Every measure of a set of visits, by name."""
    everyone = list(visits)
    figures = [
        *shares(tally(everyone, thresholds)),
        *waits("all", [each.wait for each in everyone if waited(each)]),
        *waits("answered", [each.wait for each in everyone if each.fate == "answered"]),
        handling_time(everyone),
    ]
    return {each.name: each for each in figures}


def shares(found: Tally) -> tuple[Figure, ...]:
    """Every share of the visits that were counted."""
    return (
        *service_levels(found),
        ratio("answer_rate", found.answered, found.offered),
        ratio("abandonment", found.abandoned, found.offered),
        # The short ones are taken out of numerator and denominator.
        ratio("abandonment_net", found.abandoned - found.short, found.offered - found.short),
        ratio("overflow", found.overflowed, found.offered),
        ratio("blocking", found.blocked, found.offered),
    )


def service_levels(found: Tally) -> tuple[Figure, ...]:
    """The five formulas that go by this name; `charter.kpi_definitions.PUBLISHED` is the first."""
    return (
        ratio("service_level", found.in_time, found.offered),
        ratio("service_level_without_short", found.in_time, found.offered - found.short),
        ratio("service_level_without_early", found.in_time, found.offered - found.early),
        ratio("service_level_with_early", found.in_time + found.early, found.offered),
        ratio("service_level_of_answered", found.in_time, found.answered),
    )


def waited(visit: Visit) -> bool:
    """Whether the caller queued, and it is known how long: what is unknown is in no mean, and is not nought."""
    return visit.fate not in REFUSED and not math.isnan(visit.wait)


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


# --- requests --------------------------------------------------------------------------------------------------------


class Handled(NamedTuple):
    """A request that a person had to do with; what the menu told by itself, and duplicates, are none of these."""

    level: int  # the highest that it was taken to
    resolved: bool  # closed, and the citizen had his answer
    interactions: int  # how often the service and the citizen had to do with each other over it


def resolution(requests: Iterable[Handled]) -> tuple[Figure, Figure]:
    """Of the requests opened in a period: closed by the first level; and that in the first interaction (declared)."""
    cohort = list(requests)
    closed = [each for each in cohort if each.resolved and each.level == 1]
    return (
        ratio("level_one_resolution", len(closed), len(cohort)),
        ratio("first_contact_declared", sum(each.interactions <= 1 for each in closed), len(cohort)),
    )


class Contact(NamedTuple):
    """A call that reached the queue: who (a pseudonym), about what, from when to when, whether it was answered."""

    who: str
    topic: str
    start: float
    end: float
    answered: bool


WITHIN_DAYS = 7  # who calls again about the same within these days was not helped the first time


def first_contact_observed(contacts: Iterable[Contact], start: float, until: float, now: float) -> Figure:
    """Of the calls answered in [start, until), those after which the same caller did not call about the same again.

    Counted are only calls whose days of waiting for another one are over at `now`; `contacts` must reach so far
    beyond `until`, or up to `now`.
    """
    span = WITHIN_DAYS * 86400
    series: dict[tuple[str, str], list[Contact]] = {}
    for each in sorted(contacts, key=lambda contact: contact.start):
        series.setdefault((each.who, each.topic), []).append(each)
    good = counted = 0
    for calls in series.values():
        for call, following in zip(calls, [*calls[1:], None], strict=True):
            if call.answered and start <= call.start < until and call.end + span <= now:
                counted += 1
                good += following is None or following.start > call.end + span
    return ratio("first_contact_observed", good, counted)


# --- survey ----------------------------------------------------------------------------------------------------------

SATISFIED = 4  # of 5: from here on somebody is satisfied
NORMAL_95 = 1.959963984540054  # the 97.5th percentile of the normal law: two-sided 95 %


def survey(answers: Sequence[int], responses: int, asked: int) -> tuple[Figure, Figure]:
    """The share of 4 and 5 among the answers to one question, 1 to 5; and of those asked, who answered anything."""
    good = sum(each >= SATISFIED for each in answers)
    return ratio("survey_score", good, len(answers)), ratio("survey_response", responses, asked)


def wilson(figure: Figure) -> tuple[float, float] | None:
    """The 95 % interval of a share (Wilson 1927): right also for few, and for none or all; None of nothing."""
    n, z = figure.denominator, NORMAL_95
    if figure.value is None or not n > 0:
        return None
    share = figure.numerator / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
