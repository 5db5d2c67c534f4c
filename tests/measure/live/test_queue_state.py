"""The state of the queue from events, also missed or repeated ones, and without names."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.calendar import OpeningHours, parse_range
from charter.kpi import OVERFLOWED, Visit
from ivr.configuration.compiled import Compiled
from measure.live.queue_state import SETTLED_SECONDS, QueueState, Snapshot
from tests.conftest import OPEN, rome
from tests.measure.switch_events import QUEUE, SimulatedQueue, caller, member, status

NOW = rome(OPEN)
WRAP_UP = 20.0
HOURS = OpeningHours("Europe/Rome", [[parse_range("09:00-18:00")] for _ in range(7)])


def queue_state() -> QueueState:
    made = QueueState(QUEUE, HOURS, WRAP_UP)
    made.reset([], NOW)
    return made


def play(made: QueueState, *events: dict[str, str], at: float = NOW) -> QueueState:
    for event in events:
        made.handle(event, at)
    return made


def counts(snapshot: Snapshot) -> dict[str, object]:
    """The counts that must not depend on how the state was reached; waits may differ by a second."""
    seats = snapshot.seats
    fates = (snapshot.offered, snapshot.answered, snapshot.abandoned, snapshot.led_to_voicemail)
    return {"waiting": snapshot.waiting, "seats": seats, "fates": fates}


# --- laws -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(0, 80))
def test_the_state_matches_the_simulated_queue(seed: int, steps: int) -> None:
    queue, made = SimulatedQueue(seed, NOW), queue_state()
    for _ in range(steps):
        queue.step()
    for at, event in queue.events:
        made.handle(event, at)
    snapshot = made.snapshot(queue.at + SETTLED_SECONDS)
    fates = Counter(queue.fates.values())
    assert snapshot.waiting == len(queue.waiting)
    assert snapshot.offered == len(queue.fates)
    assert (snapshot.answered, snapshot.abandoned) == (fates["answered"], fates["abandoned"])
    assert snapshot.led_to_voicemail == sum(fates[fate] for fate in OVERFLOWED)
    oldest = max((queue.at + SETTLED_SECONDS - since for since in queue.waiting.values()), default=0)
    assert snapshot.oldest_wait == oldest
    seats = snapshot.seats
    states = seats.free + seats.ringing + seats.talking + seats.wrap_up + seats.unreachable + sum(seats.paused.values())
    assert states == seats.logged_in == len(queue.members)


@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 60), st.integers(0, 10))
def test_a_full_listing_followed_by_older_events_changes_nothing(
    seed: int, before: int, after: int, again: int
) -> None:
    queue, made, undisturbed = SimulatedQueue(seed, NOW), queue_state(), queue_state()
    for _ in range(before):
        queue.step()
    middle, listed, at = len(queue.events), queue.listed(), queue.at
    for _ in range(after):
        queue.step()
    for when, event in queue.events[:middle]:
        made.handle(event, when)
    made.reset(listed, at)
    for when, event in queue.events[max(0, middle - again) :]:
        made.handle(event, max(when, at))
    for when, event in queue.events:
        undisturbed.handle(event, when)
    later = queue.at + SETTLED_SECONDS
    assert counts(made.snapshot(later)) == counts(undisturbed.snapshot(later))


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_an_event_that_comes_twice_counts_once(seed: int, steps: int) -> None:
    queue, once, twice = SimulatedQueue(seed, NOW), queue_state(), queue_state()
    for _ in range(steps):
        queue.step()
    for at, event in queue.events:
        once.handle(event, at)
        twice.handle(event, at)
        twice.handle(event, at)
    later = queue.at + SETTLED_SECONDS
    assert counts(once.snapshot(later)) == counts(twice.snapshot(later))


@given(st.lists(st.dictionaries(st.sampled_from(["Event", "Uniqueid", "HoldTime"]), st.text(max_size=5)), max_size=9))
def test_no_event_raises_an_error(events: list[dict[str, str]]) -> None:
    made = play(queue_state(), *events, *({**event, "Queue": QUEUE, "Event": "AgentConnect"} for event in events))
    made.snapshot(NOW + 1)


# --- cases ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ({"Status": 1}, "free"),
        ({"Status": 1, "LastCall": int(NOW) - 19}, "wrap_up"),
        ({"Status": 1, "LastCall": int(NOW) - 20}, "free"),
        ({"Status": 6}, "ringing"),
        ({"Status": 2, "LastCall": int(NOW) - 1}, "talking"),
        ({"Status": 2, "Paused": 1, "PausedReason": "break"}, "talking"),
        ({"Status": 8}, "talking"),
        ({"Status": 5, "Paused": 1}, "unreachable"),
        ({"Status": ""}, "unreachable"),
    ],
)
def test_a_seat_is_in_exactly_one_state(state: dict[str, object], shown: str) -> None:
    made = play(queue_state(), member("QueueMemberAdded", "PJSIP/seat01", **state))
    seats = made.snapshot(NOW).seats
    assert (seats.logged_in, getattr(seats, shown)) == (1, 1)


def test_pauses_are_counted_by_reason_with_unknown_ones_as_other() -> None:
    pauses = [
        ("seat01", "break"),
        ("seat02", "email"),
        ("seat03", "op117 is ill"),
        ("seat04", "break"),
        ("seat05", "missed_rings"),
    ]
    made = play(
        queue_state(),
        *(member("QueueMemberPause", f"PJSIP/{seat}", Paused=1, PausedReason=why) for seat, why in pauses),
    )
    assert made.snapshot(NOW).seats.paused == {
        "break": 2,
        "after_call_work": 0,
        "email": 1,
        "missed_rings": 1,
        "other": 1,
    }


def test_a_clock_that_is_set_back_keeps_durations_and_blocks_who_has_just_talked() -> None:
    """Asterisk compares the end of the last call with its clock, which is now before it."""
    made = play(
        queue_state(), caller("QueueCallerJoin", "1.1"), member("QueueMemberAdded", "PJSIP/seat01", LastCall=NOW)
    )
    made.clock_stepped(-600.0)
    then = made.snapshot(NOW - 600 + 30)
    assert then.oldest_wait == pytest.approx(30, abs=1)
    assert (then.seats.blocked, then.seats.free) == (1, 0)
    assert (then.clock_steps, then.last_step) == (1, -600.0)
    later = made.snapshot(NOW + WRAP_UP + 1)
    assert (later.seats.blocked, later.seats.free) == (0, 1)


def test_the_snapshot_contains_no_names_or_numbers() -> None:
    joined = {**caller("QueueCallerJoin", "1.1"), "CallerIDNum": "0612345678", "CallerIDName": "Rossi"}
    made = play(queue_state(), member("QueueMemberAdded", "PJSIP/seat07", MemberName="op117"), joined)
    text = json.dumps(made.snapshot(NOW).document())
    for hidden in ("op117", "seat07", "0612345678", "Rossi", "1.1"):
        assert hidden not in text


def test_a_caller_who_left_without_a_reported_reason_left_by_key() -> None:
    made = play(queue_state(), caller("QueueCallerJoin", "1.1"), caller("QueueCallerLeave", "1.1"))
    assert made.snapshot(NOW + 1).offered == 0  # the event of an answer may still arrive
    assert made.snapshot(NOW + SETTLED_SECONDS).led_to_voicemail == 1
    play(made, caller("AgentConnect", "1.1", HoldTime=3), at=NOW + 30)
    snapshot = made.snapshot(NOW + 30)
    assert (snapshot.offered, snapshot.answered, snapshot.led_to_voicemail) == (1, 1, 0)


def test_figures_are_those_of_the_charter() -> None:
    made = queue_state()
    for unique, hold in (("1.1", 20), ("2.1", 21)):
        play(made, caller("QueueCallerJoin", unique), caller("QueueCallerLeave", unique))
        play(made, caller("AgentConnect", unique, HoldTime=hold), at=NOW + hold)
    level = made.snapshot(NOW + 60).figures["service_level"]
    assert (level.numerator, level.denominator, level.value) == (1, 2, 0.5)


def test_calls_outside_service_hours_are_not_in_the_figures() -> None:
    night = rome("2026-11-24 20:00")
    made = play(
        queue_state(), caller("QueueCallerJoin", "1.1"), caller("QueueCallerAbandon", "1.1", HoldTime=1), at=night
    )
    snapshot = made.snapshot(night)
    assert (snapshot.offered, snapshot.open) == (0, False)


def test_figures_start_again_at_midnight() -> None:
    made = play(queue_state(), status("1.1", "FULL"))
    assert made.snapshot(NOW).offered == 1
    tomorrow = rome("2026-11-25 00:00:01")
    snapshot = made.snapshot(tomorrow)
    assert (snapshot.offered, snapshot.since) == (0, rome("2026-11-25 00:00"))


def test_time_without_a_connection_is_shown_until_the_missed_visits_are_loaded() -> None:
    made = play(queue_state(), caller("QueueCallerJoin", "1.1"))
    made.disconnected(NOW + 10)
    snapshot = made.snapshot(NOW + 15)
    assert (snapshot.connected, snapshot.blind_seconds) == (False, 5)
    made.reset([], NOW + 40)
    snapshot = made.snapshot(NOW + 50)
    assert (snapshot.connected, snapshot.waiting, snapshot.blind_seconds, snapshot.since) == (True, 0, 30, NOW)
    midnight = made.midnight(NOW)
    made.load_visits({"1.1": Visit(NOW, "abandoned", 12.0)}, midnight)
    snapshot = made.snapshot(NOW + 50)
    assert (snapshot.offered, snapshot.abandoned, snapshot.blind_seconds, snapshot.since) == (1, 1, 0, midnight)


def test_waiting_callers_keep_their_start_after_a_full_listing() -> None:
    made = play(queue_state(), caller("QueueCallerJoin", "1.1"))
    made.reset([caller("QueueEntry", "1.1", Wait=29), caller("QueueEntry", "2.1", Wait=7)], NOW + 30)
    assert made.snapshot(NOW + 30).oldest_wait == 30
    assert made.snapshot(NOW + 30).waiting == 2


def test_events_of_other_queues_are_ignored(compiled: Compiled) -> None:
    other = {**caller("QueueCallerJoin", "1.1"), "Queue": "other"}
    assert play(queue_state(), other, {**member("QueueMemberAdded", "x"), "Queue": "other"}).snapshot(NOW).waiting == 0
    made = QueueState(compiled["service"]["queue"]["name"], OpeningHours.of(compiled["service"]), 0)
    made.reset([{**member("QueueMember", "x"), "Queue": "other"}], NOW)
    assert made.snapshot(NOW).seats.logged_in == 0


@pytest.mark.parametrize("variable", ["IVR_LOST_SEATS", "IVR_LOST_CALLER"])
def test_a_talk_whose_line_died_is_not_answered_until_somebody_else_answers(variable: str) -> None:
    made = play(queue_state(), caller("QueueCallerJoin", "1.1"), caller("AgentConnect", "1.1", HoldTime=3))
    play(made, caller("AgentComplete", "1.1", TalkTime=40), at=NOW + 43)
    play(made, {"Event": "VarSet", "Uniqueid": "1.1", "Variable": variable, "Value": "1"}, at=NOW + 43)
    assert (made.snapshot(NOW + 44).offered, made.snapshot(NOW + 44).answered) == (1, 0)
    play(made, caller("QueueCallerJoin", "1.1"), caller("AgentConnect", "1.1", HoldTime=2), at=NOW + 45)
    assert (made.snapshot(NOW + 46).offered, made.snapshot(NOW + 46).answered) == (1, 1)
