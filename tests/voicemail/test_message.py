"""The id, the states and the sheet of a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voicemail.message import ID, RECORDING, STATES, Mark, Message, StoreError, new_id

INSTANTS = st.floats(0, 4e9)
NEW = Message("20260204T091530-0123456789ab", "1.1", "closed", "+39061234567", "cli", 1770196530.0, state="new")


@given(INSTANTS, INSTANTS)
def test_ids_sort_by_time_and_match_the_pattern(one: float, other: float) -> None:
    assume(int(one) < int(other))
    assert new_id(one) < new_id(other)
    assert ID.fullmatch(new_id(one))


def test_ids_of_the_same_time_differ() -> None:
    assert len({new_id(1.0) for _ in range(1000)}) == 1000


def test_an_id_starts_with_the_time_in_utc() -> None:
    assert new_id(1770196530.9, "0123456789ab") == "20260204T091530-0123456789ab"


@given(st.text(max_size=40))
def test_a_path_is_not_an_id(text: str) -> None:
    if ID.fullmatch(text):
        assert set(text) <= set("0123456789abcdefT-")
    for wrong in (f"../{NEW.id}", f"{NEW.id}/..", f"{NEW.id}\n", f"{NEW.id}\0", f".{NEW.id}", NEW.id.upper()):
        assert not ID.fullmatch(wrong)


def test_every_transition() -> None:
    allowed = {
        (before, after)
        for before in STATES
        for after in STATES
        if _becomes(NEW._replace(state=before), after)
    }  # fmt: skip
    assert allowed == {(before, after) for before, states in STATES.items() for after in states}
    assert ("called_back", "called_back") not in allowed and ("called_back", "unreachable") not in allowed


def _becomes(message: Message, state: str) -> bool:
    try:
        return message.marked(Mark(1.0, "a", state, "")).state == state
    except StoreError:
        return False


def test_the_second_operator_is_refused_and_told_the_first() -> None:
    called = NEW.marked(Mark(1770200000.0, "anna", "called_back", "ok"))
    assert called.history == (Mark(1770200000.0, "anna", "called_back", "ok"),)
    with pytest.raises(StoreError) as refused:
        called.marked(Mark(1770200001.0, "bruno", "called_back", ""))
    assert str(refused.value) == (
        "20260204T091530-0123456789ab: is called_back by anna at 2026-02-04T10:13:20Z; "
        "called_back cannot follow, only: closed, new"
    )


def test_an_unknown_state_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(StoreError, match=r"'done' is not a state; use one of new, listened, .*, closed"):
        NEW.marked(Mark(1.0, "a", "done", ""))


def test_a_message_that_is_being_recorded_cannot_be_marked() -> None:
    with pytest.raises(StoreError, match="is recording"):
        NEW._replace(state=RECORDING).marked(Mark(1.0, "a", "listened", ""))


def test_facts_hold_neither_number_nor_call() -> None:
    assert NEW.facts() == {
        "message_id": NEW.id, "reason": "closed", "seconds": 0.0, "empty": True, "ended_by": "",
    }  # fmt: skip


marks = st.builds(Mark, st.floats(0, 4e9), st.text(), st.sampled_from(tuple(STATES)), st.text())


@given(
    st.builds(
        Message, id=INSTANTS.map(new_id), call=st.text(), reason=st.text(), number=st.none() | st.text(),
        number_source=st.text(), left_at=INSTANTS, seconds=INSTANTS, sound_seconds=INSTANTS, empty=st.booleans(),
        ended_by=st.text(), state=st.sampled_from((RECORDING, *STATES)),
        history=st.lists(marks, max_size=3).map(tuple),
    )
)  # fmt: skip
def test_a_sheet_survives_writing_and_reading(message: Message) -> None:
    assert Message.of(json.loads(json.dumps(message.document()))) == message


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(documents, st.sampled_from(sorted(NEW.document())))
def test_other_documents_are_not_messages(document: object, key: str) -> None:
    with pytest.raises(ValueError, match="not a message"):
        Message.of(document)
    try:
        found = Message.of({**NEW.document(), key: document})
    except ValueError:
        return
    assert found.state in (RECORDING, *STATES) and all(mark.by is not None for mark in found.history)
