"""The proof that hidden counts are protected, against an exhaustive search of all tables that match."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charter.disclosure import Cell, Dimension, Hiding, Linked, Sum, Unprotected, cell, join, rules, table
from common.command_line import Refusal
from measure.month.audit import Interval, intervals, narrow, protect

ROWS, COLUMNS = (Dimension(name, {"": [f"{name}{n}" for n in range(3)]}) for name in "ab")


def square(rows: Sequence[Sequence[int]]) -> Linked:
    counts = {(f"a{n}", f"b{m}"): count for n, row in enumerate(rows) for m, count in enumerate(row)}
    return table("calls", [ROWS, COLUMNS], counts)


# --- the oracle ------------------------------------------------------------------------------------------------------


def all_solutions(linked: Linked, hidden: Sequence[Cell], most: int) -> Iterator[Mapping[Cell, int]]:
    """Every choice of hidden counts from 1 to `most` that matches the shown counts, by exhaustive search."""
    order = {key: n for n, key in enumerate(hidden)}
    lines = [
        (tuple((key, -1 if key == line.total else 1) for key in (line.total, *line.parts)), max(places))
        for line in linked.sums
        if (places := [order[key] for key in (line.total, *line.parts) if key in order])
    ]
    world = dict(linked.counts)

    def go_on(place: int) -> Iterator[Mapping[Cell, int]]:
        if place == len(hidden):
            yield world
            return
        for count in range(1, most + 1):
            world[hidden[place]] = count
            if all(sum(sign * world[key] for key, sign in line) == 0 for line, last in lines if last == place):
                yield from go_on(place + 1)

    return go_on(0)


def by_trying(linked: Linked, hidden: Sequence[Cell], most: int) -> dict[Cell, Interval]:
    least, greatest = dict.fromkeys(hidden, most + 1), dict.fromkeys(hidden, 0)
    for world in all_solutions(linked, hidden, most):
        for key in hidden:
            least[key], greatest[key] = min(least[key], world[key]), max(greatest[key], world[key])
    return {key: Interval(least[key], greatest[key]) for key in hidden}


# --- known tables ----------------------------------------------------------------------------------------------------


def test_a_count_hidden_alone_is_revealed() -> None:
    linked = square([[9, 2, 9], [9, 9, 9], [9, 9, 9]])
    alone = [cell("calls", a="a0", b="b1")]
    assert intervals(linked, alone) == {alone[0]: Interval(2, 2)}
    assert narrow(linked, alone, rules()) == {alone[0]: Interval(2, 2)}


def test_four_at_the_corners_of_a_rectangle_protect_each_other() -> None:
    linked = square([[9, 2, 9], [9, 9, 9], [9, 9, 9]])
    corners = [cell("calls", a=a, b=b) for a in ("a0", "a1") for b in ("b0", "b1")]
    assert intervals(linked, corners)[cell("calls", a="a0", b="b1")] == Interval(1, 10)
    assert narrow(linked, corners, rules()) == {}


def test_all_sums_together_can_reveal_what_no_single_sum_does() -> None:
    """Two cells are hidden in every row and column, but rows minus columns reveal a0 and b2."""
    linked = square([[2, 9, 3], [9, 2, 9], [9, 9, 9]])
    chain = [cell("calls", a=a, b=b) for a, b in (("a0", "b0"), ("a0", "b1"), ("a1", "b0"), ("a1", "b1"))]
    given_away = [*chain, cell("calls", a="a0", b="b2"), cell("calls", a="a2", b="b2"), cell("calls", a="a2")]
    found = intervals(linked, given_away)
    assert found[cell("calls", a="a0", b="b2")] == Interval(3, 3)
    assert found[cell("calls", a="a0", b="b0")].width > 0


def test_a_count_without_bounds_has_an_infinite_interval() -> None:
    linked = table("calls", [ROWS], {("a0",): 2, ("a1",): 7, ("a2",): 8})
    some = [cell("calls", a="a0"), cell("calls")]
    assert intervals(linked, some)[some[0]] == Interval(1, float("inf"))


def test_the_attacker_knows_that_counts_are_integers() -> None:
    """2 x + 3 y = 13: with fractions x could be anything from 1 to 5; as an integer it is 2 or 5."""
    x, y, total = (cell("calls", a=name) for name in ("x", "y", "total"))
    linked = Linked({x: 2, y: 3, total: 13}, [Sum(total, (x, x, y, y, y))])
    assert intervals(linked, [x, y]) == {x: Interval(2, 5), y: Interval(1, 3)}


def test_a_month_does_not_reveal_what_its_weeks_hide() -> None:
    """Days in two weeks, weeks in a month: each table alone would be safe, but together they are not."""
    days = [f"d{n}" for n in range(6)]
    when = Dimension("when", {"month": days, "week 1": days[:3], "week 2": days[3:]})
    linked = table("calls", [when], dict(zip(((day,) for day in days), (2, 30, 40, 50, 60, 70), strict=True)))
    month_alone = [cell("calls", when="d0"), cell("calls", when="d3")]
    assert set(narrow(linked, month_alone, rules())) == set(month_alone)
    found = protect(Hiding(linked, rules(), hidden=month_alone))
    assert narrow(linked, found.hidden, rules()) == {}


def test_this_month_does_not_reveal_what_last_month_hid() -> None:
    """The same cells in two reports: hidden cells stay hidden, shown cells count as known."""
    linked = square([[40, 2, 30], [20, 50, 60], [70, 80, 90]])
    first = protect(Hiding(linked, rules()))
    again = protect(Hiding(linked, rules(), shown=set(linked.counts) - set(first.hidden), hidden=first.hidden))
    assert again.hidden == first.hidden
    trend = table("calls", [ROWS], {("a0",): 72, ("a1",): 130, ("a2",): 240})
    later = protect(
        Hiding(trend, rules(), shown=[key for key in trend.counts if key not in first.hidden], hidden=first.hidden)
    )
    assert set(later.hidden) == set(first.hidden) & set(trend.counts)


def test_without_scipy_nothing_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(Refusal, match=r"\[model\]"):
        protect(Hiding(square([[2, 9, 9]] * 3), rules()))


def test_a_failed_solver_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.optimize

    class Stopped:
        status, message = 1, "time limit"

    monkeypatch.setattr(scipy.optimize, "linprog", lambda *_, **__: Stopped)
    with pytest.raises(Refusal, match="are protected: time limit"):
        narrow(square([[2, 9, 9]] * 3), [cell("calls", a="a0", b="b0")], rules())


# --- laws ------------------------------------------------------------------------------------------------------------

SMALL = st.lists(st.lists(st.integers(0, 7), min_size=3, max_size=3), min_size=3, max_size=3)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(SMALL, st.data())
def test_intervals_match_those_of_an_exhaustive_search(rows: list[list[int]], data: st.DataObject) -> None:
    linked = square(rows)
    inner = [key for key, count in linked.counts.items() if count and len(key) == 3]
    hidden = data.draw(st.lists(st.sampled_from(inner), unique=True, max_size=6)) if inner else []
    assert intervals(linked, hidden) == by_trying(linked, hidden, 21)


@SLOW
@given(SMALL, st.sampled_from([3, 4, 5]))
def test_hidden_counts_of_small_tables_are_protected(rows: list[list[int]], threshold: int) -> None:
    linked, asked = square(rows), rules(threshold)
    found = protect(Hiding(linked, asked))
    assert all(not 0 < count < threshold for key, count in linked.counts.items() if key not in found.hidden)
    exact = intervals(linked, found.hidden)
    assert all(each.width >= asked.protection for each in exact.values())
    assert all(each.low <= linked.counts[key] <= each.high for key, each in exact.items())


@SLOW
@given(st.lists(st.integers(0, 9), min_size=4, max_size=4), st.lists(st.integers(0, 9), min_size=4, max_size=4))
def test_linked_tables_protect_each_others_counts(one: list[int], other: list[int]) -> None:
    """Two tables with the same total and a hierarchy: every hidden count keeps a wide interval."""
    tree = Dimension("tree", {"": ("left", "right"), "left": ("l1", "l2"), "right": ("r1", "r2")})
    first = table("calls", [tree], dict(zip((("l1",), ("l2",), ("r1",), ("r2",)), one, strict=True)))
    other = [*other[:3], max(0, sum(one) - sum(other[:3]))]
    if sum(one) != sum(other):
        return
    flat = Dimension("flat", {"": ("f0", "f1", "f2", "f3")})
    linked = join([first, table("calls", [flat], {(f"f{n}",): count for n, count in enumerate(other)})])
    found = protect(Hiding(linked, rules(3)))
    hidden = sorted(found.hidden)
    if len(hidden) <= 5:
        tried = by_trying(linked, hidden, 14)
        assert all(each.width >= 2 for each in tried.values())


@SLOW
@given(SMALL, st.lists(st.booleans(), min_size=16, max_size=16))
def test_earlier_publications_are_respected_or_refused(rows: list[list[int]], seen: list[bool]) -> None:
    linked = square(rows)
    shown = {key for (key, count), was in zip(linked.counts.items(), seen, strict=True) if was and count >= 5}
    try:
        found = protect(Hiding(linked, rules(), shown=shown))
    except Unprotected:
        return
    assert not shown & set(found.hidden)
    assert narrow(linked, found.hidden, rules()) == {}
