"""The page of a comparison agrees with the JSON, in both languages, and judges by whole intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from pages import colours
from queue_model.cli import main
from queue_model.reports.texts import TEXTS
from tests.queue_model.example_scenarios import day
from tests.queue_model.html_pages import NASTY, cells, headings, parsed, pictures, section, words


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(here: Path, *more: str, **scenarios: dict[str, Any]) -> Any:
    """The page of a comparison of these scenarios, and its figures."""
    for name, written in scenarios.items():
        (here / f"{name}.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    files = [f"{name}.yaml" for name in scenarios]
    asked = ["--replications", "6", "--html", "page.html", "--json", "figures.json"]
    assert main(["compare", *files, *asked, *more]) == 0
    return parsed(here / "page.html"), json.loads((here / "figures.json").read_text(encoding="utf-8"))


def test_each_scenario_is_compared_with_the_first_after_a_ranking(here: Path) -> None:
    page, figures = made(here, "--language", "it", four=day(4, 2), five=day(5, 2), six=day(6, 2))
    found = headings(page)
    assert found[0] == "La classifica: Risposte entro 20 secondi"
    assert found[1:] == ["five rispetto a four", "six rispetto a four", "Tutte le misure"]
    ranked = cells(section(page, "La classifica"))
    order = [("four", "five", "six")[each["scenario"]] for each in figures["ranking"]["places"]]
    assert [row[0] for row in ranked] == order == ["six", "five", "four"]
    for bar, row in zip(_bars(section(page, "La classifica")), ranked, strict=True):
        assert bar == pytest.approx(
            float(row[2].split()[0].replace(",", ".")) / 100, abs=0.001
        )  # as a share of the line
    assert "al 98,33 %" in words(page.find(".//footer"))  # of three pairs, Bonferroni
    for heading in found[1:3]:
        assert len(pictures(section(page, heading))) == 2  # points, and seconds


def _bars(ranking: ElementTree.Element) -> list[float]:
    """The lengths of the bars as shares of their line."""
    wide = [float(each.get("width") or 0) for each in ranking.iter("rect")]
    return [bar / line for line, bar in zip(wide[::2], wide[1::2], strict=True)]


def test_a_difference_on_the_page_equals_the_json(here: Path) -> None:
    page, figures = made(here, "--measure", "service_level", "--measure", "occupancy", four=day(4, 2), six=day(6, 2))
    rows = {row[0]: row for row in cells(section(page, "six compared with four"))}
    level = next(each for each in figures["differences"] if each["measure"] == "service_level")
    shown = rows["Answered within 20 seconds"]
    assert shown[3] == f"+{100 * level['value']:.1f} pp"
    assert shown[4] == f"+{100 * level['low']:.1f} … +{100 * level['high']:.1f} pp"
    assert shown[5] == level["verdict"] == "higher"
    marks = {words(row[0]): row[-1][0].get("class") for row in section(page, "six compared").findall(".//tbody/tr")}
    assert marks == {"Answered within 20 seconds": "holds", "Occupancy": "soft"}
    (picture,) = pictures(section(page, "six compared with four"))
    assert [each.get("fill") for each in picture.iter("circle")] == [colours.GREEN, colours.SOFT]


def test_equal_values_and_undecided_differences(here: Path) -> None:
    # Almost the same patience, so that six days cannot decide between them.
    alike = day(6, 1, callers={"patience": {"law": "exponential", "mean": 181}})
    page, figures = made(here, "--measure", "service_level", "--measure", "overflow", a=day(6, 1), b=alike)
    verdicts = {row[0]: row[-1] for row in cells(section(page, "b compared with a"))}
    assert verdicts["Overflow to voicemail"] == "the same"
    level = next(each for each in figures["differences"] if each["measure"] == "service_level")
    assert verdicts["Answered within 20 seconds"] == level["verdict"]
    assert level["verdict"] in ("cannot tell", "the same")
    assert ("Cannot tell" in words(section(page, "The ranking"))) == (level["verdict"] == "cannot tell")


def test_without_a_steady_state_nothing_is_drawn(here: Path) -> None:
    endless = day(2, 2, callers={"patience": {"law": "never"}})
    page, _ = made(here, "--measure", "service_level", a=day(12, 2), b=endless)
    assert "b: There is more work than the people can do" in words(page)
    assert cells(section(page, "b compared with a"))[0][2:] == ["no steady state", "–", "–", "nothing to compare"]
    assert pictures(section(page, "b compared with a")) == []


def test_text_from_outside_is_escaped(here: Path) -> None:
    page, _ = made(here, a={**day(6, 1), "title": NASTY}, b=day(5, 1))
    assert NASTY in words(page)


def test_both_languages_have_all_texts() -> None:
    assert TEXTS["it"].keys() == TEXTS["en"].keys()
    for name, said in TEXTS["it"].items():
        assert said.count("{") == TEXTS["en"][name].count("{"), name
