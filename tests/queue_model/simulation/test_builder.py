"""Inputs from a scenario and a seed: the same bytes each time, and changes affect nothing unrelated."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.places import ROOT
from ivr.dialplan import empty_policy
from queue_model.scenario import study
from queue_model.scenario.study import load
from queue_model.simulation.builder import Builder
from queue_model.simulation.engines import engine
from queue_model.simulation.inputs import UNLIMITED, Inputs
from queue_model.simulation.records import Outcome, Work
from tests.queue_model.example_scenarios import day, everything, study_of


def inputs(written: dict[str, Any], replication: int = 0, seed: int | None = None) -> Inputs:
    return Builder(study_of(written)).inputs(replication, seed).inputs


def different(a: Inputs, b: Inputs) -> set[str]:
    """The names of the inputs that differ."""
    found = set()
    for each in fields(a):
        one, other = np.asarray(getattr(a, each.name)), np.asarray(getattr(b, each.name))
        if one.shape != other.shape or one.tobytes() != other.tobytes():
            found.add(each.name)
    return found


def test_the_same_scenario_and_seed_give_the_same_bytes() -> None:
    assert different(inputs(everything()), inputs(everything())) == set()


def test_seed_and_replication_change_the_inputs() -> None:
    plain = inputs(everything())
    for other in (inputs(everything(), replication=1), inputs(everything(), seed=8)):
        assert {"call_at", "patience", "talk", "mail_at", "mail_work"} <= different(plain, other)


# A change, and all inputs that it may affect.
CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"callers": {"redial": None}}, {"redial_after", "patience", "key_after", "talk", "wrap", "leaves_message",
      "survey", "callback_work", "second_level", "second_level_work", "tolerance"}),  # one column instead of three
    ({"callers": {"voicemail_key": 0.3}}, {"key_after"}),
    ({"callers": {"patience": {"law": "never"}}}, {"patience"}),
    ({"callers": {"balk": 0.0}}, {"patience"}),
    ({"callers": {"leaves_message": 0.1}}, {"leaves_message", "callback_work"}),
    ({"callers": {"announced": True, "tolerance": {"law": "exponential", "mean": 100}}}, {"announced", "tolerance"}),
    ({"callers": {"lines": 0}}, {"lines"}),
    ({"handling": {"wrap": {"law": "exponential", "mean": 90}}}, {"wrap", "mean_handle"}),
    ({"operators": {"absence": 0.5}}, {"event_at", "event_kind", "event_operator"}),
    ({"operators": {"reserve": 3, "put_down_emails": False}}, {"reserve", "put_down"}),
    ({"mails": {"per_day": 80}}, {"mail_at", "mail_work", "mail_topic", "mail_second_level", "mail_second_level_work"}),
    ({"mails": {"second_level": 0.5}}, {"mail_second_level", "mail_second_level_work"}),
    ({"second_level": {"people": 9}}, {"office_people"}),
    ({"service": {"queue": {"longest_wait": 99}}}, {"longest_wait"}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "affected"), CHANGES, ids=[str(change)[:60] for change, _ in CHANGES])
def test_a_change_affects_no_other_random_stream(change: dict[str, Any], affected: set[str]) -> None:
    found = different(inputs(everything()), inputs(everything(**change)))
    assert found <= affected
    assert found


def test_redials_do_not_change_the_first_attempt() -> None:
    once, thrice = inputs(everything(callers={"redial": None})), inputs(everything())
    assert (once.attempts, thrice.attempts) == (1, 3)
    assert np.array_equal(once.patience[:, 0], thrice.patience[:, 0])
    assert np.isinf(thrice.redial_after[:, 2]).all()  # no fourth attempt


def test_a_longer_period_starts_like_a_shorter_one() -> None:
    week, month = inputs(everything(days=7)), inputs(everything(days=28))
    count = len(week.call_at)
    assert np.array_equal(month.call_at[:count], week.call_at)
    assert np.array_equal(month.talk[:count], week.talk)


def test_a_higher_rate_adds_callers_to_the_same_ones() -> None:
    few, many = inputs(day(days=3)), inputs(day(days=3, arrivals={"per_day": 500}))
    assert len(many.call_at) > len(few.call_at)
    first_day = int(np.searchsorted(few.call_at, 86400))
    assert np.array_equal(many.talk[:first_day], few.talk[:first_day])


def test_the_menu_takes_time_and_callers() -> None:
    builder = Builder(study_of(everything(days=28)))
    built = builder.inputs()
    assert built.called == built.queued + built.message + built.informed + built.left_menu
    assert min(built.queued, built.message, built.informed, built.left_menu) > 0
    straight = Builder(study_of(everything(days=28, menu={"walk": False}))).inputs()
    assert straight.called == built.called
    assert straight.informed == straight.left_menu == 0
    assert straight.queued > built.queued
    assert straight.inputs.call_at[0] < built.inputs.call_at[0]


def test_calls_outside_hours_reach_the_voicemail() -> None:
    found = Builder(study_of(everything(days=7))).inputs()
    assert not study_of(everything(days=7)).period.is_open(found.inputs.closed_at - 30).all()
    weekend = found.inputs.closed_at >= 5 * 86400
    assert weekend.any()
    assert found.inputs.closed_leaves_message.mean() == pytest.approx(0.4, abs=0.2)


def test_topics_have_their_shares_and_laws() -> None:
    topics = {"ALTRO": {"share": 0.7}, "ADR": {"share": 0.3, "talk": {"law": "deterministic", "value": 77}}}
    found = inputs(day(days=30, topics=topics))
    adr = found.call_topic == 1
    assert adr.mean() == pytest.approx(0.3, abs=0.02)
    assert (found.talk[adr] == 77).all()
    assert (found.talk[~adr] != 77).all()


def test_a_topic_may_have_its_own_profile() -> None:
    topics = {"ALTRO": {"share": 0.5}, "ADR": {"share": 0.5, "profile": [1.0] * 6 + [0.0] * 12}}
    found = inputs(day(days=10, topics=topics))
    noon = found.call_at % 86400 >= 12 * 3600
    assert (found.call_topic[noon] == 0).all()
    assert (found.call_topic[~noon] == 1).mean() == pytest.approx(0.5, abs=0.05)


def test_the_key_is_pressed_at_an_offer() -> None:
    found = inputs(day(days=20, callers={"voicemail_key": 0.2}))
    pressed = found.key_after[np.isfinite(found.key_after)]
    assert (pressed % 45 == 0).all()
    assert (pressed == 45).mean() == pytest.approx(0.2, abs=0.02)
    assert np.isinf(inputs(day(callers={"voicemail_key": 0.0})).key_after).all()
    no_key = inputs(day(callers={"voicemail_key": 0.5}, service={"queue": {"voicemail_key": None}}))
    assert np.isinf(no_key.key_after).all()


def test_limits_of_the_scenario_override_those_of_the_service() -> None:
    own = inputs(day(queue={"unlimited": False}))
    assert (own.longest_wait, own.longest_queue) == (600, 30)
    other = inputs(day(queue={"unlimited": False, "longest_queue": 5000, "longest_wait": 60}))
    assert (other.longest_wait, other.longest_queue) == (60, 5000)
    none = inputs(day())
    assert (none.longest_wait, none.longest_queue) == (np.inf, UNLIMITED)


@pytest.mark.parametrize(
    ("means", "then", "busy", "empty"),
    [
        ("nobody_free", "wait", False, True),
        ("nobody_free", "voicemail", True, True),
        ("nobody_logged_in", "wait", False, False),
        ("nobody_logged_in", "voicemail", False, True),
    ],
)
def test_the_policy_for_joining_and_leaving_is_that_of_the_switch(
    means: str, then: str, busy: bool, empty: bool
) -> None:
    changed = study_of(day(queue={"unlimited": False}, service={"queue": {"all_busy": {"means": means, "then": then}}}))
    found = Builder(changed).inputs().inputs
    assert (found.busy_then_voicemail, found.empty_then_voicemail) == (busy, empty)
    join, leave = empty_policy(changed.compiled["service"])
    assert ("inuse" in join, "unavailable" in leave) == (busy, empty)


def test_callers_never_wait_without_a_logged_in_operator() -> None:
    """Callers in the menu at closing time reach the last operators, or the voicemail."""
    study = load(str(Path(ROOT, "scenarios", "baseline.yaml")))
    found = engine()[1](Builder(study).inputs().inputs)
    chairs = found.work[found.work["kind"] == Work.SEATED]
    closes = 18 * 3600.0
    late = found.calls[found.calls["entered"] % 86400 > closes]
    late = late[late["outcome"] != Outcome.VOICEMAIL_CLOSED]
    assert len(late)
    for each in late:
        there = (chairs["start"] <= each["entered"]) & (chairs["end"] > each["entered"])
        assert there.any() == (each["outcome"] != Outcome.VOICEMAIL_BUSY)
    assert not (found.calls["outcome"] == Outcome.WAITING).any()


def test_the_back_office_continues_after_the_period() -> None:
    found = inputs(everything(days=7))
    assert found.office_people == 3
    assert found.office_until[-1] > 30 * 86400
    assert found.office_until[0] - found.office_from[0] == 8 * 3600


def test_a_trace_is_simulated_at_its_instants(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(
        "at,topic\n2026-02-01T12:00,\n2026-02-02T09:00:30,ADR\n2026-02-02T10:00,\n2026-02-03T09:30,ALTRO\n"
    )
    written = day(days=2, topics={"ADR": {"share": 0.0}}, arrivals={"trace": str(tmp_path / "calls.csv")})
    found = inputs(written)
    assert found.call_at.tolist() == [9 * 3600 + 30, 10 * 3600, 86400 + 9.5 * 3600]
    assert found.call_topic.tolist() == [1, 0, 0]


def test_a_trace_with_other_days_or_topics_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    written = day(arrivals={"trace": str(path)})
    path.write_text("at\n2025-02-02T09:00\n")
    with pytest.raises(
        ValueError, match="no call between 2026-02-02 and 2026-02-11, the period; change the period or the trace"
    ):
        Builder(study.of(written))
    path.write_text("at,topic\n2026-02-02T09:00,XXX\n")
    with pytest.raises(ValueError, match="topic XXX is not one of ALTRO; add it to topics"):
        Builder(study.of(written))
