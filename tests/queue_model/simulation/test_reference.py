"""The rules of the service, one example each with round numbers, on every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from queue_model.simulation import inputs
from queue_model.simulation.event_kinds import BREAK_END, BREAK_START, SHIFT_END, SHIFT_START
from queue_model.simulation.records import Outcome, Records, Rows, Source, Work
from tests.queue_model.all_engines import run_on_all_engines

NEVER = np.inf


def simulated(operators: int = 1, rows: list[tuple[float, int, int]] | None = None, **given: Any) -> Records:
    """Run a period with operators who are always there, or with the schedule `rows`."""
    staff = inputs.constant_staff(operators)
    if rows is not None:
        staff = {"n_operators": operators, **inputs.schedule(rows)}
    return run_on_all_engines(inputs.build(**staff, **given))


def calls(record: Records) -> list[tuple[str, float, int]]:
    """Outcome, wait and operator of each attempt."""
    return [(Outcome(row["outcome"]).name, float(row["wait"]), int(row["operator"])) for row in record.calls]


def work(record: Records, operator: int) -> list[tuple[str, float, float, int]]:
    """The intervals of an operator while seated: kind, start, end, reference."""
    return [
        (Work(row["kind"]).name, float(row["start"]), float(row["end"]), int(row["reference"]))
        for row in record.work
        if row["operator"] == operator and row["kind"] != Work.SEATED
    ]


def seated(record: Records, operator: int) -> list[tuple[float, float]]:
    chosen = record.work[(record.work["operator"] == operator) & (record.work["kind"] == Work.SEATED)]
    return [(float(row["start"]), float(row["end"])) for row in chosen]


def values(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name].item() for name in names) for row in rows]


class TestCalls:
    def test_calls_are_served_in_order_by_the_longest_idle(self) -> None:
        record = simulated(2, call_at=[0, 1, 2, 3], talk=[5, 7, 4, 1], wrap=2)
        assert calls(record) == [("ANSWERED", 0, 0), ("ANSWERED", 0, 1), ("ANSWERED", 5, 0), ("ANSWERED", 7, 1)]
        assert work(record, 0) == [("CALL", 0, 7, 0), ("CALL", 7, 13, 2)]
        assert values(record.calls[2:3], "entered", "talk", "wrap", "left") == [(2, 4, 2, 11)]

    def test_the_longest_idle_operator_answers(self) -> None:
        record = simulated(3, call_at=[0, 1, 5, 6, 7], talk=[3, 1, 9, 9, 9])
        assert [who for _, _, who in calls(record)] == [0, 1, 2, 1, 0]

    def test_operators_idle_since_one_instant_are_in_the_order_of_events(self) -> None:
        record = simulated(2, call_at=[0, 1, 9, 9], talk=[5, 4, 1, 1])
        assert [who for _, _, who in calls(record)] == [0, 1, 0, 1]  # both are free at 5; 0 began first

    def test_higher_priority_first_then_entry(self) -> None:
        record = simulated(1, call_at=[0, 1, 2, 3, 4], talk=10, call_priority=[0, 0, 7, -3, 7])
        assert [wait for _, wait, _ in calls(record)] == [0, 29, 8, 37, 16]

    def test_extreme_priorities(self) -> None:
        record = simulated(1, call_at=[0, 1, 2], talk=10, call_priority=[0, -32768, 32767], patience=[99, 15, 99])
        assert calls(record) == [("ANSWERED", 0, 0), ("ABANDONED", 15, -1), ("ANSWERED", 8, 0)]

    def test_operators_only_take_calls_of_their_topics(self) -> None:
        record = simulated(2, call_at=[0, 1, 2], talk=10, call_topic=[1, 1, 0], skills=[0b01, 0b11])
        assert calls(record) == [("ANSWERED", 0, 1), ("ANSWERED", 9, 1), ("ANSWERED", 0, 0)]

    def test_a_topic_without_operators_waits_for_ever(self) -> None:
        record = simulated(1, call_at=[0], call_topic=2, skills=[0b01])
        assert calls(record)[0][0] == "WAITING"
        assert np.isnan(record.calls["wait"][0])
        assert np.isnan(record.calls["left"][0])


class TestLeaving:
    def test_patience_key_and_limit_each_end_a_wait(self) -> None:
        record = simulated(
            1, call_at=[0, 1, 2, 3], talk=100, patience=[NEVER, 10, 50, 50], key_after=[5, 20, 20, 60], longest_wait=30
        )
        assert calls(record) == [
            ("ANSWERED", 0, 0),
            ("ABANDONED", 10, -1),
            ("VOICEMAIL_KEY", 20, -1),
            ("VOICEMAIL_TIMEOUT", 30, -1),
        ]
        assert record.calls["left"].tolist() == [100, 11, 22, 33]
        assert record.calls["talk"].tolist() == [100, 0, 0, 0]

    @pytest.mark.parametrize(
        ("patience", "key", "wanted"),
        [(30, 30, "ABANDONED"), (31, 30, "VOICEMAIL_KEY"), (31, 31, "VOICEMAIL_TIMEOUT")],
    )
    def test_at_a_tie_patience_then_key_then_limit(self, patience: float, key: float, wanted: str) -> None:
        record = simulated(1, call_at=[0, 0], talk=100, patience=[NEVER, patience], key_after=key, longest_wait=30)
        assert calls(record)[1] == (wanted, 30, -1)

    def test_patience_that_ends_as_an_operator_becomes_free_is_served(self) -> None:
        record = simulated(1, call_at=[0, 1], talk=[8, 5], wrap=2, patience=9)
        assert calls(record)[1] == ("ANSWERED", 9, 0)

    def test_callers_without_patience_leave_only_if_they_must_wait(self) -> None:
        record = simulated(1, call_at=[0, 1], talk=8, patience=0)
        assert calls(record) == [("ANSWERED", 0, 0), ("ABANDONED", 0, -1)]

    def test_a_full_queue_sends_to_the_voicemail(self) -> None:
        record = simulated(1, call_at=[0, 1, 2], talk=10, longest_queue=1)
        assert [outcome for outcome, _, _ in calls(record)] == ["ANSWERED", "ANSWERED", "VOICEMAIL_FULL"]

    def test_a_queue_of_length_zero(self) -> None:
        record = simulated(1, call_at=[0, 1, 10], talk=10, longest_queue=0)
        assert [outcome for outcome, _, _ in calls(record)] == ["ANSWERED", "VOICEMAIL_FULL", "ANSWERED"]

    def test_busy_operators_send_to_the_voicemail_if_the_policy_says_so(self) -> None:
        record = simulated(1, call_at=[0, 1], talk=10, busy_then_voicemail=True)
        assert calls(record)[1] == ("VOICEMAIL_BUSY", 0, -1)

    def test_without_a_logged_in_operator_calls_go_to_the_voicemail(self) -> None:
        rows = [(5.0, SHIFT_START, 0), (8.0, BREAK_START, 0), (9.0, BREAK_END, 0)]
        record = simulated(1, rows, call_at=[1, 8, 8], talk=5, empty_then_voicemail=True)
        assert calls(record) == [("VOICEMAIL_BUSY", 0, -1), ("ANSWERED", 1, 0), ("ANSWERED", 6, 0)]

    def test_waiting_callers_go_to_the_voicemail_when_the_last_operator_leaves(self) -> None:
        """The operator finishes the current call and is logged in until then: callers may still join the queue."""
        rows = [(0.0, SHIFT_START, 0), (10.0, SHIFT_END, 0)]
        given: dict[str, Any] = {"call_at": [5, 6, 12, 30], "talk": 9, "leaves_message": True, "callback_work": 1}
        record = simulated(1, rows, **given, empty_then_voicemail=True)
        assert calls(record) == [
            ("ANSWERED", 0, 0), ("VOICEMAIL_EMPTY", 8, -1), ("VOICEMAIL_EMPTY", 2, -1), ("VOICEMAIL_BUSY", 0, -1),
        ]  # fmt: skip
        assert values(record.callbacks, "entity", "created") == [(1, 14), (2, 14), (3, 30)]
        stays = simulated(1, rows, **given, empty_then_voicemail=False)
        assert [outcome for outcome, _, _ in calls(stays)] == ["ANSWERED", "WAITING", "WAITING", "WAITING"]

    def test_waits_end_in_the_order_of_service_when_the_last_operator_leaves(self) -> None:
        record = simulated(
            1, [(0.0, SHIFT_START, 0), (10.0, SHIFT_END, 0)], call_at=[5, 6, 7], talk=9, call_priority=[0, 0, 5],
            skills=[1], call_topic=[0, 1, 0], leaves_message=True, empty_then_voicemail=True,
        )  # fmt: skip
        assert [outcome for outcome, _, _ in calls(record)] == ["ANSWERED", "VOICEMAIL_EMPTY", "VOICEMAIL_EMPTY"]

    def test_a_change_of_shift_ends_no_wait(self) -> None:
        """At one instant one operator goes home from a break and another starts: the waiting call is answered."""
        rows = [(0.0, SHIFT_START, 0), (2.0, BREAK_START, 0), (10.0, SHIFT_END, 0), (10.0, SHIFT_START, 1)]
        record = simulated(2, rows, seats=1, call_at=[5], talk=1, empty_then_voicemail=True)
        assert calls(record) == [("ANSWERED", 5, 1)]

    def test_patience_that_ends_as_the_last_operator_leaves_ends_in_the_voicemail(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (2.0, BREAK_START, 0), (10.0, SHIFT_END, 0)]
        record = simulated(1, rows, call_at=[5], patience=5, empty_then_voicemail=True)
        assert calls(record) == [("VOICEMAIL_EMPTY", 5, -1)]

    def test_a_survey_holds_the_line_and_no_operator(self) -> None:
        given: dict[str, Any] = {"call_at": [0, 12, 21], "talk": 10, "lines": 1}
        with_survey, without = simulated(1, **given, survey=[10, 0, 0]), simulated(1, **given)
        assert [outcome for outcome, _, _ in calls(with_survey)] == ["ANSWERED", "BLOCKED", "ANSWERED"]
        assert [outcome for outcome, _, _ in calls(without)] == ["ANSWERED", "ANSWERED", "BLOCKED"]
        assert work(with_survey, 0)[0] == ("CALL", 0, 10, 0)

    def test_a_line_is_free_at_the_instant_at_which_the_survey_ends(self) -> None:
        assert calls(simulated(1, call_at=[0, 15], talk=10, survey=5, lines=1))[1] == ("ANSWERED", 0, 0)

    def test_an_announced_wait_above_tolerance_ends_the_call(self) -> None:
        # 1 ahead with 2 operators at work: (1 + 1) * 60 / 2
        record = simulated(
            2, call_at=[0, 0, 1, 2, 3], talk=100, announced=True, mean_handle=60, tolerance=[0, 0, 30, 59, 60]
        )
        assert [outcome for outcome, _, _ in calls(record)] == [*["ANSWERED"] * 3, "ABANDONED", "ANSWERED"]
        assert calls(record)[3] == ("ABANDONED", 0, -1)

    def test_operators_on_a_break_do_not_count_for_the_announcement(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (0.0, SHIFT_START, 1), (1.0, BREAK_START, 1), (50.0, BREAK_END, 1)]
        record = simulated(2, rows, call_at=[0, 2], talk=100, announced=True, mean_handle=60, tolerance=59)
        assert calls(record)[1] == ("ABANDONED", 0, -1)


class TestRedials:
    def test_a_caller_who_gives_up_calls_again(self) -> None:
        record = simulated(
            1, attempts=3, call_at=[0, 1], talk=[[50, 0, 0], [9, 8, 7]], patience=10, redial_after=[[1], [20]]
        )
        assert values(record.calls, "entity", "attempt", "entered", "outcome", "wait") == [
            (0, 0, 0, Outcome.ANSWERED, 0),
            (1, 0, 1, Outcome.ABANDONED, 10),
            (1, 1, 31, Outcome.ABANDONED, 10),
            (1, 2, 61, Outcome.ANSWERED, 0),
        ]
        assert record.calls["talk"][3] == 7

    def test_redials_are_limited_by_attempts_and_opening_hours(self) -> None:
        given: dict[str, Any] = {"call_at": [0, 1, 2], "talk": 1000, "patience": 10, "redial_after": [NEVER, 20, 40]}
        assert len(simulated(1, attempts=2, **given).calls) == 5
        shorter = simulated(1, attempts=2, open_from=[0], open_until=[52], **given)
        assert values(shorter.calls, "entity", "attempt") == [(0, 0), (1, 0), (1, 1), (2, 0)]  # 52 is closed
        later = simulated(1, attempts=2, open_from=[0, 52], open_until=[30, 60], **given)
        assert values(later.calls, "entity", "attempt") == [(0, 0), (1, 0), (2, 0), (2, 1)]  # 31 is closed, 52 open

    def test_waiting_and_talking_callers_hold_lines(self) -> None:
        record = simulated(
            1, attempts=2, call_at=[0, 1, 2, 10, 10.5], talk=10, wrap=5, lines=2, redial_after=[NEVER] * 2 + [3, 1, 1]
        )
        assert values(record.calls, "entity", "attempt", "outcome", "wait") == [
            (0, 0, Outcome.ANSWERED, 0),
            (1, 0, Outcome.ANSWERED, 14),
            (2, 0, Outcome.BLOCKED, 0),
            (2, 1, Outcome.BLOCKED, 0),  # at 5
            (3, 0, Outcome.ANSWERED, 20),  # the talk ends at 10, before the call of 10
            (4, 0, Outcome.BLOCKED, 0),
            (4, 1, Outcome.BLOCKED, 0),
        ]


class TestWorkThatCanWait:
    def test_messages_become_call_backs_before_e_mails(self) -> None:
        record = simulated(
            1,
            call_at=[0, 1, 2],
            call_topic=[0, 3, 0],
            talk=20,
            key_after=[NEVER, 4, 4],
            leaves_message=[True, True, False],
            callback_work=6,
            mail_at=[0.5],
            mail_work=3,
        )
        assert record.calls["message"].tolist() == [False, True, False]
        names = ("entity", "attempt", "topic", "created", "started", "ended", "operator")
        assert values(record.callbacks, *names) == [(1, 0, 3, 5, 20, 26, 0)]
        assert values(record.mails, "entity", "arrived", "started", "ended", "operator") == [(0, 0.5, 26, 29, 0)]
        assert work(record, 0) == [("CALL", 0, 20, 0), ("CALLBACK", 20, 26, 1), ("EMAIL", 26, 29, 0)]

    def test_callers_outside_hours_are_called_back(self) -> None:
        record = simulated(
            1,
            [(100.0, SHIFT_START, 0)],
            call_at=[105],
            talk=1,
            closed_at=[3, 4],
            closed_topic=2,
            closed_leaves_message=[False, True],
            closed_callback_work=[1, 9],
        )
        assert values(record.calls, "entity", "outcome", "wait", "left", "message", "topic") == [
            (0, Outcome.ANSWERED, 4, 110, False, 0),
            (1, Outcome.VOICEMAIL_CLOSED, 0, 3, False, 2),
            (2, Outcome.VOICEMAIL_CLOSED, 0, 4, True, 2),
        ]
        assert values(record.callbacks, "entity", "created", "started", "ended") == [(2, 4, 100, 109)]

    def test_the_reserve_stays_idle(self) -> None:
        record = simulated(3, reserve=2, mail_at=[0, 1], mail_work=5, call_at=[3], talk=9)
        # 0 has the first e-mail until 5, 1 the call until 12: only then are three idle, 2 the longest of them
        assert values(record.mails, "started", "operator") == [(0, 0), (12, 2)]
        assert calls(record) == [("ANSWERED", 0, 1)]

    def test_the_longest_idle_operator_takes_work_that_can_wait(self) -> None:
        record = simulated(2, reserve=1, call_at=[0], talk=10, mail_at=[5], mail_work=3)
        assert values(record.mails, "started", "operator") == [(10, 1)]

    def test_an_e_mail_is_put_down_for_a_call_and_goes_to_the_front(self) -> None:
        record = simulated(1, put_down=True, mail_at=[0, 1], mail_work=10, call_at=[4], talk=7)
        assert calls(record) == [("ANSWERED", 0, 0)]
        assert work(record, 0) == [
            ("EMAIL", 0, 4, 0),
            ("CALL", 4, 11, 0),
            ("EMAIL", 11, 17, 0),
            ("EMAIL", 17, 27, 1),
        ]
        assert values(record.mails, "started", "ended") == [(0, 17), (17, 27)]

    def test_without_put_down_the_call_waits(self) -> None:
        record = simulated(1, mail_at=[0], mail_work=10, call_at=[4], talk=7)
        assert calls(record) == [("ANSWERED", 6, 0)]

    def test_the_latest_e_mail_is_put_down_first(self) -> None:
        record = simulated(2, put_down=True, mail_at=[0, 1], mail_work=10, call_at=[4, 5], talk=7)
        assert [who for _, _, who in calls(record)] == [1, 0]

    def test_a_call_back_is_not_put_down(self) -> None:
        record = simulated(
            1, [(0.0, SHIFT_START, 0)], put_down=True, closed_at=[0], closed_callback_work=10, call_at=[4], talk=7
        )
        assert calls(record)[0] == ("ANSWERED", 6, 0)

    def test_an_interrupted_e_mail_goes_to_an_idle_operator(self) -> None:
        record = simulated(
            2,
            [(0.0, SHIFT_START, 0), (2.0, SHIFT_START, 1)],
            put_down=True,
            skills=[0b11, 0b01],
            mail_at=[0],
            mail_work=10,
            call_at=[4],
            call_topic=1,
            talk=7,
        )
        assert work(record, 0) == [("EMAIL", 0, 4, 0), ("CALL", 4, 11, 0)]
        assert work(record, 1) == [("EMAIL", 4, 10, 0)]

    def test_the_interrupted_operator_begins_before_the_one_who_takes_the_e_mail(self) -> None:
        """Both finish at 10, and the next call goes to the one who began first."""
        record = simulated(
            2,
            [(0.0, SHIFT_START, 0), (2.0, SHIFT_START, 1)],
            put_down=True,
            skills=[0b11, 0b01],
            mail_at=[0],
            mail_work=10,
            call_at=[4, 12],
            call_topic=[1, 0],
            talk=6,
        )
        assert [who for _, _, who in calls(record)] == [0, 0]

    def test_topics_apply_to_work_that_can_wait(self) -> None:
        record = simulated(2, skills=[0b01, 0b10], mail_at=[0, 1], mail_topic=[1, 0], mail_work=5)
        assert values(record.mails, "started", "operator") == [(0, 1), (1, 0)]

    def test_work_that_is_never_begun_stays_open(self) -> None:
        record = simulated(1, [(0.0, SHIFT_START, 0), (5.0, SHIFT_END, 0)], mail_at=[1, 2], mail_work=10)
        assert values(record.mails, "started", "ended", "operator")[0] == (1, 11, 0)
        assert np.isnan(record.mails["started"][1])
        assert np.isnan(record.mails["ended"][1])
        assert record.mails["operator"][1] == -1


class TestOperators:
    def test_a_shift_ends_when_the_current_work_is_finished(self) -> None:
        record = simulated(1, [(0.0, SHIFT_START, 0), (10.0, SHIFT_END, 0)], call_at=[8, 9], talk=5, patience=60)
        assert calls(record) == [("ANSWERED", 0, 0), ("ABANDONED", 60, -1)]
        assert seated(record, 0) == [(0, 13)]

    def test_an_operator_whose_next_shift_has_begun_stays(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (10.0, SHIFT_END, 0), (12.0, SHIFT_START, 0), (20.0, SHIFT_END, 0)]
        record = simulated(1, rows, call_at=[8, 9], talk=5, patience=60)
        assert calls(record)[1] == ("ANSWERED", 4, 0)
        assert seated(record, 0) == [(0, 20)]

    def test_a_break_that_begins_late_ends_on_time(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (10.0, BREAK_START, 0), (20.0, BREAK_END, 0)]
        record = simulated(1, rows, call_at=[8, 12], talk=5)
        assert work(record, 0) == [("CALL", 8, 13, 0), ("BREAK", 13, 20, -1), ("CALL", 20, 25, 1)]

    def test_a_break_that_was_worked_through_is_lost(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (10.0, BREAK_START, 0), (20.0, BREAK_END, 0)]
        record = simulated(1, rows, call_at=[8, 12], talk=20)
        assert [kind for kind, *_ in work(record, 0)] == ["CALL", "CALL"]

    def test_an_operator_on_a_break_goes_home_at_the_end_of_the_shift(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (10.0, BREAK_START, 0), (15.0, SHIFT_END, 0), (20.0, BREAK_END, 0)]
        record = simulated(1, rows)
        assert work(record, 0) == [("BREAK", 10, 15, -1)]
        assert seated(record, 0) == [(0, 15)]

    def test_a_break_outside_a_shift_has_no_effect(self) -> None:
        rows = [(1.0, BREAK_START, 0), (5.0, SHIFT_START, 0), (9.0, BREAK_END, 0)]
        record = simulated(1, rows, call_at=[6], talk=1)
        assert calls(record) == [("ANSWERED", 0, 0)]

    def test_an_e_mail_is_not_interrupted_once_a_break_is_due(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (10.0, BREAK_START, 0), (20.0, BREAK_END, 0)]
        record = simulated(1, rows, put_down=True, mail_at=[8], mail_work=20, call_at=[15, 22], talk=1)
        assert calls(record) == [("ANSWERED", 13, 0), ("ANSWERED", 7, 0)]  # in order, after the e-mail

    def test_an_operator_without_a_seat_waits_for_one(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (5.0, SHIFT_START, 1), (6.0, SHIFT_START, 2), (10.0, SHIFT_END, 0)]
        record = simulated(3, rows, seats=1, call_at=[9, 9], talk=4)
        assert seated(record, 0) == [(0, 13)]
        assert seated(record, 1)[0][0] == 13
        assert seated(record, 2) == []
        assert calls(record) == [("ANSWERED", 0, 0), ("ANSWERED", 4, 1)]

    def test_an_operator_who_goes_home_stops_waiting_for_a_seat(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (1.0, SHIFT_START, 1), (2.0, SHIFT_START, 2), (5.0, SHIFT_END, 1)]
        record = simulated(3, [*rows, (9.0, SHIFT_END, 0)], seats=1)
        assert (seated(record, 1), seated(record, 2)[0][0]) == ([], 9)

    def test_a_seat_is_kept_during_a_break(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (1.0, SHIFT_START, 1), (3.0, BREAK_START, 0), (9.0, BREAK_END, 0)]
        assert seated(simulated(2, rows, seats=1), 1) == []

    def test_a_break_due_before_the_seat_begins_with_the_seat(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (1.0, SHIFT_START, 1), (3.0, BREAK_START, 1), (9.0, BREAK_END, 1)]
        record = simulated(2, [*rows, (5.0, SHIFT_END, 0)], seats=1)
        assert work(record, 1) == [("BREAK", 5, 9, -1)]

    def test_a_seat_without_an_end_is_open(self) -> None:
        assert np.isnan(seated(simulated(1), 0)[0][1])


class TestTies:
    """Everything happens at 10; ends come first."""

    def test_the_end_of_a_shift_is_before_the_next_one_and_both_before_the_call(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (10.0, SHIFT_END, 0), (10.0, SHIFT_START, 1)]
        record = simulated(2, rows, seats=1, call_at=[10], talk=1)
        assert calls(record) == [("ANSWERED", 0, 1)]

    def test_the_end_of_work_is_before_the_end_of_the_shift(self) -> None:
        record = simulated(1, [(0.0, SHIFT_START, 0), (10.0, SHIFT_END, 0)], call_at=[5, 6], talk=5)
        assert calls(record)[1] == ("ANSWERED", 4, 0)  # free at 10, so the next call, then home

    def test_a_break_starts_before_another_ends(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (0.0, SHIFT_START, 1), (5.0, BREAK_START, 1)]
        record = simulated(2, [*rows, (10.0, BREAK_START, 0), (10.0, BREAK_END, 1)], call_at=[10], talk=1)
        assert calls(record) == [("ANSWERED", 0, 1)]

    def test_the_end_of_a_break_is_before_the_end_of_patience(self) -> None:
        rows = [(0.0, SHIFT_START, 0), (5.0, BREAK_START, 0), (10.0, BREAK_END, 0)]
        assert calls(simulated(1, rows, call_at=[6], talk=1, patience=4)) == [("ANSWERED", 4, 0)]

    def test_a_caller_who_leaves_makes_room_for_a_call(self) -> None:
        record = simulated(1, call_at=[0, 5, 10], talk=50, patience=[NEVER, 5, NEVER], longest_queue=1)
        assert [outcome for outcome, _, _ in calls(record)] == ["ANSWERED", "ABANDONED", "ANSWERED"]

    def test_a_redial_is_before_a_first_call(self) -> None:
        record = simulated(
            1, attempts=2, call_at=[0, 1, 10], talk=20, patience=[[NEVER] * 2, [4, 99], [99, 99]], redial_after=5
        )
        assert values(record.calls[1:], "entity", "attempt", "wait") == [(1, 0, 4), (1, 1, 10), (2, 0, 30)]

    def test_a_call_is_before_an_e_mail(self) -> None:
        record = simulated(1, call_at=[10], talk=5, mail_at=[10], mail_work=1)
        assert (calls(record), record.mails["started"].tolist()) == ([("ANSWERED", 0, 0)], [15])


class TestSecondLevel:
    def test_first_come_first_served_in_worked_hours(self) -> None:
        record = simulated(
            2,
            call_at=[0, 1],
            talk=[4, 8],
            wrap=1,
            second_level=True,
            second_level_work=[30, 20],
            mail_at=[2],
            mail_work=5,
            mail_second_level=True,
            mail_second_level_work=6,
            office_people=1,
            office_from=[0, 100],
            office_until=[50, 130],
        )
        assert values(record.second, "source", "entity", "created", "started", "ended") == [
            (Source.CALL, 0, 5, 5, 35),
            (Source.CALL, 1, 10, 35, 105),  # 15 s before the office closes, 5 s after it opens
            (Source.EMAIL, 0, 10, 105, 111),
        ]

    def test_a_request_outside_hours_begins_with_the_next_ones(self) -> None:
        record = simulated(
            1,
            call_at=[60],
            second_level=True,
            second_level_work=10,
            office_people=2,
            office_from=[0, 100],
            office_until=[50, 130],
        )
        assert values(record.second, "created", "started", "ended") == [(60, 100, 110)]

    def test_without_enough_people_or_hours_a_request_stays_open(self) -> None:
        unstaffed = simulated(1, call_at=[0], second_level=True)
        assert np.isnan(unstaffed.second["started"][0])
        short = simulated(
            1, call_at=[0], second_level=True, second_level_work=10, office_people=1, office_from=[0], office_until=[9]
        )
        assert short.second["started"][0] == 0
        assert np.isnan(short.second["ended"][0])


class TestRecords:
    def test_equal_records_give_an_empty_text_others_the_first_difference(self) -> None:
        one = simulated(1, call_at=[0, 1, 2], talk=[5, 5, 5])
        other = simulated(1, call_at=[0, 1, 2], talk=[5, 6, 5])
        assert one.same_as(one) == ""
        assert one.same_as(other) == "calls: row 1 (entity 1): talk 5.0 against 6.0, left 10.0 against 11.0"

    def test_a_missing_row_is_a_difference(self) -> None:
        assert simulated(1, call_at=[0]).same_as(simulated(1, call_at=[0, 1])) == "calls: 1 rows against 2"

    def test_missing_instants_are_equal(self) -> None:
        one = simulated(0, call_at=[0])
        assert one.same_as(simulated(0, call_at=[0])) == ""
        assert one.same_as(simulated(0, call_at=[0], patience=3)).startswith(
            "calls: row 0 (entity 0): wait nan against 3.0"
        )
