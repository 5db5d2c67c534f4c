"""The measures on days counted by hand, and their properties on random visits."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter import kpi
from charter.kpi import Figure, Thresholds, Visit, measure
from charter.kpi_definitions import DEFINITIONS, MODELLED, PUBLISHED, SERVICE_LEVELS
from charter.promises import Deferred


def visits(fate: kpi.Fate, *waits: float, talk: float | None = None, wrap: float | None = None) -> list[Visit]:
    return [Visit(0.0, fate, wait, talk, wrap) for wait in waits]


def worked_day() -> list[Visit]:
    """100 offered; 70 answered within 20 s, 15 later; 15 abandoned: 5 within 5 s, 5 within 20 s, 5 later."""
    return [
        *visits("answered", *[20.0] * 70, *[21.0] * 15),
        *visits("abandoned", *[5.0] * 5, *[20.0] * 5, *[20.5] * 5),
    ]


def test_the_five_service_levels_of_the_worked_day() -> None:
    found = measure(worked_day())
    assert {name: round(100 * (found[name].value or 0), 1) for name in SERVICE_LEVELS} == {
        "service_level": 70.0,
        "service_level_without_short": 73.7,
        "service_level_without_early": 77.8,
        "service_level_with_early": 80.0,
        "service_level_of_answered": 82.4,
    }


def test_the_published_service_level_counts_all_calls_in_the_denominator() -> None:
    assert PUBLISHED == "service_level"
    assert measure(worked_day())[PUBLISHED][2:] == (70, 100)
    assert [name for name, each in DEFINITIONS.items() if not each.publishable] == ["service_level_of_answered"]


def test_a_call_sent_to_the_voicemail_counts_as_not_answered_in_time() -> None:
    with_messages = [*worked_day(), *visits("key", 3.0), *visits("full", 0.0), *visits("timeout", 600.0)]
    found = measure(with_messages)
    assert found["service_level"].denominator == 103
    assert found["overflow"] == Figure("overflow", 3 / 103, 3, 103)
    assert found["answer_rate"] == Figure("answer_rate", 85 / 103, 85, 103)


def test_abandonment_with_and_without_short_abandons() -> None:
    found = measure(worked_day())
    assert found["abandonment"][1:] == (0.15, 15, 100)
    assert found["abandonment_net"][1:] == (10 / 95, 10, 95)


def test_thresholds_move_both_bounds() -> None:
    found = measure(worked_day(), Thresholds(within=21, short=20))
    assert found["service_level"].numerator == 85
    assert found["abandonment_net"][2:] == (5, 90)


def test_waits_of_answered_calls_and_of_all_queued_calls() -> None:
    day = [*visits("answered", 0, 0, 0, 4), *visits("abandoned", 16), *visits("full", 0), *visits("blocked", 0)]
    found = measure(day)
    assert found["wait_mean_answered"][1:] == (1.0, 4, 4)
    assert found["wait_mean_all"][1:] == (4.0, 20, 5)
    assert found["wait_median_answered"][1:] == (0, 3, 4)
    assert found["wait_p90_all"][1:] == (16, 5, 5)


def test_an_unknown_wait_is_left_out_of_means_and_percentiles_but_counts_as_offered() -> None:
    found = measure([*visits("answered", 10, 30), *visits("lost", 50, math.nan, math.nan)])
    assert found["wait_mean_all"][1:] == (30.0, 90, 3)
    assert found["wait_median_all"][1:] == (30, 2, 3)
    assert found["service_level"].denominator == 5


def test_handling_time_leaves_out_calls_whose_talk_is_unknown() -> None:
    day = [*visits("answered", 1, talk=100, wrap=20), *visits("answered", 1, talk=60), *visits("answered", 1)]
    assert measure(day)["handling_time"][1:] == (90.0, 180, 2)


def test_a_day_without_calls_has_no_value_instead_of_zero() -> None:
    assert {each.value for each in measure([]).values()} == {None}


def test_occupancy() -> None:
    assert kpi.occupancy(90, 30)[1:] == (0.75, 90, 120)
    assert kpi.occupancy(0, 0).value is None


@pytest.mark.parametrize(
    ("percent", "count", "expected"), [(50, 1, 0), (50, 4, 1), (50, 5, 2), (90, 10, 8), (90, 11, 9)]
)
def test_the_nearest_rank(percent: int, count: int, expected: int) -> None:
    assert kpi.rank(count, percent) == expected


def test_on_time_is_counted_by_due_date_with_unanswered_requests_late() -> None:
    requests = [
        Deferred(due=10, answered=10),  # at the last instant: in time
        Deferred(due=10, answered=11),
        Deferred(due=19, answered=None),
        Deferred(due=20, answered=1),  # of the next period
        Deferred(due=9, answered=1),  # of the last one
    ]
    assert kpi.on_time("on_time_email", requests, 10, 20)[1:] == (1 / 3, 1, 3)
    assert kpi.on_time("on_time_email", [], 10, 20).value is None


def test_an_unknown_count_makes_only_its_own_shares_unknown() -> None:
    found = {each.name: each for each in kpi.shares(kpi.tally(worked_day())._replace(short=math.nan))}
    assert math.isnan(found["abandonment_net"].value or 0)
    assert math.isnan(found["service_level_without_short"].value or 0)
    assert found["service_level"].value == 0.7


def test_open_requests_count_as_not_resolved() -> None:
    requests = [
        kpi.Handled(1, True, 1),
        kpi.Handled(1, True, 3),
        kpi.Handled(2, True, 1),
        kpi.Handled(1, False, 1),  # open, or closed without an answer
    ]
    level_one, first = kpi.resolution(requests)
    assert level_one == Figure("level_one_resolution", 0.5, 2, 4)
    assert first == Figure("first_contact_declared", 0.25, 1, 4)


DAY = 86400.0


def call(who: str, day: float, topic: str = "ADR", *, answered: bool = True) -> kpi.Contact:
    return kpi.Contact(who, topic, day * DAY, day * DAY, answered)


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        ([call("a", 1)], (1, 1)),
        ([call("a", 1), call("a", 8)], (1, 2)),  # seven days to the second: again; the second one stands
        ([call("a", 1), call("a", 8.1)], (2, 2)),
        ([call("a", 1), call("a", 2, "DID"), call("b", 2)], (3, 3)),  # another topic, another caller
        ([call("a", 1), call("a", 2, answered=False)], (0, 1)),  # called again, even without an answer
        ([call("a", 9), call("a", 12)], (0, 1)),  # the second belongs to the next period
        ([call("a", 0.5), call("a", 9.5)], (1, 1)),  # the first belonged to the last one
        ([], (0, 0)),
    ],
)
def test_a_second_call_about_the_same_topic_means_no_first_contact_resolution(
    contacts: list[kpi.Contact], expected: tuple[int, int]
) -> None:
    found = kpi.first_contact_observed(contacts, DAY, 10 * DAY, 100 * DAY)
    assert found[2:] == expected


def test_first_contact_waits_until_its_days_are_over() -> None:
    contacts = [call("a", 1), call("b", 2)]
    assert kpi.first_contact_observed(contacts, DAY, 10 * DAY, 8 * DAY)[2:] == (1, 1)
    assert kpi.first_contact_observed(contacts, DAY, 10 * DAY, 5 * DAY).value is None


def test_the_survey_score_and_response_rate() -> None:
    score, response = kpi.survey([5, 4, 3, 1], responses=6, asked=30)
    assert score == Figure("survey_score", 0.5, 2, 4)
    assert response == Figure("survey_response", 0.2, 6, 30)


def test_a_satisfied_answer_is_in_the_upper_quarter_of_its_scale() -> None:
    scales = {(1, 5): 4, (1, 10): 8, (0, 9): 7, (1, 2): 2, (1, 3): 3, (1, 4): 4, (6, 9): 9}
    for (low, high), least in scales.items():
        satisfied = [value for value in range(low, high + 1) if kpi.is_satisfied(value, (low, high))]
        assert satisfied == list(range(least, high + 1))
    assert kpi.survey([6, 7, 8, 9], 4, 4, (6, 9))[0].value == 0.25


def test_wilson_intervals_match_published_tables() -> None:
    # Agresti and Coull (1998): 10 of 10 -> from 0.722; Newcombe (1998), table I: 81 of 263 -> 0.2553 to 0.3662.
    assert kpi.wilson(kpi.ratio("x", 10, 10)) == (pytest.approx(0.722, abs=5e-4), pytest.approx(1.0))
    assert kpi.wilson(kpi.ratio("x", 81, 263)) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert kpi.wilson(kpi.ratio("x", 0, 0)) is None


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_the_interval_contains_the_share_and_lies_between_0_and_1(count: int, part: float) -> None:
    figure = kpi.ratio("x", int(part * count), count)
    low, high = kpi.wilson(figure) or (1.0, 0.0)
    assert 0 <= low <= (figure.value or 0) + 1e-9
    assert (figure.value or 0) - 1e-9 <= high <= 1


# --- definitions -----------------------------------------------------------------------------------------------------


def test_measures_and_definitions_match_in_both_languages() -> None:
    names = {*measure([]), "occupancy", "on_time_email", "on_time_second_level", "on_time_callback"}
    assert names == set(MODELLED)
    live = {*(each.name for each in (*kpi.resolution([]), *kpi.survey([], 0, 0))), "first_contact_observed"}
    assert names | live == set(DEFINITIONS)
    for each in DEFINITIONS.values():
        words = [each.title("it"), each.title("en"), each.text("it"), each.text("en")]
        assert len(set(words)) == 4
        assert not any("{" in text for text in words)


def test_a_definition_names_its_thresholds() -> None:
    definition = measure([])["abandonment_net"].definition
    assert measure([])["service_level"].definition.title("it", within=1) == "Risposte entro 1 secondo"
    assert measure([])["service_level"].definition.title("en", within=1) == "Answered within 1 second"
    assert "entro 7,5 s" in definition.text("it", short=7.5)
    assert DEFINITIONS["service_level"].title("en", within=30) == "Answered within 30 seconds"


# --- laws ------------------------------------------------------------------------------------------------------------

SECONDS = st.floats(0, 1e4)
ANY = st.lists(
    st.builds(Visit, st.just(0.0), st.sampled_from(kpi.FATES), SECONDS, st.none() | SECONDS, st.none() | SECONDS)
)


@given(ANY, st.floats(0, 60), st.floats(0, 20))
def test_shares_lie_between_0_and_1_and_the_variants_in_order(day: list[Visit], within: float, short: float) -> None:
    found = measure(day, Thresholds(within, min(short, within)))
    for figure in found.values():
        if figure.value is not None and figure.definition.kind == "share":
            assert 0 <= figure.value <= 1
            assert figure.value == figure.numerator / figure.denominator
    levels = [found[name].value for name in SERVICE_LEVELS[:4]]
    if None not in levels:
        values: list[Any] = levels
        assert values == sorted(values)


@given(ANY)
def test_every_fate_is_counted_once(day: list[Visit]) -> None:
    found = measure(day)
    lost = sum(each.fate in ("lost", "unknown") for each in day)
    parts = sum(found[name].numerator for name in ("answer_rate", "abandonment", "overflow", "blocking"))
    assert parts + lost == len(day)


@given(st.lists(SECONDS, min_size=1), st.sampled_from([50, 90, 95]))
def test_a_percentile_is_one_of_the_values(values: list[float], percent: int) -> None:
    found = kpi.percentile("wait_p90_all", values, percent)
    assert found.value in values
    assert found.numerator * 100 >= percent * len(values)
    below = sum(each < (found.value or 0) for each in values)
    assert below * 100 < percent * len(values) or math.isclose(below, 0)
