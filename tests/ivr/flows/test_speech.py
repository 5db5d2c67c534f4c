"""Numbers, hours and days, put together from recorded pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.configuration.compiled import Compiled
from ivr.flows.speech import next_opening, number, opening_hours, sounds
from tests.conftest import OPEN, rome

EXCEPT = "esclusi i giorni festivi e le chiusure straordinarie"

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def daily(days: Iterable[str], hours: list[str]) -> dict[str, list[str]]:
    return {day: list(hours) for day in days}


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
        ("2026-11-24 08:00", "Riapriamo oggi alle ore nove"),
        ("2026-11-24 20:00", "Riapriamo domani alle ore nove"),
        ("2026-11-27 20:00", "Riapriamo lunedì alle ore nove"),
        ("2026-12-24 18:00", "Riapriamo lunedì alle ore nove"),
        ("2026-04-04 10:00", "Riapriamo martedì alle ore nove"),  # Easter Monday is closed too
    ],
)
def test_the_next_opening(shipped: Compiled, now: str, said: str) -> None:
    assert words(shipped, next_opening(shipped["service"], rome(now))) == said


def test_an_opening_beyond_a_week_has_its_date(compiled: Compiled) -> None:
    compiled["service"]["holidays"]["extra_closures"] = [
        {"first": "2026-08-10", "last": "2026-08-31", "reason": "Ferie"}
    ]
    said = words(compiled, next_opening(compiled["service"], rome("2026-08-10 10:00")))
    assert said == "Riapriamo martedì primo settembre alle ore nove"


def test_the_hours_of_the_week(shipped: Compiled) -> None:
    said = words(shipped, opening_hours(shipped["service"], rome(OPEN)))
    assert said == f"Rispondiamo dal lunedì al venerdì dalle ore nove alle ore diciotto {EXCEPT}"


def test_hours_that_differ_from_day_to_day(compiled: Compiled) -> None:
    hours = {day: list[str]() for day in DAYS}
    hours["monday"] = hours["tuesday"] = ["09:00-13:00", "14:30-18:00"]
    hours["thursday"] = ["10:00-12:00"]
    compiled["service"]["hours"] = hours
    assert words(compiled, opening_hours(compiled["service"], rome(OPEN))) == (
        "Rispondiamo il lunedì e il martedì dalle ore nove alle ore tredici e dalle ore quattordici e trenta alle ore "
        f"diciotto e il giovedì dalle ore dieci alle ore dodici {EXCEPT}"
    )


@pytest.mark.parametrize(
    ("hours", "spoken"),
    [
        ({"saturday": ["09:00-13:00"]}, "il sabato dalle ore nove alle ore tredici"),
        ({"sunday": ["18:00-24:00"]}, "la domenica dalle ore diciotto alle ore venti quattro"),
        ({"monday": ["00:00-24:00"]}, "il lunedì 24 ore su 24"),
        (daily(DAYS, ["00:00-24:00"]), "tutti i giorni 24 ore su 24"),
        ({"monday": ["00:00-01:00"]}, "il lunedì dalle ore zero alle ore una"),
        (daily(("monday", "wednesday", "friday"), ["09:00-13:00"]),
         "il lunedì il mercoledì e il venerdì dalle ore nove alle ore tredici"),
        (daily(("monday", "tuesday", "wednesday", "saturday"), ["09:00-13:00"]),
         "dal lunedì al mercoledì e il sabato dalle ore nove alle ore tredici"),
        ({**daily(DAYS[:5], ["09:00-18:00"]), "saturday": ["09:00-13:00"]},
         "dal lunedì al venerdì dalle ore nove alle ore diciotto e il sabato dalle ore nove alle ore tredici"),
    ],
)  # fmt: skip
def test_days_and_hours_in_good_italian(compiled: Compiled, hours: dict[str, list[str]], spoken: str) -> None:
    compiled["service"]["hours"] = {day: hours.get(day, []) for day in DAYS}
    assert (
        words(compiled, opening_hours(compiled["service"], rome("2026-11-24 10:00")))
        == f"Rispondiamo {spoken} {EXCEPT}"
    )


@pytest.mark.parametrize("now", ["2026-11-26 10:00", "2026-12-08 10:00"])  # an extra closure; a holiday
def test_a_day_closed_by_exception_is_not_announced_as_open(compiled: Compiled, now: str) -> None:
    compiled["service"]["holidays"]["extra_closures"] = [
        {"first": "2026-11-26", "last": "2026-11-26", "reason": "Assemblea"}
    ]
    said = words(compiled, opening_hours(compiled["service"], rome(now)))
    assert said.startswith("Oggi il servizio è chiuso Rispondiamo dal lunedì")
    ordinary = words(compiled, opening_hours(compiled["service"], rome("2026-11-24 20:00")))
    assert ordinary.startswith("Rispondiamo")


SPANS = (
    st.tuples(st.integers(0, 1439), st.integers(1, 1440))
    .filter(lambda span: span[0] < span[1])
    .map(lambda span: ["-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)])
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(week=st.lists(st.one_of(st.just([]), SPANS), min_size=7, max_size=7))
def test_every_week_is_spoken_with_pieces_that_exist(shipped: Compiled, week: list[list[str]]) -> None:
    if any(week):
        service: Any = {**shipped["service"], "hours": dict(zip(DAYS, week, strict=True))}
        for pieces in (opening_hours(service, rome(OPEN)), next_opening(service, rome(OPEN))):
            assert [piece for piece in pieces if piece not in shipped["prompts"]] == []


def test_a_prompt_whose_setting_is_null_is_left_out(compiled: Compiled) -> None:
    assert sounds(compiled, ["welcome", "privacy-controller"], rome(OPEN)) == ["nul/welcome"]
    compiled["prompts"]["privacy-controller"]["text"] = "Il titolare dei dati è il Ministero."
    assert sounds(compiled, ["privacy-controller"], rome(OPEN)) == ["nul/privacy-controller"]


def test_sounds_are_where_the_switch_looks_for_them(shipped: Compiled) -> None:
    files = sounds(shipped, ["welcome", {"say": "opening_hours"}], rome("2026-11-24 20:00"))
    assert files[:2] == ["nul/welcome", "nul/hours-intro"]
    assert "digits/9" in files
