"""Compare the bulk measures with those of `charter.kpi` on the records of a week with every feature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charter import kpi
from charter.kpi_definitions import MODELLED
from charter.promises import Deferred, due
from queue_model.runs.measures.measurer import PARTS, Measurer
from queue_model.runs.measures.visits import visits
from queue_model.scenario.study import Study
from queue_model.simulation.builder import Builder, ReplicationInputs
from queue_model.simulation.records import Outcome, Records, Source, Work
from queue_model.simulation.reference import simulate
from tests.queue_model.example_scenarios import everything, study_of


def simulated(**changes: Any) -> tuple[Study, ReplicationInputs, Records]:
    study = study_of(everything(**changes))
    built = Builder(study).inputs()
    return study, built, simulate(built.inputs)


@pytest.fixture(scope="module")
def week() -> tuple[Study, ReplicationInputs, Records]:
    """Busy, so that every fate occurs. With this seed some callers wait when the last operator leaves."""
    # With six operators at work the lines fill up first, with fewer the queue does.
    crowded = {"queue": {"longest_queue": 10, "longest_wait": 240}}
    return simulated(days=14, seed=2, arrivals={"per_day": 900}, callers={"lines": 16}, service=crowded)


def test_every_fate_occurs(week: tuple[Study, ReplicationInputs, Records]) -> None:
    found = set(week[2].calls["outcome"].tolist())
    assert found == set(Outcome) - {Outcome.VOICEMAIL_BUSY, Outcome.WAITING}


def test_the_measures_are_those_of_the_charter(week: tuple[Study, ReplicationInputs, Records]) -> None:
    study, built, records = week
    measurer = Measurer(study)
    theirs = kpi.measure(visits(study, records), measurer.thresholds)
    mine = measurer.sums(built, records).whole
    for name, figure in theirs.items():
        top, bottom = mine[name]
        assert top / bottom == pytest.approx(figure.value, rel=1e-12), name
        if "_p9" not in name and "_median" not in name:
            assert (top, bottom) == pytest.approx(figure[2:], rel=1e-12), name


def test_callers_who_reach_the_queue_after_closing_time_are_not_visits(
    week: tuple[Study, ReplicationInputs, Records],
) -> None:
    """`measure` assigns live visits to service hours by their beginning, and so does the model."""
    study, built, records = week
    inside = [study.hours.is_open(study.period.origin + float(each)) for each in records.calls["entered"]]
    sums = Measurer(study).sums(built, records)
    reached = records.calls["outcome"] != Outcome.VOICEMAIL_CLOSED
    assert sums.counts["offered"] == np.count_nonzero(reached & inside)
    assert sums.counts["after_hours"] == np.count_nonzero(reached & ~np.array(inside)) > 0
    offered = sum(sums.counts[name] for name in ("informed", "left_menu", "outside_hours", "offered", "after_hours"))
    assert offered == sums.counts["called"] + sums.counts["redialled"]


def test_every_measure_of_the_charter_is_there(week: tuple[Study, ReplicationInputs, Records]) -> None:
    study, built, records = week
    assert set(Measurer(study).sums(built, records).whole) == set(MODELLED)


@pytest.mark.parametrize("part", PARTS)
def test_parts_are_the_measures_of_their_visits(week: tuple[Study, ReplicationInputs, Records], part: str) -> None:
    study, built, records = week
    measurer = Measurer(study, (part,))
    mine = measurer.sums(built, records).parts[part]
    groups: dict[str, list[kpi.Visit]] = {label: [] for label in measurer.labels(part)}
    for visit in visits(study, records):
        local = study.hours.local(visit.entered)
        half = f"{local.hour:02}:{30 * (local.minute // 30):02}"
        weekday = measurer.labels("weekday")[local.weekday()]
        group = {"topic": visit.topic, "half-hour": half, "weekday": weekday, "day": local.date().isoformat()}[part]
        groups[group].append(visit)
    assert sum(map(bool, groups.values())) > 3
    for number, (label, some) in enumerate(groups.items()):
        for name, figure in kpi.measure(some, measurer.thresholds).items():
            if name in mine:
                bulk = (mine[name][0][number], mine[name][1][number])
                assert bulk == pytest.approx(figure[2:], rel=1e-9), (label, name)


def test_occupancy_is_work_over_time_at_the_seat(week: tuple[Study, ReplicationInputs, Records]) -> None:
    study, built, records = week
    spent = dict.fromkeys(Work, 0.0)
    for row in records.work:
        spent[Work(row["kind"])] += float(row["end"] - row["start"])
    busy = spent[Work.CALL] + spent[Work.CALLBACK] + spent[Work.EMAIL]
    figure = kpi.occupancy(busy, spent[Work.SEATED] - spent[Work.BREAK] - busy)
    assert Measurer(study).sums(built, records).whole["occupancy"] == pytest.approx(figure[2:], rel=1e-9)


@pytest.mark.parametrize("clock", ["hours", "service_hours"])
def test_on_time_figures_are_those_of_the_charter(clock: str) -> None:
    # Few operators, so that promises are broken; 25 October has 25 hours.
    study, built, records = simulated(
        days=28,
        period={"first": "2026-10-05"},
        mails={"per_day": 60},
        operators={"shifts": {"pomeriggio": None, "esperti": None}, "reserve": 2},
        second_level={"people": 1, "work": {"law": "lognormal", "mean": 7000, "sigma": 0.8}},
        targets={"email_clock": clock},
    )
    period, measurer = study.period, Measurer(study)
    bulk_sums = measurer.sums(built, records).whole
    email, second, message = study.promises.values()
    assert email.clock == clock
    handed = {int(row["entity"]): float(row["ended"]) for row in records.second if row["source"] == Source.EMAIL}
    by_attempt = {(int(row["entity"]), int(row["attempt"])): row for row in records.calls}
    front, back = [], []
    for row in records.mails:
        start = period.origin + float(row["arrived"])
        over, ended = due(email, start, study.hours), period.origin + float(row["ended"])
        entity = int(row["entity"])
        if built.inputs.mail_second_level[entity]:
            answered = period.origin + handed[entity] if entity in handed else None
            back.append(Deferred(due(second, start, study.hours), answered))
            if ended <= over:
                continue
        front.append(Deferred(over, None if np.isnan(ended) else ended))
    for row in records.second[records.second["source"] == Source.CALL]:
        asked = period.origin + float(by_attempt[int(row["entity"]), int(row["attempt"])]["entered"])
        back.append(Deferred(due(second, asked, study.hours), period.origin + float(row["ended"])))
    called = [
        Deferred(
            due(message, period.origin + float(row["created"]), study.hours), _instant(period.origin, row["started"])
        )
        for row in records.callbacks
    ]
    until = period.origin + period.length
    for name, requests in (("on_time_email", front), ("on_time_second_level", back), ("on_time_callback", called)):
        figure = kpi.on_time(name, requests, period.origin, until)
        assert bulk_sums[name] == figure[2:]
        assert 0 < figure.numerator < figure.denominator


def _instant(origin: float, at: float) -> float | None:
    return None if np.isnan(at) else origin + float(at)


def test_warm_up_days_do_not_count() -> None:
    whole_study, built, records = simulated(days=14)
    later = study_of(everything(days=14, period={"settle": 7}))
    whole, half = (Measurer(each).sums(built, records) for each in (whole_study, later))
    offered = whole.counts["offered"], half.counts["offered"]
    assert 0 < offered[1] < offered[0]
    entered = records.calls["entered"] >= later.period.midnights[7]
    closed = records.calls["outcome"] == Outcome.VOICEMAIL_CLOSED
    assert offered[1] == np.count_nonzero(entered & ~closed)


def test_a_wait_without_an_end_lasts_until_the_end_of_the_period(
    week: tuple[Study, ReplicationInputs, Records],
) -> None:
    study, built, records = week
    calls = records.calls.copy()
    calls["outcome"][0], calls["wait"][0] = Outcome.WAITING, np.nan
    stuck = replace(records, calls=calls)
    theirs = kpi.measure(visits(study, stuck))
    top, bottom = Measurer(study).sums(built, stuck).whole["wait_mean_all"]
    assert top / bottom == pytest.approx(theirs["wait_mean_all"].value, rel=1e-12)


def test_without_calls_all_sums_are_zero() -> None:
    study, built, records = simulated(arrivals={"per_day": 0, "closed_days": 0, "outside": None}, mails=None)
    sums = Measurer(study, PARTS).sums(built, records)
    assert {name: pair for name, pair in sums.whole.items() if name != "occupancy"} == dict.fromkeys(
        [name for name in MODELLED if name != "occupancy"], (0.0, 0.0)
    )
