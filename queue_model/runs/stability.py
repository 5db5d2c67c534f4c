"""Find queues without a steady state: more work comes in than can be done, so the queue grows without end.

Measures of such a queue depend on the length of the period more than on the service, so they are not shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charter.kpi_definitions import DEFINITIONS
from queue_model.scenario.laws import mean
from queue_model.scenario.schema import Scenario
from queue_model.scenario.study import Study
from queue_model.simulation.builder import Builder
from queue_model.simulation.menu_paths import MenuPaths

CALL_MEASURES = tuple(
    name for name in DEFINITIONS if name.startswith(("wait_", "service_level", "answer_rate", "on_time_callback"))
)


@dataclass(frozen=True)
class UnstableQueue:
    """A queue without a steady state: the measures that mean nothing, and the reason in a sentence."""

    measures: tuple[str, ...]
    reason: str


def no_steady_state(study: Study, builder: Builder) -> dict[str, str]:
    """The measures without a steady state, each with the reason."""
    return {name: queue.reason for queue in unstable_queues(study, builder) for name in queue.measures}


def unstable_queues(study: Study, builder: Builder) -> list[UnstableQueue]:
    """The queues of a study that must grow: more work than working time, and no caller gives up."""
    if not study.period.opens.any():
        return []  # a weekend: what waits until Monday does not grow without end
    scenario = study.scenario
    capacity = float(np.sum(builder.roster.end - builder.roster.start)) * (1 - scenario.operators.absence)
    calls = _call_work(study, builder)
    queues = []
    if calls >= capacity and _nobody_leaves(study):
        why = f"calls bring {_hours(calls)} of work, operators work {_hours(capacity)}, and no caller gives up"
        queues.append(UnstableQueue(CALL_MEASURES, f"the telephone: {why}"))
    if scenario.mails is not None and builder.mails is not None:
        mails = float(np.sum(builder.mails.expected)) * mean(scenario.mails.work)
        if mails >= capacity or (calls + mails >= capacity and _nobody_leaves(study)):
            why = f"calls and e-mails bring {_hours(calls + mails)} of work, and operators work {_hours(capacity)}"
            queues.append(UnstableQueue(("on_time_email",), f"the e-mails: {why}"))
    if scenario.second_level is not None:
        office = _office_hours(study, builder) * scenario.second_level.people
        handed = _handed_over(study, builder) * mean(scenario.second_level.work)
        if handed >= office:
            why = f"it receives {_hours(handed)} of work and works {_hours(office)}"
            queues.append(UnstableQueue(("on_time_second_level",), f"the second level: {why}"))
    return queues


def _nobody_leaves(study: Study) -> bool:
    """Whether callers can leave the queue only through an operator."""
    scenario: Scenario = study.scenario
    policy = study.compiled["service"]["queue"]
    unlimited = scenario.queue.unlimited and not scenario.callers.lines
    key = scenario.callers.voicemail_key and policy["voicemail_key"] is not None
    leaves = key or scenario.callers.balk or scenario.callers.announced or policy["all_busy"]["then"] == "voicemail"
    return unlimited and not leaves and math.isinf(mean(scenario.callers.patience))


def _queued(study: Study, builder: Builder) -> dict[str, float]:
    """Calls expected to reach the queue in the period, by topic."""
    expected = float(np.sum(builder.calls.expected[study.period.is_open(builder.calls.edges[:-1])]))
    calls = {}
    for number, (name, topic) in enumerate(study.scenario.topics.items()):
        group = slice(builder.menu_paths.first[2 * number + 1], builder.menu_paths.first[2 * number + 2])
        reaches = float(builder.menu_paths.chance[group][builder.menu_paths.ending[group] == MenuPaths.QUEUE].sum())
        calls[name] = expected * topic.share * reaches
    return calls


def _call_work(study: Study, builder: Builder) -> float:
    """Expected seconds of talk and wrap-up of all calls in the period."""
    handling = study.scenario.handling
    total = 0.0
    for name, calls in _queued(study, builder).items():
        topic = study.scenario.topics[name]
        total += calls * (mean(topic.talk or handling.talk) + mean(topic.wrap or handling.wrap))
    return total


def _handed_over(study: Study, builder: Builder) -> float:
    """Second-level requests expected in the period if every call is answered."""
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
