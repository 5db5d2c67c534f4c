"""Calibration of a simulated queue_log recovers the parameters of the simulation."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.facts import Fact
from queue_model.cli import main
from queue_model.errors import ModelError
from queue_model.fitting.calibrate import Calibration, calibrate
from queue_model.fitting.maximum_likelihood import FittedValue
from queue_model.fitting.queue_log import parse
from queue_model.scenario import study
from queue_model.scenario.study import Study
from queue_model.simulation import kernel
from queue_model.simulation.builder import Builder
from tests.queue_model.example_scenarios import day
from tests.queue_model.simulated_queue_log import lines

NUMBERED = {"share": 0.4, "after": {"law": "exponential", "mean": 900}, "most": 2}


@cache
def service(patience: str = "weibull") -> Study:
    """Five people for 400 calls: every kind of event is frequent within a few months."""
    laws: dict[str, Any] = {
        "weibull": {"law": "weibull", "mean": 240, "shape": 1.4},
        "exponential": {"law": "exponential", "mean": 180},
    }
    return study.of(
        day(
            staff=5,
            days=121,
            arrivals={"weekdays": {"monday": 1.3, "friday": 0.7}, "busyness": 50},
            callers={"patience": laws[patience], "voicemail_key": 0.1, "redial": NUMBERED},
            handling={"talk": {"law": "lognormal", "mean": 300, "sigma": 0.7}},
        )
    )


@cache
def written(patience: str = "weibull", numbers: bool = True, seed: int = 5) -> tuple[str, ...]:
    there = service(patience)
    return tuple(lines(kernel.simulate(Builder(there).inputs(0, seed).inputs), there, numbers=numbers))


@cache
def calibrated(patience: str = "weibull", numbers: bool = True) -> Calibration:
    return calibrate(parse(written(patience, numbers)), service(patience))


def estimates(found: Calibration) -> dict[str, FittedValue]:
    return {each.path + ("/shape" if each.name.startswith(" ") else ""): each.estimate for each in found.parameters}


def holds(estimate: FittedValue, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def test_the_parameters_are_recovered_within_their_intervals() -> None:
    found = estimates(calibrated())
    truths = {
        "arrivals.per_day": 400, "arrivals.busyness": 50, "arrivals.weekdays.monday": 1.3,
        "arrivals.weekdays.friday": 0.7, "handling.talk": 300, "handling.talk/shape": 0.7, "callers.patience": 240,
        "callers.patience/shape": 1.4, "callers.voicemail_key": 0.1, "callers.redial.share": 0.4,
        "callers.redial.after": 900,
    }  # fmt: skip
    assert [path for path, truth in truths.items() if not holds(found[path], truth)] == []
    assert found["handling.talk"].high - found["handling.talk"].low < 6  # and it is narrow


def test_half_hours_and_weekdays_are_those_of_the_profile() -> None:
    found = calibrated().values["arrivals"]
    weights = found["profile"]["weights"]
    assert found["profile"]["from"] == "09:00"
    assert weights[:4] == pytest.approx([14, 22, 28, 32], rel=0.06)
    assert weights[18:] == pytest.approx([0] * 8, abs=0.1)
    assert sum(found["weekdays"].values()) == pytest.approx(7, abs=0.01)


def test_exponential_patience_is_distinguished_from_weibull() -> None:
    found = calibrated("exponential")
    assert found.patience is not None
    assert found.patience.law == "exponential"
    assert holds(found.patience.mean, 180)
    assert found.patient is not None
    assert found.patient.at(125) == pytest.approx(0.5, abs=0.02)


def test_without_numbers_redials_come_from_the_base() -> None:
    found = calibrated(numbers=False)
    assert "redial" not in found.values["callers"]
    assert any("no numbers in the log" in note for note in found.notes)
    assert found.values["arrivals"]["per_day"] == pytest.approx(400, rel=0.04)


@pytest.mark.parametrize("shown", ["anonymous", "Anonymous", "unavailable", "+xxxxxxxxxxxx"])
def test_a_word_instead_of_a_number_is_not_one_caller(shown: str) -> None:
    """Withheld and purged numbers are not a single caller who calls all day."""
    hidden = [re.sub(r"(ENTERQUEUE\|\|)06\d*", rf"\g<1>{shown}", line) for line in written()]
    assert calibrate(parse(hidden), service()).values == calibrated(numbers=False).values


def test_callers_without_a_number_are_assumed_to_be_like_the_others() -> None:
    hidden = [re.sub(r"(ENTERQUEUE\|\|)06\d*[012]\|", r"\g<1>anonymous|", line) for line in written()]
    found = calibrate(parse(hidden), service())
    assert holds(estimates(found)["callers.redial.share"], 0.4)
    assert holds(estimates(found)["arrivals.per_day"], 400)
    assert any(re.match(r"redials: (29|30|31)\.\d% of the visits have no number", note) for note in found.notes)


def test_a_call_in_two_queues_arrives_once() -> None:
    """The first operator transfers every second caller to another queue in the same call."""
    told = []
    for number, line in enumerate(written()):
        at, call = line.split("|")[:2]
        told.append(line)
        if "|COMPLETECALLER|" in line and number % 2:
            told.append(f"{at}|{call}|second|NONE|ENTERQUEUE||06|1\n")
            told.append(f"{int(at) + 5}|{call}|second|Local/9@seats|CONNECT|5|{call}9|3\n")
            told.append(f"{int(at) + 65}|{call}|second|Local/9@seats|COMPLETECALLER|5|60|1\n")
    found = calibrate(parse(told), service())
    assert found.values["arrivals"] == calibrated().values["arrivals"]
    assert found.values["callers"]["redial"] == calibrated().values["callers"]["redial"]
    assert any("further stays of a call" in note for note in found.notes)
    selected = calibrate(parse(told, "nul"), service())
    assert selected.values == calibrated().values
    assert any(note.startswith("visits at other queues, left out: second") for note in selected.notes)


def test_parts_with_too_few_data_keep_the_base() -> None:
    few = [line for line in written() if "|ABANDON|" not in line and "|EXITWITHKEY|" not in line]
    found = calibrate(parse(few), service())
    assert "patience" not in found.values["callers"]
    assert any(note.startswith("patience: 0 callers gave up; too few") for note in found.notes)
    with pytest.raises(ModelError, match="whole days of service; at least 10"):
        calibrate(parse(written()[:3000]), service())


def test_facts_measure_how_many_reach_the_queue(tmp_path: Path) -> None:
    (tmp_path / "2026-02-03").mkdir()
    at = service().period.origin + 86400 + 10 * 3600
    told = [Fact(f"a{n}", f"c{n}", at + n, "answered", {}) for n in range(1000)]
    told += [Fact(f"h{n}", f"c{n}", at + n, "handed_over", {"topic": "ADR"}) for n in range(800)]
    (tmp_path / "2026-02-03" / "0000000000001-1-1.jsonl").write_bytes(b"".join(fact.line() for fact in told))
    found = calibrate(parse(written()), service(), str(tmp_path))
    assert found.values["arrivals"]["per_day"] == pytest.approx(500, rel=0.04)
    with pytest.raises(ModelError, match="no call on the days of the log reached the queue"):
        calibrate(parse(written()), service(), str(tmp_path / "2026-02-03"))


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queue_log").write_text("".join(written()) + "1791187200|torn")
    base = dict(service().written)
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base, sort_keys=False))
    return tmp_path


def test_the_command_writes_a_scenario_that_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "queue_log", "--based-on", "base.yaml", "--output", "x.yaml"]) == 0
    said = capsys.readouterr().out
    assert "patience, weibull, mean" in said
    assert "seen (Kaplan-Meier)" in said
    assert "note: 1 line torn or not an event" in said
    text = (here / "x.yaml").read_text()
    assert text.startswith("# Calibrated from a queue_log, 2026-02-02 to 2026-06-")
    assert "# choose voicemail, per offer: " in text
    again = study.load("x.yaml")
    assert again.scenario.arrivals.per_day == pytest.approx(400, rel=0.04)
    assert again.scenario.assumptions["arrivals.per_day"].basis == "measured"
    assert main(["run", "x.yaml", "--days", "7", "--replications", "2"]) == 0


def test_the_command_for_programs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "queue_log", "--based-on", "base.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["torn"]) == 1
    assert {each["path"] for each in found["fitted"]} >= {"arrivals.per_day", "callers.patience", "handling.talk"}
    assert found["patience"][0]["share"] > found["patience"][-1]["share"]


def test_on_the_baseline_with_its_menu_and_its_topics(here: Path) -> None:
    assert main(["calibrate", "queue_log", "--output", "measured.yaml"]) == 0
    found = study.load("measured.yaml")
    assert found.scenario.topics["INCENTIVI"].talk is None
    assert found.scenario.arrivals.swings is None
    assert found.scenario.arrivals.per_day > 400  # some callers are satisfied by the menu


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["none"], "calibrate: none: No such file or directory; give the path"),
        (["queue_log", "--facts", "none"], "--facts none: no such folder"),
        (["queue_log", "--based-on", "none.yaml"], "none.yaml: no such scenario"),
    ],
)
def test_refusals(here: Path, capsys: pytest.CaptureFixture[str], asked: list[str], message: str) -> None:
    assert main(["calibrate", *asked]) == 1
    assert message in capsys.readouterr().err
