"""Whether the work of a study can be done at all. Where it cannot, a queue grows for as long as one looks, and what is
measured of it tells the length of the period rather than the service: it has no steady state, and no number is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charter.kpi_definitions import DEFINITIONS
from queue_model.scenario.laws import mean
from queue_model.scenario.schema import Scenario
from queue_model.scenario.study import Study
from queue_model.simulation.build import Builder
from queue_model.simulation.menu_paths import Ways

CALL_MEASURES = tuple(
    name for name in DEFINITIONS if name.startswith(("wait_", "service_level", "answer_rate", "on_time_callback"))
)


@dataclass(frozen=True)
class Growing:
    """A queue without a steady state: which measures mean nothing, and why, in a sentence."""

    measures: tuple[str, ...]
    why: str


def growing(study: Study, builder: Builder) -> list[Growing]:
    """The queues of a study that must grow: more work than hands, and nobody who gives up."""
    if not study.period.opens.any():
        return []  # a weekend: what waits for monday does not grow for ever
    scenario = study.scenario
    hands = float(np.sum(builder.roster.end - builder.roster.start)) * (1 - scenario.operators.absence)
    calls = _call_work(study, builder)
    found = []
    if calls >= hands and _nobody_leaves(study):
        why = f"calls bring {_hours(calls)} of work and people work {_hours(hands)}, and no caller ever gives up"
        found.append(Growing(CALL_MEASURES, f"the telephone: {why}"))
    if scenario.mails is not None and builder.mails is not None:
        mails = float(np.sum(builder.mails.expected)) * mean(scenario.mails.work)
        if mails >= hands or (calls + mails >= hands and _nobody_leaves(study)):
            why = f"calls and e-mails bring {_hours(calls + mails)} of work, and people work {_hours(hands)}"
            found.append(Growing(("on_time_email",), f"the e-mails: {why}"))
    if scenario.second_level is not None:
        office = _office_hours(study, builder) * scenario.second_level.people
        handed = _handed_over(study, builder) * mean(scenario.second_level.work)
        if handed >= office:
            why = f"it is handed {_hours(handed)} of work and has {_hours(office)}"
            found.append(Growing(("on_time_second_level",), f"the second level: {why}"))
    return found


def _nobody_leaves(study: Study) -> bool:
    """Whether no caller leaves the queue but through an operator."""
    scenario: Scenario = study.scenario
    policy = study.compiled["service"]["queue"]
    unlimited = scenario.queue.unlimited and not scenario.callers.lines
    key = scenario.callers.voicemail_key and policy["voicemail_key"] is not None
    leaves = key or scenario.callers.balk or scenario.callers.announced or policy["all_busy"]["then"] == "voicemail"
    return unlimited and not leaves and math.isinf(mean(scenario.callers.patience))


def _queued(study: Study, builder: Builder) -> dict[str, float]:
    """Calls expected to reach the queue in the period, by what they want."""
    expected = float(np.sum(builder.calls.expected[study.period.is_open(builder.calls.edges[:-1])]))
    found = {}
    for number, (name, topic) in enumerate(study.scenario.topics.items()):
        group = slice(builder.ways.first[2 * number + 1], builder.ways.first[2 * number + 2])
        reaches = float(builder.ways.chance[group][builder.ways.ending[group] == Ways.QUEUE].sum())
        found[name] = expected * topic.share * reaches
    return found


def _call_work(study: Study, builder: Builder) -> float:
    """Seconds of talk and wrap-up that the callers of the period bring."""
    handling = study.scenario.handling
    total = 0.0
    for name, calls in _queued(study, builder).items():
        topic = study.scenario.topics[name]
        total += calls * (mean(topic.talk or handling.talk) + mean(topic.wrap or handling.wrap))
    return total


def _handed_over(study: Study, builder: Builder) -> float:
    """Requests of the second level expected in the period, when every call is answered."""
    scenario = study.scenario
    total = 0.0
    for name, calls in _queued(study, builder).items():
        own = scenario.topics[name].second_level
        total += calls * (scenario.handling.second_level if own is None else own)
    if scenario.mails is not None and builder.mails is not None:
        total += float(np.sum(builder.mails.expected)) * scenario.mails.second_level
    return total


def _office_hours(study: Study, builder: Builder) -> float:
    """Working seconds of the back office within the period."""
    begins, ends = builder.office["office_from"], builder.office["office_until"]
    return float(np.sum(np.clip(ends, 0, study.period.length) - np.clip(begins, 0, study.period.length)))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} h"
