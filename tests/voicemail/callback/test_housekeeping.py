"""Changes without an operator: duplicates, callers answered since, messages marked in the store, reopened requests."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.db import schema
from registry.requests.actions import ActionDetails, perform_action
from tests.conftest import rome
from tests.voicemail.work import Work
from voicemail.callback.housekeeping import group_by_window, mirror
from voicemail.callback.worklist import Entry
from voicemail.personal import Messages

NIGHT = rome("2026-11-23 22:00")
MORNING = rome("2026-11-24 09:30")
HOUR = 3600.0


def act(work: Work, which: str, action: str, at: float, **given: str) -> None:
    with work.database.begin() as connection:
        perform_action(connection, work.rules, which, action, "op118", at, ActionDetails(**given))


def test_messages_from_one_number_within_the_window_become_one_entry(work: Work) -> None:
    first = work.message(NIGHT)
    second = work.message(NIGHT + 20 * HOUR)
    third = work.message(NIGHT + 40 * HOUR)
    later = work.message(NIGHT + 70 * HOUR)
    other = work.message(NIGHT + HOUR, "+390287654321")
    unnumbered = [work.message(NIGHT + n, None) for n in (1, 2)]
    done = work.update(NIGHT + 71 * HOUR)
    keeper = work.request(first).protocol
    assert [(each.reason, each.reference) for each in done] == [("duplicate", keeper)] * 2
    entries = {each.messages for each in work.entries()}
    assert entries == {(first.id, second.id, third.id), (later.id,), (other.id,), *((each.id,) for each in unnumbered)}
    for double in (second, third):
        request = work.request(double)
        assert (request.outcome, request.duplicate_of) == ("duplicate", work.request(first).request_id)
    assert work.take(third.id, NIGHT + 71 * HOUR).protocol == keeper  # by any of its messages
    assert work.update(NIGHT + 72 * HOUR) == []


def test_a_new_message_joins_the_entry_that_an_operator_has_taken(work: Work) -> None:
    first = work.message(NIGHT)
    taken = work.message(NIGHT + HOUR)
    work.take(taken.id, MORNING)
    work.update(MORNING)
    (entry,) = work.entries()
    assert (entry.protocol, entry.taken_by) == (work.request(taken).protocol, "op117")
    assert entry.messages == (first.id, taken.id)
    third = work.message(MORNING + HOUR)
    work.update(MORNING + HOUR)
    assert work.entries()[0].messages == (first.id, taken.id, third.id)
    assert work.outcome(third.id, "reached", MORNING + 2 * HOUR).messages == (first.id, taken.id, third.id)


def test_a_citizen_answered_since_needs_no_call(work: Work) -> None:
    message = work.message(NIGHT)
    work.visit(MORNING)
    (done,) = work.update(MORNING + HOUR)
    assert (done.reason, done.reference, done.messages) == ("served", "99.1", (message.id,))
    request = work.request(message)
    assert (request.state, request.outcome, request.closed_at) == ("closed", "unclassified", MORNING + 300)
    (touch,) = work.rows(schema.interaction)
    assert (touch.channel, touch.call_id, touch.result) == ("phone_in", "99.1", "served")
    assert work.rows(schema.sla_clock)[0].stopped_at == MORNING + 300  # the time of the visit, not of the update
    assert work.entries() == []
    assert work.update(MORNING + HOUR) == []


def test_the_request_of_the_answered_call_is_the_reference(work: Work) -> None:
    message = work.message(NIGHT)
    opened = work.open("99.1", MORNING)
    work.visit(MORNING)
    (done,) = work.update(MORNING + HOUR)
    assert done.reference == opened.protocol
    assert work.request(message).duplicate_of == opened.request_id


def test_abandoned_earlier_and_other_visits_do_not_settle_an_entry(work: Work) -> None:
    work.message(NIGHT)
    work.visit(NIGHT - HOUR, call="1.9")
    work.visit(MORNING, fate="abandoned", call="2.9")
    work.visit(MORNING, number="+390287654321", call="3.9")
    work.visit(MORNING, call="5.9", queue="protocollo")  # answered by another service on the same switch
    assert work.update(MORNING + HOUR) == []
    work.take(work.entries()[0].protocol, MORNING)
    work.visit(MORNING + HOUR, call="4.9")
    assert work.update(MORNING + 2 * HOUR) == []  # the operator who has taken it records the outcome


@pytest.mark.parametrize("action", ["take", "escalate"])
def test_a_request_taken_or_passed_on_in_the_registry_is_not_settled(work: Work, action: str) -> None:
    message, other = work.message(NIGHT), work.message(NIGHT + HOUR)
    act(work, work.request(other).protocol, action, NIGHT + 2 * HOUR)
    work.visit(MORNING, call="98.1")  # about something else: it does not answer the escalated request
    work.store.mark(other.id, "closed", by="anna", at=MORNING)
    work.update(MORNING + HOUR)
    assert work.request(other).state == {"take": "in_progress", "escalate": "forwarded"}[action]
    assert work.request(message).state == "closed"
    assert [each.protocol for each in work.entries()] == [work.request(other).protocol]


def test_a_duplicate_joins_the_request_at_work(work: Work) -> None:
    first, second = work.message(NIGHT), work.message(NIGHT + HOUR)
    act(work, work.request(second).protocol, "take", MORNING)
    work.update(MORNING)
    (entry,) = work.entries()
    assert (entry.protocol, entry.messages) == (work.request(second).protocol, (first.id, second.id))


def test_marks_made_in_the_store_are_taken_over(work: Work) -> None:
    called, wrong, heard = (work.message(NIGHT + n, f"+39061234567{n}") for n in range(3))
    work.store.mark(called.id, "called_back", by="anna", at=MORNING)
    work.store.mark(wrong.id, "closed", by="anna", at=MORNING)
    work.store.mark(heard.id, "listened", by="anna", at=MORNING)
    assert [each.reason for each in work.update(MORNING)] == ["marked", "marked"]
    assert [work.request(each).outcome for each in (called, wrong, heard)] == ["unclassified", "out_of_scope", None]


def test_a_request_closed_elsewhere_leaves_the_list_and_returns_when_reopened(work: Work) -> None:
    message = work.message(NIGHT)
    protocol = work.request(message).protocol
    act(work, protocol, "close", MORNING, outcome="informed")
    (done,) = work.update(MORNING)
    assert (done.reason, done.messages) == ("ended", (message.id,))
    mirror(work.store, done.messages, "closed", by="clock", at=MORNING)
    assert work.update(MORNING) == []
    act(work, protocol, "reopen", MORNING + HOUR)
    assert [each.reason for each in work.update(MORNING + HOUR)] == ["reopened"]
    assert work.store.get(message.id).state == "new"  # otherwise it would look like a mark made in the store
    assert work.update(MORNING + HOUR) == []
    assert work.entries()[0].state == "waiting"


def test_sheets_are_marked_and_missing_ones_are_skipped(work: Work) -> None:
    message = work.message(NIGHT)
    mirror(work.store, [message.id, "20260101T000000-000000000000"], "unreachable", by="op117", at=MORNING)
    mirror(work.store, [message.id], "unreachable", by="op117", at=MORNING + 1)
    mirror(work.store, [message.id], "called_back", by="op117", at=MORNING + 2)
    mirror(work.store, [message.id], "called_back", by="op117", at=MORNING + 3)
    history = [mark.state for mark in work.store.get(message.id).history]
    assert history == ["unreachable", "unreachable", "called_back"]


def entry(left_at: float, number: int) -> Entry:
    return Entry(
        str(number), str(number), "DID", (str(number),), left_at, None, 3.0, False, True, "waiting", None, 0, 0.0
    )


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), max_size=12))
def test_a_group_has_no_gap_longer_than_the_window_and_two_groups_have_one(left: list[tuple[int, int]]) -> None:
    entries = [entry(at * HOUR, number) for number, (at, _) in enumerate(sorted(left))]
    latest = {str(number): (at + more) * HOUR for number, (at, more) in enumerate(sorted(left))}  # with duplicates
    found = group_by_window(entries, latest, 24 * HOUR)
    assert [each for group in found for each in group] == entries
    ends = []
    for group in found:
        until = group[0].left_at
        for each in group:
            assert each.left_at - until <= 24 * HOUR
            until = max(until, latest[each.request_id])
        ends.append(until)
    assert all(group[0].left_at - end > 24 * HOUR for group, end in zip(found[1:], ends, strict=False))


def test_the_sound_of_a_duplicate_is_kept_until_the_original_is_closed(work: Work) -> None:
    days, keeper = 30 * 24 * HOUR, Messages()
    first, second, third = work.message(MORNING), work.message(MORNING + HOUR), work.message(MORNING + 2 * HOUR)
    work.update(MORNING + 3 * HOUR)
    for now in (MORNING + days - 1, MORNING + 4 * days):  # nobody has called yet, however long it takes
        assert [each.things for each in keeper.purge(work.site, now)] == [0]
    work.take(first.id, MORNING + 4 * days)
    work.outcome(first.id, "reached", MORNING + 4 * days)
    closed = work.request(first).closed_at
    assert closed == MORNING + 4 * days
    assert [each.things for each in keeper.purge(work.site, closed + days)] == [0]
    assert [each.things for each in keeper.purge(work.site, closed + days + 1)] == [3]
    assert not any(os.path.exists(work.store.audio(each.id)) for each in (first, second, third))
