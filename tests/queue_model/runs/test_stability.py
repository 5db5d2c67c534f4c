"""Which queues grow for ever, and which only look as if they did."""

from __future__ import annotations

from typing import Any

import pytest

from queue_model.runs.stability import growing
from queue_model.simulation.build import Builder
from tests.queue_model.example_scenarios import day, everything, study_of

NEVER: dict[str, Any] = {"callers": {"patience": {"law": "never"}}}


def grows(written: dict[str, Any]) -> list[str]:
    study = study_of(written)
    return [each.why.split(":")[0] for each in growing(study, Builder(study))]


def test_more_work_than_hands_and_nobody_gives_up() -> None:
    assert grows(day(3, 7, **NEVER)) == ["the telephone"]
    assert grows(day(4, 7, **NEVER)) == []  # 40 h of calls a day, 52 h of hands


def test_a_period_without_a_day_of_service_only_waits_for_one() -> None:
    weekend = everything()
    weekend["period"] = {**weekend["period"], "first": "2026-02-07", "days": 2, "settle": 0}
    assert grows(weekend) == []


@pytest.mark.parametrize(
    "way_out",
    [
        {"patience": {"law": "exponential", "mean": 600}},
        {"patience": {"law": "never"}, "voicemail_key": 0.01},
        {"patience": {"law": "never"}, "balk": 0.1},
        {"patience": {"law": "never"}, "lines": 30},
    ],
)
def test_a_queue_that_people_leave_does_not_grow_for_ever(way_out: dict[str, Any]) -> None:
    assert grows(day(2, 7, callers=way_out)) == []


def test_nor_does_one_with_a_longest_wait() -> None:
    assert grows(day(2, 7, queue={"unlimited": False}, **NEVER)) == []


def test_e_mails_and_requests_never_give_up() -> None:
    five = {"people": 5}
    assert grows(everything(second_level=five)) == []
    assert grows(everything(second_level=five, mails={"per_day": 900})) == ["the e-mails", "the second level"]
    assert grows(everything(second_level={"people": 1})) == ["the second level"]
