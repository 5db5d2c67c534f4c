"""Walks through the real menu: every path, its probability and its duration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.configuration.compiled import Compiled
from ivr.flows.menu import FIRST_PAUSE_SECONDS
from queue_model.scenario.schema import Menu
from queue_model.simulation.menu_paths import MenuPaths, _alias, menu_paths
from queue_model.simulation.menu_routes import Goal, Routes
from queue_model.simulation.menu_walks import Walk, all_walks, walks
from tests.conftest import CLOSED, OPEN, rome
from tests.queue_model.example_scenarios import everything, study_of

AT = rome(OPEN)


def seconds(compiled: Compiled, *prompts: str) -> float:
    return sum(compiled["prompts"][prompt]["seconds"] for prompt in prompts)


def only(found: list[Walk]) -> Walk:
    assert len(found) == 1
    return found[0]


def share(found: list[Walk], **wanted: Any) -> float:
    return sum(walk.chance for walk in found if all(getattr(walk, key) == value for key, value in wanted.items()))


def test_a_caller_with_another_topic_goes_straight_to_the_operators(shipped: Compiled) -> None:
    walk = only(walks(shipped, Menu(reaction=2), "ALTRO", 0, AT))
    assert (walk.ending, walk.topic, walk.priority, walk.informed) == ("queue", "ALTRO", 0, False)
    assert walk.seconds == pytest.approx(seconds(shipped, "welcome", "topics", "queue-wait") + 2 + FIRST_PAUSE_SECONDS)


def test_information_about_a_topic_comes_before_the_operators(shipped: Compiled) -> None:
    walk = only(walks(shipped, Menu(reaction=1), "DID", 0, AT))
    assert (walk.ending, walk.topic, walk.informed) == ("queue", "DID", True)
    heard = seconds(shipped, "welcome", "topics", "info-did", "after-information", "queue-wait")
    assert walk.seconds == pytest.approx(heard + 2 + FIRST_PAUSE_SECONDS)


def test_satisfied_callers_end_the_call(shipped: Compiled) -> None:
    found = walks(shipped, Menu(), "ADR", 0.3, AT)
    assert share(found, ending="done", informed=True) == pytest.approx(0.3)
    assert share(found, ending="queue") == pytest.approx(0.7)


def test_a_hurried_caller_presses_during_the_question(shipped: Compiled) -> None:
    walk = only(walks(shipped, Menu(hurried=1, hurried_at=0.25), "ALTRO", 0, AT))
    expected = seconds(shipped, "welcome", "queue-wait") + seconds(shipped, "topics") / 4
    assert walk.seconds == pytest.approx(expected + FIRST_PAUSE_SECONDS)


def test_a_caller_who_asks_for_an_operator_counts_as_another_topic(shipped: Compiled) -> None:
    assert only(walks(shipped, Menu(straight_to_operator=1), "ADR", 0, AT)).topic == "ALTRO"


def test_a_topic_without_a_key_counts_as_another_topic(shipped: Compiled) -> None:
    assert only(walks(shipped, Menu(), "CPI", 0, AT)).topic == "ALTRO"


def test_outside_hours_callers_reach_the_voicemail(shipped: Compiled) -> None:
    walk = only(walks(shipped, Menu(), "ALTRO", 0.5, rome(CLOSED)))
    assert (walk.ending, walk.informed) == ("message", False)
    assert walk.seconds > seconds(shipped, "closed", "closed-choice")


def test_outside_hours_callers_hear_their_information_then_leave_a_message(shipped: Compiled) -> None:
    found = walks(shipped, Menu(), "ADR", 0.4, rome(CLOSED))
    assert share(found, ending="done", informed=True) == pytest.approx(0.4)
    assert share(found, ending="message", informed=True) == pytest.approx(0.6)


def test_slips_take_time_and_probabilities_add_up(shipped: Compiled) -> None:
    careful = walks(shipped, Menu(), "ADR", 0.2, AT)
    clumsy = walks(shipped, Menu(nothing=0.1, wrong=0.1, repeat=0.1, hang_up=0.02, hurried=0.2), "ADR", 0.2, AT)
    assert sum(walk.chance for walk in clumsy) == pytest.approx(1)
    assert len(clumsy) > 100
    mean = [sum(each.chance * each.seconds for each in found) for found in (careful, clumsy)]
    assert mean[1] > mean[0]
    assert 0.05 < share(clumsy, ending="gone") < 0.12


def test_two_silences_lead_to_the_operators(shipped: Compiled) -> None:
    found = walks(shipped, Menu(nothing=0.5), "ALTRO", 0, AT)
    silent = max(found, key=lambda walk: walk.seconds)
    assert silent.chance == pytest.approx(0.5**2)
    assert silent.ending == "queue"
    waited = 2 * shipped["menu"]["nodes"]["argomenti"]["wait_seconds"]  # type: ignore[typeddict-item]
    heard = seconds(shipped, "welcome", "topics", "no-input", "topics-again", "queue-wait")
    assert silent.seconds == pytest.approx(heard + waited + FIRST_PAUSE_SECONDS)


def test_hanging_up_at_any_prompt(shipped: Compiled) -> None:
    found = walks(shipped, Menu(hang_up=0.1), "ALTRO", 0, AT)
    assert share(found, ending="gone") == pytest.approx(1 - 0.9**3)  # welcome, topics, queue-wait


def test_a_campaign_makes_some_calls_longer(compiled: Compiled) -> None:
    compiled["service"]["recording"] |= {"campaign": True, "sampling": 0.25}
    found = all_walks(compiled, Menu(), "ALTRO", 0, AT)
    short, long = sorted(found, key=lambda walk: walk.seconds)
    assert (short.chance, long.chance) == pytest.approx((0.75, 0.25))
    assert long.seconds - short.seconds == pytest.approx(seconds(compiled, "recording-notice") + 2)


def test_a_shorter_menu_is_a_shorter_walk(compiled: Compiled) -> None:
    before = only(walks(compiled, Menu(), "ALTRO", 0, AT)).seconds
    compiled["prompts"]["topics"]["seconds"] -= 10
    assert only(walks(compiled, Menu(), "ALTRO", 0, AT)).seconds == pytest.approx(before - 10)


def test_a_caller_types_a_number_if_the_menu_asks_for_it(compiled: Compiled) -> None:
    nodes: Any = compiled["menu"]["nodes"]
    nodes["pratica"] = {
        "kind": "number", "name": "pratica", "prompts": ["number-you-typed"], "next": "operatore",
        "failed": "argomenti", "least_digits": 4, "most_digits": 8, "wait_seconds": 5.0, "attempts": 3,
    }  # fmt: skip
    nodes["argomenti"]["keys"]["5"] = "pratica"
    nodes["argomenti"]["keys"].pop("0")
    walk = only(walks(compiled, Menu(), "ALTRO", 0, AT))
    assert walk.ending == "queue"
    assert walk.seconds > seconds(compiled, "welcome", "topics", "number-you-typed", "number-confirm", "queue-wait")


# --- routes ----------------------------------------------------------------------------------------------------------


def test_the_key_of_each_goal(shipped: Compiled) -> None:
    routes = Routes(shipped, AT)
    assert routes.question(routes.start) == "argomenti"
    keys = {topic: routes.key("argomenti", Goal("topic", topic)) for topic in ("ADR", "PORTALE", "ALTRO", "CPI")}
    assert keys == {"ADR": "1", "PORTALE": "4", "ALTRO": "0", "CPI": "0"}
    assert routes.key("argomenti", Goal("end", "ADR")) == "1"  # hear something, then goodbye
    assert routes.key("dopo-aperto", Goal("end", "ADR")) == "3"
    assert routes.key("dopo-aperto", Goal("operator", "ADR")) == "0"
    assert routes.wrong_key("argomenti") == "5"


def test_while_the_service_is_closed_a_message_takes_the_place_of_an_operator(shipped: Compiled) -> None:
    routes = Routes(shipped, rome(CLOSED))
    assert routes.question(routes.start) == "chiuso-scelta"
    assert routes.key("chiuso-scelta", Goal("topic", "ADR")) == "2"
    assert routes.key("chiuso-scelta", Goal("topic", "ALTRO")) == "0"
    assert routes.key("dopo-chiuso", Goal("operator", "ADR")) == "0"
    assert routes.key("dopo-chiuso", Goal("end", "ADR")) == "3"


def test_a_goal_without_a_route_has_no_key(compiled: Compiled) -> None:
    nodes: Any = compiled["menu"]["nodes"]
    nodes["dopo-aperto"]["keys"] = {"0": "operatore"}
    assert Routes(compiled, AT).key("dopo-aperto", Goal("end", "ADR")) is None


# --- drawing a path --------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=40))
def test_alias_tables_keep_every_probability(weights: list[float]) -> None:
    chances = np.array(weights) / sum(weights)
    keep, other = _alias(chances)
    count = len(chances)
    back = keep / count
    np.add.at(back, other, (1 - keep) / count)
    assert back == pytest.approx(chances, abs=1e-12)


def test_paths_are_drawn_by_topic_and_hours_with_their_probabilities() -> None:
    found = menu_paths(study_of(everything()))
    generator = np.random.default_rng(3)
    count = 200_000
    for topic, is_open in ((1, True), (4, True), (1, False)):
        wants, step = np.full(count, topic, dtype=np.int16), np.zeros(count, dtype=np.intp)
        way = found.choose(wants, step, np.array([is_open]), generator.random(count))
        group = slice(found.first[2 * topic + is_open], found.first[2 * topic + is_open + 1])
        drawn = np.bincount(way, minlength=len(found.seconds))[group] / count
        assert drawn.sum() == pytest.approx(1)
        assert drawn == pytest.approx(found.chance[group], abs=4 * 0.5 / np.sqrt(count))
        if not is_open:
            assert (found.ending[way] != MenuPaths.QUEUE).all()
