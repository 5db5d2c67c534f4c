"""Properties of every simulated period: nothing is lost, order is kept, and more seats never hurt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_model.runs.replication import replicate
from queue_model.simulation.builder import Builder, ReplicationInputs
from queue_model.simulation.engines import engine
from queue_model.simulation.event_kinds import SHIFT_END, SHIFT_START
from queue_model.simulation.records import Outcome, Records, Work
from tests.queue_model.example_scenarios import day, everything, other_topic, study_of

VOICEMAIL = tuple(each for each in Outcome if each.name.startswith("VOICEMAIL_"))
REFUSED = (Outcome.VOICEMAIL_FULL, Outcome.VOICEMAIL_BUSY, Outcome.BLOCKED)
SIMULATE = engine()[1]
SLOW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])


def simulated(written: dict[str, Any], replication: int = 0) -> tuple[ReplicationInputs, Records]:
    built = Builder(study_of(written)).inputs(replication)
    return built, SIMULATE(built.inputs)


SCENARIOS = st.fixed_dictionaries(
    {
        "arrivals": st.fixed_dictionaries({"per_day": st.integers(0, 900)}),
        "callers": st.fixed_dictionaries(
            {
                "patience": st.sampled_from(
                    [{"law": "never"}, {"law": "exponential", "mean": 60}, {"law": "deterministic", "value": 30}]
                ),
                "lines": st.sampled_from([0, 8]),
                "voicemail_key": st.sampled_from([0, 0.3]),
                "announced": st.booleans(),
                "tolerance": st.just({"law": "exponential", "mean": 200}),
            }
        ),
        "menu": st.sampled_from([{}, {"changes": {"nodes": other_topic(5)}}]),
        "operators": st.fixed_dictionaries({"reserve": st.integers(0, 3), "put_down_emails": st.booleans()}),
        "service": st.fixed_dictionaries(
            {
                "queue": st.fixed_dictionaries(
                    {"all_busy": st.fixed_dictionaries({"then": st.sampled_from(["wait", "voicemail"])})}
                )
            }
        ),
        "seed": st.integers(0, 1000),
    }
)


@SLOW
@given(SCENARIOS)
def test_every_call_has_exactly_one_fate(change: dict[str, Any]) -> None:
    built, records = simulated(everything(days=5, **change))
    calls = records.calls
    first = calls[(calls["attempt"] == 0) & (calls["outcome"] != Outcome.VOICEMAIL_CLOSED)]
    assert len(first) == built.queued == len(np.unique(first["entity"]))
    offered = calls[calls["outcome"] != Outcome.VOICEMAIL_CLOSED]
    parts = [(offered["outcome"] == each).sum() for each in Outcome if each is not Outcome.VOICEMAIL_CLOSED]
    assert sum(parts) == len(offered)
    assert (calls["outcome"] == Outcome.VOICEMAIL_CLOSED).sum() == built.message
    # A redial follows an attempt that was abandoned or blocked.
    again = np.flatnonzero(calls["attempt"] > 0)
    assert (calls["entity"][again] == calls["entity"][again - 1]).all()
    assert np.isin(calls["outcome"][again - 1], (Outcome.ABANDONED, Outcome.BLOCKED)).all()


@SLOW
@given(SCENARIOS)
def test_every_message_and_e_mail_is_done_once_or_open(change: dict[str, Any]) -> None:
    built, records = simulated(everything(days=5, **change))
    assert len(records.mails) == len(built.inputs.mail_at)
    assert len(records.callbacks) == records.calls["message"].sum()
    assert np.isin(records.calls["outcome"][records.calls["message"]], (*VOICEMAIL, Outcome.BLOCKED)).all()
    for rows, work in ((records.mails, built.inputs.mail_work[records.mails["entity"]]),):
        done = np.isfinite(rows["ended"])
        assert (rows["ended"][done] - rows["started"][done] >= work[done] - 1e-6).all()
        assert (rows["started"][done] >= rows["arrived"][done]).all()


@SLOW
@given(SCENARIOS)
def test_operators_spend_as_much_time_as_calls_take(change: dict[str, Any]) -> None:
    """The time of all answered calls is the time that operators spend on calls."""
    _, records = simulated(everything(days=5, **change))
    answered = records.calls[records.calls["outcome"] == Outcome.ANSWERED]
    given_time = records.work[records.work["kind"] == Work.CALL]
    assert len(given_time) == len(answered)
    assert (answered["talk"] + answered["wrap"]).sum() == pytest.approx((given_time["end"] - given_time["start"]).sum())


@SLOW
@given(SCENARIOS)
def test_calls_of_a_class_are_served_in_order(change: dict[str, Any]) -> None:
    """Within a priority and topic, no call is answered while an earlier one waits."""
    _, records = simulated(everything(days=5, **change))
    calls = records.calls[~np.isin(records.calls["outcome"], (*REFUSED, Outcome.VOICEMAIL_CLOSED))]
    for priority, topic in {(int(each["priority"]), int(each["topic"])) for each in calls}:
        mine = calls[(calls["priority"] == priority) & (calls["topic"] == topic)]
        mine = mine[np.argsort(mine["entered"], kind="stable")]
        taken = mine["outcome"] == Outcome.ANSWERED
        start = np.where(taken, mine["entered"] + mine["wait"], np.inf)
        next_taken = np.append(np.minimum.accumulate(start[::-1])[::-1][1:], np.inf)  # of those behind, the first
        over = np.where(np.isnan(mine["wait"]), np.inf, mine["entered"] + mine["wait"])
        assert (next_taken >= over - 1e-6).all() or not np.isfinite(next_taken).any()


@SLOW
@given(SCENARIOS)
def test_operators_take_the_first_call_of_the_highest_priority(change: dict[str, Any]) -> None:
    """Among all waiting calls that the operator can take, of any topic."""
    built, records = simulated(everything(days=5, **change))
    assert first_served_out_of_turn(built, records) is None


def first_served_out_of_turn(built: ReplicationInputs, records: Records) -> int | None:
    """The row of a call that was answered while a call before it waited for the same operator."""
    calls = records.calls[~np.isin(records.calls["outcome"], (*REFUSED, Outcome.VOICEMAIL_CLOSED))]
    over = np.where(np.isnan(calls["wait"]), np.inf, calls["entered"] + calls["wait"])
    for row in np.flatnonzero(calls["outcome"] == Outcome.ANSWERED):
        waiting = (calls["entered"] < over[row] - 1e-6) & (over > over[row] + 1e-6)
        able = (int(built.inputs.skills[calls["operator"][row]]) >> calls["topic"].astype(np.int64)) & 1 == 1
        as_urgent, earlier = calls["priority"] == calls["priority"][row], calls["entered"] < calls["entered"][row]
        if (waiting & able & ((calls["priority"] > calls["priority"][row]) | (as_urgent & earlier))).any():
            return int(row)
    return None


def test_a_call_out_of_turn_is_detected() -> None:
    urgent = {"menu": {"changes": {"nodes": other_topic(5)}}, "arrivals": {"per_day": 900}}
    built, records = simulated(everything(days=5, **urgent))
    assert first_served_out_of_turn(built, records) is None
    for field in ("priority", "entered"):
        calls = records.calls.copy()
        calls[field] = -calls[field] if field == "priority" else calls[field] + 30 * (np.arange(len(calls)) % 2)
        assert first_served_out_of_turn(built, replace(records, calls=calls)) is not None


@SLOW
@given(SCENARIOS)
def test_no_operator_is_idle_while_a_call_waits_that_they_can_take(change: dict[str, Any]) -> None:
    built, records = simulated(everything(days=5, **change))
    calls = records.calls[records.calls["wait"] > 0]
    ends = calls["entered"] + calls["wait"]
    for operator in range(built.inputs.n_operators):
        starts, until = idle(records, operator)
        able = (int(built.inputs.skills[operator]) >> calls["topic"].astype(np.int64)) & 1 == 1
        # The first idle interval that ends after the call entered must begin after it was answered.
        first = np.searchsorted(until, calls["entered"][able] + 1e-6, "right")
        assert (np.append(starts, np.inf)[first] >= ends[able] - 1e-6).all()


def idle(records: Records, operator: int) -> tuple[Any, Any]:
    """The idle intervals of an operator: starts and ends, in order."""
    mine = records.work[records.work["operator"] == operator]
    starts, ends = [], []
    for chair in mine[mine["kind"] == Work.SEATED]:
        busy = mine[(mine["kind"] != Work.SEATED) & (mine["start"] >= chair["start"]) & (mine["end"] <= chair["end"])]
        starts += [float(chair["start"]), *busy["end"].tolist()]
        ends += [*busy["start"].tolist(), float(chair["end"])]
    real = np.array(ends) > np.array(starts)
    return np.array(starts)[real], np.array(ends)[real]


@SLOW
@given(SCENARIOS)
def test_work_begins_within_shifts_only(change: dict[str, Any]) -> None:
    """Work begins between the start and the end of a shift, both included."""
    built, records = simulated(everything(days=5, **change))
    given_plan = built.inputs
    for operator in range(given_plan.n_operators):
        mine = given_plan.event_operator == operator
        begins, ends = (
            given_plan.event_at[mine & (given_plan.event_kind == kind)] for kind in (SHIFT_START, SHIFT_END)
        )
        begun = records.work["start"][records.work["operator"] == operator]
        shift = np.searchsorted(begins, begun, "right") - 1
        assert (shift >= 0).all()
        assert (begun <= ends[shift]).all()


@SLOW
@given(st.integers(0, 1000), st.integers(4, 8))
def test_littles_law_of_the_queue(seed: int, staff: int) -> None:
    """The mean number of waiting calls over time is the arrival rate times the mean wait."""
    _, records = simulated(day(staff, 3, seed=seed))
    calls = records.calls
    change = np.concatenate((np.ones(len(calls)), -np.ones(len(calls))))
    at = np.concatenate((calls["entered"], calls["entered"] + calls["wait"]))
    order = np.argsort(at, kind="stable")
    waiting = np.cumsum(change[order])
    assert waiting.min() >= 0
    assert waiting[-1] == 0
    horizon = at.max() - at.min()
    mean_waiting = (waiting[:-1] * np.diff(at[order])).sum() / horizon
    assert mean_waiting == pytest.approx(len(calls) / horizon * calls["wait"].mean())


@SLOW
@given(st.integers(0, 1000), st.integers(3, 8), st.booleans())
def test_without_abandonment_one_more_seat_lengthens_no_wait(seed: int, staff: int, lognormal: bool) -> None:
    """True call by call for one first-come queue (Kiefer and Wolfowitz), but not with abandonment (see below)."""
    talk = {"law": "lognormal", "mean": 330, "sigma": 1.0} if lognormal else {"law": "exponential", "mean": 360}
    changes = {"callers": {"patience": {"law": "never"}}, "handling": {"talk": talk}, "seed": seed}
    (_, few), (_, more) = (simulated(day(people, 2, **changes)) for people in (staff, staff + 1))
    served = ~np.isnan(few.calls["wait"])  # with too few operators some wait until all have gone home
    assert (more.calls["wait"][served] <= few.calls["wait"][served] + 1e-6).all()


def test_with_abandonment_one_more_seat_shortens_the_mean_wait() -> None:
    # On average over many days: a caller who is served instead of giving up may lengthen the next wait.
    means = [
        replicate(study_of(day(staff, 20)), replications=3).estimate("wait_mean_all").value or 0.0
        for staff in range(4, 10)
    ]
    assert means == sorted(means, reverse=True)


@SLOW
@given(SCENARIOS)
def test_the_same_seed_gives_the_same_bytes(change: dict[str, Any]) -> None:
    (_, one), (_, other) = simulated(everything(days=5, **change)), simulated(everything(days=5, **change))
    assert one.same_as(other) == ""


def test_a_run_in_two_steps_gives_the_same() -> None:
    study = study_of(everything(days=5))
    whole = replicate(study, replications=4)
    again = replicate(study, replications=2, goal=lambda result: 4)
    assert whole.estimates() == again.estimates()
