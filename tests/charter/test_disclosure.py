"""Which counts are hidden: small ones, and those that would reveal them, one sum at a time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter import disclosure
from charter.disclosure import Dimension, Hiding, Shown, Unprotected, cell, join, rules, table

TOPIC = Dimension("topic", {"": ("ADR", "DID", "ALTRO")})
PLACE = Dimension("place", {"": ("RM", "MI")})
FATE = Dimension("fate", {"": ("answered", "abandoned"), "answered": ("in-time", "later")})


def one(*counts: int) -> disclosure.Linked:
    return table("calls", [TOPIC], dict(zip((("ADR",), ("DID",), ("ALTRO",)), counts, strict=True)))


def hidden(linked: disclosure.Linked, threshold: int = 5) -> dict[str, str]:
    return {disclosure.cell_text(key): why for key, why in Hiding(linked, rules(threshold)).why.items()}


def test_a_table_knows_its_margins() -> None:
    found = table("calls", [TOPIC, PLACE], {("ADR", "RM"): 7, ("DID", "MI"): 2})
    assert found.counts[cell("calls")] == 9
    assert found.counts[cell("calls", place="RM")] == 7
    assert found.counts[cell("calls", topic="ALTRO")] == 0
    assert len(found.counts) == 4 * 3
    assert len(found.sums) == 4 + 3


def test_a_hierarchy_has_a_sum_for_each_of_its_totals() -> None:
    found = table("calls", [FATE], {("in-time",): 9, ("later",): 4, ("abandoned",): 6})
    assert found.counts[cell("calls", fate="answered")] == 13
    assert sorted(len(each.parts) for each in found.sums) == [2, 2]


def test_weeks_and_months_share_their_days() -> None:
    days = [f"2026-10-{day:02}" for day in range(1, 8)]
    when = Dimension("when", {"2026-10": days, "2026-W41": days[4:]})
    found = table("calls", [when], {(day,): n for n, day in enumerate(days)})
    assert found.counts[cell("calls", when="2026-10")] == 21
    assert found.counts[cell("calls", when="2026-W41")] == 15
    assert cell("calls") not in found.counts


def test_small_counts_are_hidden_together_with_another_one() -> None:
    assert hidden(one(100, 2, 50)) == {"of=calls topic=DID": "primary", "of=calls topic=ALTRO": "secondary"}
    assert hidden(one(100, 2, 3)) == {
        "of=calls topic=DID": "primary",
        "of=calls topic=ALTRO": "primary",
        "of=calls topic=ADR": "secondary",  # 2 + 3 = 5: each would be 1 to 4, too narrow
    }


def test_zero_is_shown_and_protects_nothing() -> None:
    assert hidden(one(100, 0, 50)) == {}
    assert hidden(one(100, 2, 0)) == {"of=calls topic=DID": "primary", "of=calls topic=ADR": "secondary"}
    assert hidden(one(0, 2, 0)) == {"of=calls topic=DID": "primary", "of=calls": "primary"}


def test_the_legal_minimum_of_the_threshold() -> None:
    assert hidden(one(100, 3, 50), 3) == {}
    with pytest.raises(ValueError, match="below the legal minimum of 3"):
        rules(2)


def test_published_cells_stay_hidden_or_shown() -> None:
    linked = one(100, 20, 50)
    before = [cell("calls", topic="ADR")]
    assert cell("calls", topic="DID") in Hiding(linked, rules(), hidden=before).why
    found = Hiding(linked, rules(), hidden=before, shown=[cell("calls", topic="DID")])
    assert set(found.why) == {*before, cell("calls", topic="ALTRO")}
    with pytest.raises(Unprotected, match="topic=ADR"):
        everything = [key for key in linked.counts if key != before[0]]
        Hiding(linked, rules(), hidden=before, shown=everything)
    with pytest.raises(Unprotected, match="topic=DID"):
        Hiding(one(100, 2, 50), rules(), shown=[cell("calls", topic="DID")])


def test_tables_are_linked_by_their_common_cells() -> None:
    topics, places = one(100, 2, 50), table("calls", [PLACE], {("RM",): 99, ("MI",): 53})
    assert join([topics, places]).counts[cell("calls")] == 152
    with pytest.raises(ValueError, match="disagree about of=calls: 152 and 151"):
        join([topics, table("calls", [PLACE], {("RM",): 98, ("MI",): 53})])


def test_figures_calculated_from_a_hidden_count_are_hidden() -> None:
    linked = one(100, 2, 50)
    found = Shown(linked.counts, frozenset(Hiding(linked, rules()).why), rules())
    assert found.number(cell("calls")) == 152
    assert math.isnan(found.number(cell("calls", topic="DID")) / found.number(cell("calls")))
    with pytest.raises(KeyError):
        found.number(cell("calls", topic="NASPI"))


@pytest.mark.parametrize(
    ("count", "percent", "allowed"), [(9, 50, False), (10, 50, True), (99, 95, False), (100, 95, True), (100, 5, True)]
)
def test_a_percentile_needs_enough_values_on_either_side(count: int, percent: int, allowed: bool) -> None:
    assert Shown({}, (), rules()).percentile_allowed(count, percent) == allowed
    assert Shown({}).percentile_allowed(count, percent)


def test_a_share_needs_a_denominator_that_may_be_shown() -> None:
    assert not Shown({}, (), rules()).rate_allowed(4)
    assert not Shown({}, (), rules()).rate_allowed(math.nan)
    assert Shown({}, (), rules()).rate_allowed(5)
    assert Shown({}).rate_allowed(1)


@given(
    st.dictionaries(st.tuples(st.sampled_from(TOPIC.parts[""]), st.sampled_from(PLACE.parts[""])), st.integers(0, 30))
)
def test_no_small_count_is_shown_or_revealed_by_a_single_sum(counts: dict[tuple[str, ...], int]) -> None:
    linked = table("calls", [TOPIC, PLACE], counts)
    found = Hiding(linked, rules())
    assert all(count == 0 or count >= 5 for key, count in linked.counts.items() if key not in found.why)
    assert not any(found.exposed(line) for line in linked.sums)
