"""Queues without a steady state, and queues that only look so."""

from __future__ import annotations

from typing import Any

import pytest

from queue_model.runs.stability import unstable_queues
from queue_model.simulation.builder import Builder
from tests.queue_model.example_scenarios import day, everything, study_of

NEVER: dict[str, Any] = {"callers": {"patience": {"law": "never"}}}


def unstable(written: dict[str, Any]) -> list[str]:
    study = study_of(written)
    return [each.reason.split(":")[0] for each in unstable_queues(study, Builder(study))]


def test_more_work_than_working_time_without_abandonment() -> None:
    assert unstable(day(3, 7, **NEVER)) == ["the telephone"]
    assert unstable(day(4, 7, **NEVER)) == []  # 40 h of calls a day, 52 h of working time


def test_a_period_without_service_days_is_not_judged() -> None:
    weekend = everything()
    weekend["period"] = {**weekend["period"], "first": "2026-02-07", "days": 2, "settle": 0}
    assert unstable(weekend) == []


@pytest.mark.parametrize(
    "way_out",
    [
        {"patience": {"law": "exponential", "mean": 600}},
        {"patience": {"law": "never"}, "voicemail_key": 0.01},
        {"patience": {"law": "never"}, "balk": 0.1},
        {"patience": {"law": "never"}, "lines": 30},
    ],
)
def test_a_queue_that_callers_leave_is_stable(way_out: dict[str, Any]) -> None:
    assert unstable(day(2, 7, callers=way_out)) == []


def test_a_queue_with_a_longest_wait_is_stable() -> None:
    assert unstable(day(2, 7, queue={"unlimited": False}, **NEVER)) == []


def test_e_mails_and_requests_can_be_unstable() -> None:
    five = {"people": 5}
    assert unstable(everything(second_level=five)) == []
    assert unstable(everything(second_level=five, mails={"per_day": 900})) == ["the e-mails", "the second level"]
    assert unstable(everything(second_level={"people": 1})) == ["the second level"]
