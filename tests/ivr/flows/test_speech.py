"""Numbers, hours and days, put together from recorded pieces."""

from __future__ import annotations

import pytest

from ivr.configuration.compiled import Compiled
from ivr.flows.speech import next_opening, number, opening_hours, sounds
from tests.conftest import rome

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def words(compiled: Compiled, pieces: list[str]) -> str:
    return " ".join(compiled["prompts"][piece]["text"].rstrip(".") for piece in pieces)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "zero"), (9, "nove"), (17, "diciassette"), (20, "venti"), (21, "ventuno"), (23, "venti tre"),
     (28, "ventotto"), (40, "quaranta"), (59, "cinquanta nove"), (88, "ottantotto"), (99, "novanta nove")],
)  # fmt: skip
def test_an_italian_number(shipped: Compiled, value: int, said: str) -> None:
    assert words(shipped, number(value)) == said


def test_every_number_of_a_clock_and_of_a_month_has_its_recordings(shipped: Compiled) -> None:
    assert all(piece in shipped["prompts"] for value in range(60) for piece in number(value))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-24 08:00", "Il servizio riapre oggi alle ore nove"),
        ("2026-11-24 20:00", "Il servizio riapre domani alle ore nove"),
        ("2026-11-27 20:00", "Il servizio riapre lunedì alle ore nove"),
        ("2026-12-24 18:00", "Il servizio riapre lunedì alle ore nove"),
        ("2026-04-04 10:00", "Il servizio riapre martedì alle ore nove"),  # Easter Monday is closed too
    ],
)
def test_the_next_opening(shipped: Compiled, now: str, said: str) -> None:
    assert words(shipped, next_opening(shipped["service"], rome(now))) == said


def test_an_opening_beyond_a_week_has_its_date(compiled: Compiled) -> None:
    compiled["service"]["holidays"]["extra_closures"] = [
        {"first": "2026-08-10", "last": "2026-08-31", "reason": "Ferie"}
    ]
    said = words(compiled, next_opening(compiled["service"], rome("2026-08-10 10:00")))
    assert said == "Il servizio riapre martedì primo settembre alle ore nove"


def test_the_hours_of_the_week(shipped: Compiled) -> None:
    said = words(shipped, opening_hours(shipped["service"]))
    assert said == (
        "Il servizio con operatore è attivo dal lunedì al venerdì dalle ore nove alle ore diciotto "
        "esclusi i giorni festivi"
    )


def test_hours_that_differ_from_day_to_day(compiled: Compiled) -> None:
    hours = {day: list[str]() for day in DAYS}
    hours["monday"] = hours["tuesday"] = ["09:00-13:00", "14:30-18:00"]
    hours["thursday"] = ["10:00-12:00"]
    compiled["service"]["hours"] = hours
    assert words(compiled, opening_hours(compiled["service"])) == (
        "Il servizio con operatore è attivo dal lunedì al martedì dalle ore nove alle ore tredici e dalle ore "
        "quattordici e trenta alle ore diciotto giovedì dalle ore dieci alle ore dodici esclusi i giorni festivi"
    )


def test_sounds_are_where_the_switch_looks_for_them(shipped: Compiled) -> None:
    files = sounds(shipped, ["welcome", {"say": "opening_hours"}], rome("2026-11-24 20:00"))
    assert files[:2] == ["nul/welcome", "nul/hours-intro"]
    assert "digits/9" in files
