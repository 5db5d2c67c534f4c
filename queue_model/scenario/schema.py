"""The keys of a scenario file, with their limits and defaults.

The service itself (hours, seats, queue, promises, menu) is read from `config/`. A scenario adds what the configuration
cannot know (how many people call, how long they talk, who works when) and may change the configuration for itself.
`queue_model.scenario.study` reads a scenario and finds its mistakes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from common import corrections
from ivr.configuration.menu import PromptId, Topic
from ivr.configuration.settings import Label, Line, Share, Text
from queue_model.scenario.laws import Duration, Patience


def _text(pattern: str, description: str, correct: Callable[[Any], str] | None = None) -> Meta:
    return Meta(pattern=pattern, description=description, extra={"correct": correct} if correct else None)


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Month = Literal[
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
TimeOfDay = Annotated[str, _text(r"^[0-9]{1,2}:[0-9]{2}\Z", 'a time of day like "09:30"', corrections.time_of_day)]
HoursOfDay = Annotated[
    str, _text(r"^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}\Z", 'hours like "09:00-13:30"', corrections.hours)
]
Rate = Annotated[float, Meta(ge=0, le=1e8, description="a number a day, 0 or more")]
Factor = Annotated[float, Meta(ge=0, le=1e4, description="a factor, 0 or more")]
Positive = Annotated[float, Meta(gt=0, le=1e6, description="a number above 0")]
People = Annotated[int, Meta(ge=0, le=100_000)]
Minutes = Annotated[float, Meta(ge=0, le=1440, description="minutes, 0 or more")]


class Days(Struct, frozen=True, forbid_unknown_fields=True):
    """The period that a replication simulates. Days before `settle` are simulated and not measured."""

    first: datetime.date
    days: Annotated[int, Meta(ge=1, le=3660)]
    settle: Annotated[int, Meta(ge=0, le=3659)] = 0


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """How arrivals spread over a day: relative weights of equal steps of local time."""

    start: TimeOfDay = field(name="from")
    step_minutes: Annotated[int, Meta(ge=1, le=1440)]
    weights: Annotated[list[Factor], Meta(min_length=1, max_length=1440)]


class SpecialDays(Struct, frozen=True, forbid_unknown_fields=True):
    """Days on which more or fewer people contact the service than usual: a campaign, a strike, a deadline."""

    first: datetime.date
    factor: Factor
    last: datetime.date | None = None
    why: Line | None = None


class Swings(Struct, frozen=True, forbid_unknown_fields=True):
    """Busyness that changes within the day: log-normal factors of mean 1, one for each step, that are correlated."""

    sd: Annotated[float, Meta(gt=0, le=2, description="standard deviation of the factor's logarithm, up to 2")]
    correlation: Annotated[float, Meta(ge=0, lt=1, description="correlation from one step to the next, 0 to below 1")]


class Outside(Struct, frozen=True, forbid_unknown_fields=True):
    """Calls of an ordinary day outside its main profile, early or late. Callers who find the service closed are led to
    the voicemail."""

    per_day: Rate
    profile: Profile


class Arrivals(Struct, frozen=True, forbid_unknown_fields=True):
    """`per_day`: calls expected at the number on a day whose factors are all 1."""

    profile: Profile
    per_day: Rate = 0
    weekdays: dict[Weekday, Factor] = {}
    months: dict[Month, Factor] = {}
    special_days: Annotated[list[SpecialDays], Meta(max_length=1000)] = []
    busyness: Positive | None = None  # shape of the day's gamma factor of mean 1; null: none
    swings: Swings | None = None
    outside: Outside | None = None
    closed_days: Rate = 0  # calls on a day on which the service is closed
    trace: Line | None = None  # a CSV of recorded calls, instead of all the above


class TopicSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What callers want, and what it takes. `profile` weighs the topic's share over the steps of the main profile."""

    share: Share
    satisfied: Share = 0  # by the recorded information, of those who hear it
    talk: Duration | None = None  # null: that of `handling`
    wrap: Duration | None = None
    second_level: Share | None = None
    profile: Annotated[list[Factor], Meta(min_length=1, max_length=1440)] | None = None


class Menu(Struct, frozen=True, forbid_unknown_fields=True):
    """How callers behave in the menu, and how this scenario's menu differs from config/menu.yaml."""

    walk: bool = True  # false: calls enter the queue at once
    reaction: Annotated[float, Meta(ge=0, le=60)] = 1.5  # seconds from the end of a question to the key
    hurried: Share = 0  # press before the question has ended
    hurried_at: Share = 0.5  # of its length
    nothing: Share = 0  # press no key
    wrong: Share = 0  # press a key that is not offered
    repeat: Share = 0  # ask to hear the question again
    hang_up: Share = 0  # during any one prompt
    straight_to_operator: Share = 0  # ask for an operator, whatever their topic
    changes: dict[str, Any] = {}  # merged onto menu.yaml; null removes
    prompts: dict[PromptId, Annotated[float, Meta(gt=0, le=600)]] = {}  # seconds of prompts yet to be recorded


class Redial(Struct, frozen=True, forbid_unknown_fields=True):
    """Of the callers who give up or find no line, `share` call again, each time, at most `most` times."""

    share: Share
    after: Duration
    most: Annotated[int, Meta(ge=1, le=20)] = 1


class Callers(Struct, frozen=True, forbid_unknown_fields=True):
    patience: Patience
    balk: Share = 0  # hang up at once when they must wait
    announced: bool = False  # callers hear their expected wait as they enter
    tolerance: Patience | None = None  # the longest announced wait that they accept
    voicemail_key: Share = 0  # press it, at each offer
    leaves_message: Share = 0  # of callers led from the queue to the voicemail
    leaves_message_closed: Share = 0  # of callers outside opening hours
    redial: Redial | None = None
    lines: Annotated[int, Meta(ge=0, le=1_000_000)] = 0  # callers waiting, talking or in the survey; 0: no limit


class Survey(Struct, frozen=True, forbid_unknown_fields=True):
    """Of the answered callers, `share` stay for the questions; they occupy a line and no operator."""

    share: Share
    time: Duration


class Handling(Struct, frozen=True, forbid_unknown_fields=True):
    talk: Duration
    wrap: Duration
    survey: Survey | None = None
    callback: Duration | None = None  # null: as `talk`
    second_level: Share = 0  # of calls, unless the topic has its own


class Break(Struct, frozen=True, forbid_unknown_fields=True):
    """A break that the operators of a shift take in `groups`, one group after the other."""

    at: TimeOfDay
    minutes: Annotated[float, Meta(gt=0, le=240, description="minutes, up to 240")]
    groups: Annotated[int, Meta(ge=1, le=1000)] = 1


class Shift(Struct, frozen=True, forbid_unknown_fields=True):
    hours: HoursOfDay
    operators: People
    weekdays: Annotated[list[Weekday], Meta(min_length=1, max_length=7)] | None = (
        None  # null: all on which the service opens
    )
    topics: Annotated[list[Topic], Meta(min_length=1, max_length=64)] | None = None  # null: all
    breaks: Annotated[list[Break], Meta(max_length=20)] = []


class Late(Struct, frozen=True, forbid_unknown_fields=True):
    share: Share
    by: Duration


class Operators(Struct, frozen=True, forbid_unknown_fields=True):
    shifts: Annotated[dict[Label, Shift], Meta(min_length=1, max_length=500)]
    seats: Annotated[int, Meta(ge=1, le=100_000)] | None = None  # null: those of service.yaml
    people: Annotated[int, Meta(ge=1, le=100_000)] | None = None  # null: the operators of service.yaml
    absence: Share = 0  # per day, each person independently
    late: Late | None = None
    break_overrun: Late | None = None
    reserve: People = 0  # idle people kept free for calls
    put_down_emails: bool = False  # interrupt e-mails for a call


class Mails(Struct, frozen=True, forbid_unknown_fields=True):
    """E-mails and web forms: `per_day` on days on which the service opens, `closed_days` on the others."""

    per_day: Rate
    profile: Profile
    work: Duration
    closed_days: Rate = 0
    weekdays: dict[Weekday, Factor] = {}
    months: dict[Month, Factor] = {}
    special_days: Annotated[list[SpecialDays], Meta(max_length=1000)] = []
    busyness: Positive | None = None
    second_level: Share = 0
    topics: dict[Topic, Share] | None = None  # null: as for calls


class SecondLevel(Struct, frozen=True, forbid_unknown_fields=True):
    """The back office, which works on the days on which the service opens."""

    people: Annotated[int, Meta(ge=1, le=100_000)]
    hours: HoursOfDay
    work: Duration


class QueueLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits beyond what service.yaml allows: for a service of another size, and for theory."""

    unlimited: bool = False  # no longest wait or queue, and waiting callers stay when the last operator leaves
    longest_wait: Annotated[float, Meta(gt=0, le=1e6, description="seconds, above 0")] | None = None
    longest_queue: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None


class Targets(Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds of the measures, the clock of the e-mail promise, and targets for the telephone."""

    within: Positive = 20  # s
    short: Annotated[float, Meta(ge=0, le=600)] = 5  # s
    email_clock: Literal["hours", "service_hours"] = "hours"
    service_level: Share | None = None  # at least
    answer_rate: Share | None = None  # at least
    abandonment: Share | None = None  # at most
    wait_mean: Positive | None = None  # s, of the answered, at most


class Assumption(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value comes from. `documented`: from documents of the service; `measured`: from its logs."""

    basis: Literal["assumed", "measured", "documented"]
    comment: Text
    range: Annotated[list[float], Meta(min_length=2, max_length=2)] | None = None
    source: Text | None = None


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    title: Line
    period: Days
    arrivals: Arrivals
    topics: Annotated[dict[Topic, TopicSpec], Meta(min_length=1, max_length=64)]
    callers: Callers
    handling: Handling
    operators: Operators
    menu: Menu = Menu()
    mails: Mails | None = None
    second_level: SecondLevel | None = None
    queue: QueueLimits = QueueLimits()
    targets: Targets = Targets()
    service: dict[str, Any] = {}  # merged onto config/service.yaml
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 1
    replications: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    assumptions: dict[str, Assumption] = {}
    based_on: Line | None = None  # another scenario file, for all values that this one does not give
    about: Text | None = None
