"""The page of a sweep: a heat map and a table of each measure, with the values of the CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from queue_model.cli import main
from tests.queue_model.example_scenarios import day
from tests.queue_model.html_pages import NASTY, cells, headings, parsed, pictures, section, words


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(here: Path, written: dict[str, Any], *asked: str) -> ElementTree.Element:
    (here / "x.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    assert main(["--var", "var", "sweep", "x.yaml", "--html", "page.html", "--out", "out", *asked]) == 0
    return parsed(here / "page.html")


def test_each_measure_has_a_map_and_a_table_of_the_same_values(here: Path) -> None:
    asked = ["--set", "seats=4,6", "--set", "calls=200,300", "--language", "it"]
    page = made(here, day(6, 1, replications=2), *asked, "--measure", "service_level", "--measure", "occupancy")
    assert headings(page) == ["Risposte entro 20 secondi", "Occupazione del personale"]
    with open("out/sweep.csv", encoding="utf-8", newline="") as file:
        lines = [row for row in csv.DictReader(file) if row["measure"] == "service_level"]
    level = section(page, "Risposte")
    shown = {(seats, calls): value for seats, calls, value, _ in cells(level)}
    assert len(shown) == 4
    for line in lines:
        value = f"{100 * float(line['value']):.1f}".replace(".", ",")
        assert shown[line["seats"], line["calls"]] == f"{value} %"
    (picture,) = pictures(level)
    drawn = [words(each) for each in picture.iter("text")]
    assert drawn[:2] == ["chiamate al giorno", "postazioni"]
    assert [words(each) for each in level.iter("th") if each.get("scope") == "col"][:2] == [
        "postazioni",
        "chiamate al giorno",
    ]
    assert "Valori provati per: postazioni, chiamate al giorno." in words(page)
    assert {" ".join(each.split()) for each in drawn} >= set(shown.values())


def test_one_setting_gives_one_row_and_a_third_setting_more_maps(here: Path) -> None:
    page = made(here, day(6, 1, replications=1), "--set", "calls=10,20", "--measure", "service_level")
    assert len(list(page.iter("rect"))) == 3  # the background and two cells
    asked = ["--set", "reserve=0,1", "--set", "seats=6,7", "--set", "calls=10,20", "--measure", "service_level"]
    page = made(here, day(6, 1, replications=1), *asked)
    named = [words(each) for each in page.iter("text") if "=" in words(each)]
    assert named == ["kept free for calls = 0", "kept free for calls = 1"]
    assert len(list(page.iter("rect"))) == 9


def test_without_variation_there_is_only_a_table(here: Path) -> None:
    page = made(here, day(6, 1, replications=1), "--set", "calls=10", "--measure", "service_level")
    assert pictures(page) == []
    assert len(cells(page)) == 1


def test_a_growing_queue_has_no_value_and_titles_are_escaped(here: Path) -> None:
    endless = day(2, 1, replications=1, title=NASTY, callers={"patience": {"law": "never"}})
    page = made(here, endless, "--set", "calls=5,900", "--measure", "service_level")
    assert words(page.find(".//h1")) == NASTY
    assert [row[1] for row in cells(page)][1] == "no steady state"
