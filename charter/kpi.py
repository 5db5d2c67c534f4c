"""The measures of the service, from records of visits: one formula each, for the live service and for the model.

A *visit* is one caller's stay at the queue, from entering it to one fate. A caller who calls again makes another visit.
Visits outside service hours are not part of any measure here, nor are calls that ended in the menu without asking for
an operator. Each measure is a `Figure` with its value, numerator and denominator; `charter.kpi_definitions` defines it
under the same name.
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
    "key",  # pressed a key for the voicemail
    "timeout",  # sent to the voicemail after the longest wait
    "empty",  # sent to the voicemail because no operator was left
    "full",  # refused: the queue was full
    "busy",  # refused: no operator free, and the policy is voicemail at once
    "blocked",  # refused: no line free
    "lost",  # the switch stopped while the caller waited, or a line died in the talk
    "unknown",  # the log has no end, and the longest call is over
]
FATES: tuple[Fate, ...] = get_args(Fate)
OVERFLOWED: frozenset[Fate] = frozenset(("key", "timeout", "empty", "full", "busy"))
REFUSED: frozenset[Fate] = frozenset(("full", "busy", "blocked"))  # never waited


class Visit(NamedTuple):
    """One stay at the queue, in service hours. Seconds; `talk` and `wrap` None when unknown or not answered."""

    entered: float  # epoch seconds
    fate: Fate
    wait: float  # from entering to the answer, or to leaving; NaN if unknown
    talk: float | None = None  # includes time on hold
    wrap: float | None = None  # from the end of the conversation to being ready again
    topic: str = ""


class Thresholds(NamedTuple):
    """What `answered in time` and `a short abandon` mean, in seconds; both bounds are included."""

    within: float = 20.0
    short: float = 5.0


DEFAULT_THRESHOLDS = Thresholds()


class Figure(NamedTuple):
    """A measure's value, None if the denominator is zero.

    For shares and means the value is numerator / denominator. For a percentile the denominator is the number of waits,
    and the numerator is how many of them do not exceed the value.
    """

    name: str
    value: float | None
    numerator: float
    denominator: float

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.name]


def ratio(name: str, numerator: float, denominator: float) -> Figure:
    """The figure numerator / denominator."""
    return Figure(name, numerator / denominator if denominator else None, numerator, denominator)


def rank(count: int, percent: int) -> int:
    """The index of the percentile in `count` sorted values: the smallest that `percent` per cent do not exceed."""
    return max(0, -(-percent * count // 100) - 1)


def percentile(name: str, values: Sequence[float], percent: int) -> Figure:
    """The smallest of the values that `percent` per cent of them do not exceed (nearest rank)."""
    if not values:
        return Figure(name, None, 0, 0)
    value = sorted(values)[rank(len(values), percent)]
    return Figure(name, value, sum(each <= value for each in values), len(values))


# --- visits ----------------------------------------------------------------------------------------------------------


class Tally(NamedTuple):
    """Counts of visits, from which all shares are calculated. An unknown count is NaN, and so are its shares."""

    offered: float
    answered: float
    in_time: float  # answered within `Thresholds.within`
    abandoned: float
    short: float  # abandoned within `Thresholds.short`
    early: float  # abandoned within `Thresholds.within`
    overflowed: float
    blocked: float


def tally(visits: Sequence[Visit], thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Tally:
    """Count a set of visits."""
    within, short = thresholds
    answered = [each.wait for each in visits if each.fate == "answered"]
    abandoned = [each.wait for each in visits if each.fate == "abandoned"]
    return Tally(
        offered=len(visits),
        answered=len(answered),
        in_time=sum(wait <= within for wait in answered),
        abandoned=len(abandoned),
        short=sum(wait <= short for wait in abandoned),
        early=sum(wait <= within for wait in abandoned),
        overflowed=sum(each.fate in OVERFLOWED for each in visits),
        blocked=sum(each.fate == "blocked" for each in visits),
    )


def measure(visits: Iterable[Visit], thresholds: Thresholds = DEFAULT_THRESHOLDS) -> dict[str, Figure]:
    """Every measure of a set of visits, by name."""
    everyone = list(visits)
    figures = [
        *shares(tally(everyone, thresholds)),
        *waits("all", [each.wait for each in everyone if waited(each)]),
        *waits("answered", [each.wait for each in everyone if each.fate == "answered" and waited(each)]),
        handling_time(everyone),
    ]
    return {each.name: each for each in figures}


def shares(counts: Tally) -> tuple[Figure, ...]:
    """Every share of the counted visits."""
    return (
        *service_levels(counts),
        ratio("answer_rate", counts.answered, counts.offered),
        ratio("abandonment", counts.abandoned, counts.offered),
        # Short abandons are excluded from numerator and denominator.
        ratio("abandonment_net", counts.abandoned - counts.short, counts.offered - counts.short),
        ratio("overflow", counts.overflowed, counts.offered),
        ratio("blocking", counts.blocked, counts.offered),
    )


def service_levels(counts: Tally) -> tuple[Figure, ...]:
    """The five formulas that go by this name; `charter.kpi_definitions.PUBLISHED` is the first."""
    return (
        ratio("service_level", counts.in_time, counts.offered),
        ratio("service_level_without_short", counts.in_time, counts.offered - counts.short),
        ratio("service_level_without_early", counts.in_time, counts.offered - counts.early),
        ratio("service_level_with_early", counts.in_time + counts.early, counts.offered),
        ratio("service_level_of_answered", counts.in_time, counts.answered),
    )


def waited(visit: Visit) -> bool:
    """Whether the caller queued and their wait is known; unknown waits are left out of means, not counted as zero."""
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
    """(Talk + wrap-up) / answered, over visits with a known talk time; an unknown wrap-up counts as zero."""
    known = [each.talk + (each.wrap or 0.0) for each in visits if each.fate == "answered" and each.talk is not None]
    return ratio("handling_time", sum(known), len(known))


# --- operators -------------------------------------------------------------------------------------------------------


def occupancy(handling: float, idle: float) -> Figure:
    """Seconds of work on calls, call-backs and e-mails, divided by working and idle seconds; breaks are neither."""
    return ratio("occupancy", handling, handling + idle)


# --- promises --------------------------------------------------------------------------------------------------------


def on_time(name: str, requests: Iterable[Deferred], start: float, until: float) -> Figure:
    """The share of the requests due in [start, until) that were answered in time; unanswered ones count as late.

    The cohort is defined by the due date: "answered in time / answered" would hide requests that are still waiting.
    """
    cohort = [each for each in requests if start <= each.due < until]
    return ratio(name, sum(each.in_time for each in cohort), len(cohort))


# --- requests --------------------------------------------------------------------------------------------------------


class Handled(NamedTuple):
    """A request that a person handled; not information given by the menu, and not a duplicate."""

    level: int  # the highest level that it reached
    resolved: bool  # closed with an answer to the citizen
    interactions: int  # contacts between the service and the citizen about it


def resolution(requests: Iterable[Handled]) -> tuple[Figure, Figure]:
    """Of the requests opened in a period: the share resolved at the first level, and of these in one interaction
    (first contact as declared)."""
    cohort = list(requests)
    closed = [each for each in cohort if each.resolved and each.level == 1]
    return (
        ratio("level_one_resolution", len(closed), len(cohort)),
        ratio("first_contact_declared", sum(each.interactions <= 1 for each in closed), len(cohort)),
    )


class Contact(NamedTuple):
    """A call that reached the queue; `who` is the caller's pseudonym."""

    who: str
    topic: str
    start: float
    end: float
    answered: bool


WITHIN_DAYS = 7  # a second call about the same topic within these days means that the first did not help


def first_contact_observed(contacts: Iterable[Contact], start: float, until: float, now: float) -> Figure:
    """The share of the calls answered in [start, until) after which the caller did not call about the topic again.

    Only calls whose `WITHIN_DAYS` are over at `now` count; `contacts` must extend that far beyond `until`, or up to
    `now`.
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

Scale = tuple[int, int]  # the worst and the best answer to a question
SCALE: Scale = (1, 5)
SATISFIED = 0.75  # of the way from the worst to the best answer: 4 on a scale of 1 to 5
NORMAL_95 = 1.959963984540054  # 97.5th percentile of the normal distribution, for two-sided 95 %


def is_satisfied(value: int, scale: Scale = SCALE) -> bool:
    """Whether an answer is in the upper quarter of its scale: 4 and 5 of 1 to 5, 8 to 10 of 1 to 10, 2 of 1 to 2."""
    low, high = scale
    return value - low >= SATISFIED * (high - low)


def survey(answers: Sequence[int], responses: int, asked: int, scale: Scale = SCALE) -> tuple[Figure, Figure]:
    """The share of satisfied answers to one question, and the share of `asked` callers who responded."""
    good = sum(is_satisfied(each, scale) for each in answers)
    return ratio("survey_score", good, len(answers)), ratio("survey_response", responses, asked)


def wilson(figure: Figure) -> tuple[float, float] | None:
    """The 95 % interval of a share (Wilson 1927), valid also for small numbers and for 0 and 100 %; None without a
    denominator."""
    n, z = figure.denominator, NORMAL_95
    if figure.value is None or not n > 0:
        return None
    share = figure.numerator / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
