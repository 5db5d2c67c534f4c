"""Shifts, breaks, lateness and absence as the instants of a schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from queue_model.random.streams import Streams
from queue_model.simulation.event_kinds import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START
from queue_model.simulation.roster import roster, schedule_events
from tests.queue_model.example_scenarios import EVERY_DAY, day, study_of

HOUR = 3600.0


def plan(days: int = 1, replication: int = 0, **operators: Any) -> list[tuple[float, int, int]]:
    found = study_of(day(days=days, staff=4, operators=operators))
    schedule = schedule_events(roster(found), found, Streams(5, replication))
    return list(
        zip(
            schedule["event_at"].tolist(),
            schedule["event_kind"].tolist(),
            schedule["event_operator"].tolist(),
            strict=True,
        )
    )


def shifts(**tutti: Any) -> dict[str, Any]:
    return {"tutti": tutti}


def test_operators_start_and_end_their_shifts() -> None:
    assert plan() == [
        *((9 * HOUR, SHIFT_START, person) for person in range(4)),
        *((22 * HOUR, SHIFT_END, person) for person in range(4)),
    ]


def test_breaks_are_taken_in_groups() -> None:
    found = plan(shifts=shifts(breaks=[{"at": "10:00", "minutes": 15, "groups": 2}]))
    pauses = [(at / HOUR, kind, who) for at, kind, who in found if kind in (BREAK_START, BREAK_END)]
    assert pauses == [
        (10, BREAK_START, 0), (10, BREAK_START, 1), (10.25, BREAK_START, 2), (10.25, BREAK_START, 3),
        (10.25, BREAK_END, 0), (10.25, BREAK_END, 1), (10.5, BREAK_END, 2), (10.5, BREAK_END, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(("date", "hours"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_breaks_are_in_local_time_when_clocks_change(date: str, hours: int) -> None:
    always = {weekday: ["00:00-24:00"] for weekday in EVERY_DAY}
    pauses = [{"at": "01:00", "minutes": 15}, {"at": "05:00", "minutes": 7.5, "groups": 2}]
    found = study_of(
        day(
            days=1,
            period={"first": date},
            service={"hours": always},
            operators={"shifts": {"tutti": {"hours": "00:00-08:00", "operators": 2, "breaks": pauses}}},
        )
    )
    schedule = schedule_events(roster(found), found, Streams(5))
    at = {
        kind: (schedule["event_at"][schedule["event_kind"] == kind] / HOUR).tolist()
        for kind in (BREAK_START, BREAK_END)
    }
    five = 5.0 + hours - 24  # as many hours after midnight
    assert at[BREAK_START] == [1.0, 1.0, five, five + 0.125]
    assert at[BREAK_END] == [1.25, 1.25, five + 0.125, five + 0.25]
    wall = [found.hours.local(found.period.origin + each * HOUR) for each in at[BREAK_START]]
    assert [f"{each:%H:%M:%S}" for each in wall] == ["01:00:00", "01:00:00", "05:00:00", "05:07:30"]


def test_at_one_instant_ends_come_first() -> None:
    found = plan(shifts=shifts(operators=2, hours="09:00-13:30") | {"altri": {"hours": "13:30-18:00", "operators": 2}})
    assert [(kind, who) for at, kind, who in found if at == 13.5 * HOUR] == [
        (SHIFT_END, 0), (SHIFT_END, 1), (SHIFT_START, 2), (SHIFT_START, 3),
    ]  # fmt: skip


def test_shifts_are_on_open_days_and_their_weekdays_only() -> None:
    found = plan(days=14, shifts=shifts(weekdays=["tuesday", "sunday"]))
    assert sorted({int(at // 86400) for at, _, _ in found}) == [1, 6, 8, 13]


def test_the_share_of_absence() -> None:
    found = plan(days=400, absence=0.1)
    assert sum(kind == SHIFT_START for _, kind, _ in found) / 1600 == pytest.approx(0.9, abs=0.03)
    assert plan(days=5, absence=1.0) == []


def test_lateness_follows_its_share_and_law() -> None:
    found = plan(days=50, late={"share": 0.25, "by": {"law": "deterministic", "value": 600}})
    starts = np.array([at % 86400 for at, kind, _ in found if kind == SHIFT_START])
    assert set(starts.tolist()) == {9 * HOUR, 9 * HOUR + 600}
    assert (starts > 9 * HOUR).mean() == pytest.approx(0.25, abs=0.1)


def test_an_operator_too_late_for_a_break_does_not_get_it() -> None:
    late = {"share": 1.0, "by": {"law": "deterministic", "value": 3700}}
    assert [kind for _, kind, _ in plan(late=late, shifts=shifts(breaks=[{"at": "10:00", "minutes": 15}]))] == [
        *[SHIFT_START] * 4,
        *[SHIFT_END] * 4,
    ]


def test_an_operator_later_than_the_end_of_the_shift_does_not_come() -> None:
    assert plan(late={"share": 1.0, "by": {"law": "deterministic", "value": 90_000}}) == []


def test_a_break_that_would_last_to_the_end_of_the_shift_ends_it() -> None:
    over = {"share": 1.0, "by": {"law": "deterministic", "value": 3600}}
    found = plan(break_overrun=over, shifts=shifts(breaks=[{"at": "21:00", "minutes": 15}]))
    assert {(at / HOUR, kind) for at, kind, _ in found} == {(9, SHIFT_START), (21, SHIFT_END)}


def test_an_overrun_that_skips_the_second_break() -> None:
    over = {"share": 1.0, "by": {"law": "deterministic", "value": 3600}}
    pauses = [{"at": "10:00", "minutes": 15}, {"at": "11:00", "minutes": 15}]
    found = plan(break_overrun=over, shifts=shifts(breaks=pauses))
    assert [at / HOUR for at, kind, who in found if kind in (BREAK_START, BREAK_END) and who == 0] == [10, 11.25]


def test_skills_are_bits_by_topic() -> None:
    topics = {"ALTRO": {"share": 0.5}, "ADR": {"share": 0.25}, "DID": {"share": 0.25}}
    found = study_of(
        day(
            staff=4,
            topics=topics,
            operators={
                "shifts": {
                    "tutti": {"operators": 1},
                    "esperti": {"hours": "09:00-10:00", "operators": 1, "topics": ["DID"]},
                }
            },
        )
    )
    assert roster(found).skills.tolist() == [0b111, 0b100]


def test_lateness_differs_between_replications() -> None:
    late = {"share": 0.5, "by": {"law": "exponential", "mean": 300}}
    assert plan(late=late) == plan(late=late)
    assert plan(late=late) != plan(late=late, replication=1)
