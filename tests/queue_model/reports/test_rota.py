"""The page of a rota: every duty is a bar and a cell, in both languages, and shortages are listed."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from charter.calendar import WEEKDAYS
from common.languages import LANGUAGES
from common.places import ROOT
from queue_model.cli import main
from tests.queue_model.html_pages import parsed, words

BASELINE = os.path.join(ROOT, "scenarios", "baseline.yaml")
PEOPLE = os.path.join(ROOT, "scenarios", "people.yaml")
HALF_HOURS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(9 * 60, 18 * 60, 30)]
NASTY = "<b>Otto</b> & più"


def made(
    folder: Path, required: int, language: str, days: int = 14
) -> tuple[ElementTree.Element, list[dict[str, str]]]:
    """The page of a rota with so many people required all the time, and its duties."""
    with open(PEOPLE, encoding="utf-8") as file:
        force = {**yaml.safe_load(file), "title": NASTY}
    (folder / "people.yaml").write_text(yaml.safe_dump(force), encoding="utf-8")
    wanted = {day: dict.fromkeys(HALF_HOURS, required) for day in WEEKDAYS[:5]}
    (folder / "staff.json").write_text(json.dumps({"requirements": wanted}), encoding="utf-8")
    page, duties = folder / "rota.html", folder / "rota.csv"
    asked = ["rota", BASELINE, "--people", str(folder / "people.yaml"), "--requirements", str(folder / "staff.json")]
    asked += ["--days", str(days), "--replications", "2", "--gap", "0.05", "--seconds", "10", "--language", language]
    assert main([*asked, "--html", str(page), "--csv", str(duties)]) in (0, 1)
    with open(duties, encoding="utf-8", newline="") as file:
        return parsed(page), list(csv.DictReader(file))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_week_is_a_picture_and_a_table_of_the_same_duties(tmp_path: Path, language: str) -> None:
    page, duties = made(tmp_path, 4, language)
    weeks = [section for section in page.iter("section") if section.find(".//svg") is not None]
    assert len(weeks) == 2
    assert words(page.find(".//h1")).startswith(NASTY)
    bars = cells = 0
    for section in weeks:
        bars += sum(each.get("height") == "12" for each in section.iter("rect"))
        rows = section.findall(".//tbody/tr")
        assert len(rows) == 24
        assert {len(row) for row in rows} == {7}
        cells += sum("–" in words(cell) for row in rows for cell in row[1:-1])
    assert cells == len(duties)
    assert bars == len(duties) + sum(len(duty["breaks"].split()) for duty in duties)
    monday = "lun 5" if language == "it" else "Mon 5"
    assert monday in words(weeks[0])


def test_shortages_are_listed(tmp_path: Path) -> None:
    page, _ = made(tmp_path, 14, "it", days=5)  # on twelve seats
    headings = [words(each) for each in page.iter("h2")]
    assert headings[0] == "Mancano persone"
    required = [words(row[2]) for row in next(page.iter("table")).findall("tbody/tr")]
    assert set(required) == {"14"}
