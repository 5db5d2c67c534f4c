"""The report: one well-formed file that loads nothing, in both languages, with a table beside each chart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from charter.kpi_definitions import DEFINITIONS, MODELLED
from common.languages import LANGUAGES
from common.places import ROOT, Places
from queue_model.cli import main
from queue_model.runs.replication import replicate
from queue_model.runs.working_day import open_slots, working_day
from queue_model.scenario import study
from tests.queue_model.example_scenarios import day, everything
from tests.queue_model.html_pages import NASTY, parsed, words

CONFIG = os.path.join(ROOT, "config")
BASELINE = os.path.join(ROOT, "scenarios", "baseline.yaml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, written: dict[str, Any]) -> str:
    (folder / "x.yaml").write_text(yaml.safe_dump(written, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return "x.yaml"


def made(folder: Path, written: dict[str, Any], *asked: str) -> ElementTree.Element:
    """The page of a run of a scenario."""
    assert main(["run", write(folder, written), "--html", "report.html", *asked]) == 0
    return parsed(folder / "report.html")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_complete_and_each_measure_has_its_definition(here: Path, language: str) -> None:
    page = made(here, everything(days=3), "--replications", "3", "--language", language)
    assert page.get("lang") == language
    said = words(page)
    for definition in (DEFINITIONS[name] for name in MODELLED):
        assert definition.title(language) in said
        assert definition.text(language) in said
    headings = [words(each) for each in page.iter("h2")]
    assert headings[1] == ("Carico e personale nella giornata" if language == "it" else "Load and staff over the day")


def test_each_picture_has_its_table_with_a_row_for_each_half_hour(here: Path) -> None:
    page = made(here, everything(days=3), "--replications", "3")
    pictured = [section for section in page.iter("section") if section.find(".//svg") is not None]
    assert len(pictured) == 4
    for section in pictured:
        assert words(section.find(".//svg/title")) != ""
        tables = list(section.iter("table"))
        assert len(tables) == 1
        assert [each.tag for each in tables[0]] == ["caption", "thead", "tbody"]
        head = len(list(tables[0].iter("th")))
        rows = tables[0].findall("tbody/tr")
        columns = len(tables[0].findall("thead/tr/th"))
        assert head == columns + len(rows)
        assert {len(row) for row in rows} == {columns}
    slots = [words(row[0]) for row in pictured[1].findall(".//tbody/tr")]
    assert slots[0] == "09:00"
    assert slots[-1] == "17:30"
    assert len(pictured[2].findall(".//circle")) <= len(slots)


def test_the_page_loads_nothing_and_runs_nothing(here: Path) -> None:
    page = made(here, everything(days=3), "--replications", "2", "--language", "it")  # parsing checks it
    assert [each.get("name") for each in page.iter("meta") if each.get("name")] == ["viewport"]


def test_text_from_outside_is_escaped(here: Path) -> None:
    written = {**day(8, 2), "title": NASTY}
    page = made(here, written, "--replications", "2")
    assert words(page.find(".//h1")) == NASTY
    assert words(page.find("head/title")) == NASTY


def test_targets_are_judged_and_one_replication_has_no_interval(here: Path) -> None:
    targets = {"service_level": 0.01, "wait_mean": 0.001}
    asked = ["--set", f"targets.service_level={targets['service_level']}"]
    asked += ["--set", f"targets.wait_mean={targets['wait_mean']}", "--language", "it"]
    section = next(made(here, day(3, 2), "--replications", "5", *asked).iter("section"))
    verdicts = {row[0].text: words(row[-1]) for row in section.findall(".//tbody/tr")}
    assert verdicts["Risposte entro 20 secondi"] == "mantenuta"
    assert verdicts["Attesa media delle chiamate con risposta"] == "non mantenuta"
    section = next(made(here, day(3, 2), "--replications", "1", *asked).iter("section"))
    assert {words(row[-1]) for row in section.findall(".//tbody/tr")} <= {
        "troppo vicina al limite per dirlo",
        "nulla da giudicare",
    }


def test_measures_without_a_steady_state_are_not_drawn(here: Path) -> None:
    written = day(2, 2, callers={"patience": {"law": "never"}})
    page = made(here, written, "--replications", "2")
    assert "no steady state" in words(page)
    assert "the queue grows without limit" in words(page)
    assert not any("Answered in time, by half-hour" in words(each) for each in page.iter("h2"))


def test_a_period_without_an_open_day_has_no_day_to_draw(here: Path) -> None:
    asked = ["run", BASELINE, "--first", "2026-10-10", "--days", "2", "--replications", "2", "--html", "report.html"]
    assert main(asked) == 0
    page = parsed(here / "report.html")
    assert [words(each) for each in page.iter("h2")] == ["The promises", "All measures"]


def test_a_full_disk_leaves_the_old_report(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made(here, day(8, 2), "--replications", "2")
    before = (here / "report.html").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["run", "x.yaml", "--replications", "3", "--html", "report.html"]) == 1
    assert "report.html: not written: No space left on device" in capsys.readouterr().err
    assert (here / "report.html").read_bytes() == before
    assert sorted(each.name for each in here.iterdir()) == ["report.html", "x.yaml"]


def test_the_working_day_counts_the_people_of_the_scenario(here: Path) -> None:
    """The work by half-hour sums to the work of the operators."""
    result = replicate(study.load(write(here, day(5, 3)), Places(CONFIG), {}), replications=2, parts=("half-hour",))
    seen = working_day(result)
    assert seen.replications == 2
    worked, seated = (sum(each.whole["occupancy"][side] for each in result.sums) / 2 for side in (0, 1))
    days = int(result.study.period.opens.sum())
    assert np.isclose(1800 * days * float((seen.on_calls + seen.on_other).sum()), worked, rtol=1e-6)
    assert np.isclose(1800 * days * float(seen.at_work.sum()), seated, rtol=1e-6)
    assert all(seen.at_work[slot] > 0 for slot in open_slots(result.study.period))
