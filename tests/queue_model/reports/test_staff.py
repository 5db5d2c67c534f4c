"""The page of a staffing: the people of the week, one day compared with formulas, too few seats, hours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from charter.calendar import WEEKDAYS
from pages import localization
from queue_model.cli import main
from tests.queue_model.example_scenarios import EVERY_DAY, day
from tests.queue_model.html_pages import NASTY, cells, headings, parsed, pictures, section, words

SHORT_DAYS = {each: ["09:00-12:00"] if each in WEEKDAYS[:2] else [] for each in EVERY_DAY}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(here: Path, seats: int, *asked: str) -> tuple[ElementTree.Element, dict[str, Any]]:
    written = day(
        seats, 7, title=NASTY, service={"hours": SHORT_DAYS}, targets={"service_level": 0.8},
        operators={"shifts": {"tutti": {"hours": "09:00-12:00", "operators": seats}}},
    )  # fmt: skip
    (here / "x.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    more = ["--replications", "2", "--html", "page.html", "--json", "staff.json"]
    assert main(["staff", "x.yaml", *more, *asked]) == 0
    return parsed(here / "page.html"), json.loads((here / "staff.json").read_text(encoding="utf-8"))


def test_the_week_is_a_map_and_a_table_of_the_requirements(here: Path) -> None:
    page, found = made(here, 30, "--language", "it", "--weekday", "tuesday")
    assert words(page.find(".//h1")) == NASTY
    assert headings(page) == [
        "Persone al lavoro, mezz'ora per mezz'ora", "Accanto alle formule: mar", "Ore di lavoro in una settimana",
    ]  # fmt: skip
    rows = cells(section(page, "Persone al lavoro"))
    assert [row[0] for row in rows] == [*found["requirements"]["monday"], "Ore"]
    for column, weekday in enumerate(WEEKDAYS[:2], 1):
        assert [int(row[column]) for row in rows[:-1]] == list(found["requirements"][weekday].values())
    hours = cells(section(page, "Ore di lavoro"))[0]
    assert hours == ["Simulazione", localization.number(found["hours"], "it"), "0"]
    tuesday = [each for each in found["half_hours"] if each["weekday"] == "tuesday"]
    shown = cells(section(page, "Accanto"))
    assert [row[0] for row in shown] == [each["from"] for each in tuesday]
    assert [int(row[3]) for row in shown] == [each["staff"] for each in tuesday]
    assert [int(row[4]) for row in shown] == [each["erlang_c"] for each in tuesday]
    assert len(pictures(page)) == 2


def test_half_hours_where_seats_bind_are_marked_and_listed(here: Path) -> None:
    page, found = made(here, 6)
    binding = [each for each in found["half_hours"] if each["seats_bind"]]
    assert binding
    rows = cells(section(page, "Where 6 seats are not enough"))
    names = [f"{localization.DAYS['en'][WEEKDAYS.index(each['weekday'])]} {each['from']}" for each in binding]
    assert [row[0] for row in rows] == names
    assert [int(row[1]) for row in rows] == [each["without_limit_of_seats"] for each in binding]
    met = ["met, because of the half-hours around it" if each["targets_met"] else "target missed" for each in binding]
    assert [row[-1] for row in rows] == met
    marked = [cell for row in cells(section(page, "People at work"))[:-1] for cell in row[1:] if cell.endswith("!")]
    assert len(marked) == len(binding)
