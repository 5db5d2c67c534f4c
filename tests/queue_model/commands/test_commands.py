"""`queue-model run`, `check` and `explain` on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any

import pytest
import yaml

from charter.kpi_definitions import DEFINITIONS, MODELLED, PUBLISHED
from common.places import ROOT
from queue_model.cli import main
from queue_model.commands.check import Bound
from queue_model.commands.simulation_options import precision
from queue_model.runs.measures.estimates import Estimate
from tests.queue_model.example_scenarios import day, everything

BASELINE = os.path.join(ROOT, "scenarios", "baseline.yaml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, written: dict[str, Any], name: str = "x.yaml") -> str:
    (folder / name).write_text(yaml.safe_dump(written, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return name


# --- run -------------------------------------------------------------------------------------------------------------


def test_run_shows_every_measure_with_its_interval(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", BASELINE, "--days", "5", "--replications", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Il servizio com'è: 12 postazioni, 24 persone, 400 chiamate al giorno"
    assert lines[1].startswith(
        "2026-10-05 to 2026-10-09: 5 days, 5 of them open; 3 replications, seed 20261005, engine"
    )
    table = {line.split("  ")[0]: line for line in lines}
    for definition in (DEFINITIONS[name] for name in MODELLED):
        title = definition.title("en") + (" *" if definition.name == PUBLISHED else "")
        assert title in table
    assert " ... " in table["Answered within 20 seconds *"]
    assert "* the service level that is published" in lines


def test_run_in_italian_with_definitions_and_tables(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", write(here, everything(days=3)), "--replications", "2", "--language", "it", "--definitions"]
    assert main([*asked, "--by", "half-hour", "--by", "topic"]) == 0
    said = capsys.readouterr().out
    assert "Percentuale di risposta" in said
    assert "Richieste di secondo livello con risposta nei tempi della Carta  [on_time_second_level]" in said
    assert "«livello di servizio» delle autorità italiane" in said
    assert "\n10:30 " in said
    assert "\nINCENTIVI " in said


def test_run_for_programs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", write(here, everything(days=3)), "--replications", "3", "--seed", "5", "--engine", "kernel"]
    assert main([*asked, "--json", "out.json", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    found = json.loads((here / "out.json").read_text(encoding="utf-8"))
    assert (found["replications"], found["seed"], found["engine"], found["days"]) == (3, 5, "kernel", 3)
    assert set(found["measures"]) == set(MODELLED)
    level = found["measures"]["service_level"]
    assert level["low"] <= level["value"] <= level["high"]
    assert level["value"] == level["numerator"] / level["denominator"]
    assert "offerte" in level["definition"]["it"]
    assert set(found["by"]) == {"half-hour", "weekday", "day", "topic"}
    offered = [each["denominator"] for each in found["by"]["topic"]["service_level"].values()]
    assert sum(offered) == level["denominator"]
    by_csv = {(row["part"], row["group"], row["measure"]): row for row in rows}
    assert float(by_csv["whole", "", "service_level"]["value"]) == level["value"]
    assert float(by_csv["topic", "ADR", "answer_rate"]["value"]) == found["by"]["topic"]["answer_rate"]["ADR"]["value"]


def test_both_engines_give_the_same_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(here, everything(days=3))
    pages = []
    for engine in ("simpy", "kernel"):
        assert main(["run", name, "--replications", "2", "--engine", engine, "--by", "day"]) == 0
        pages.append(capsys.readouterr().out.replace(f"engine {engine}", ""))
    assert pages[0] == pages[1]


def test_run_until_precise(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", write(here, day(5, 3)), "--precision", "3pp", "--replications", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    level = found["measures"]["service_level"]
    assert level["high"] - level["low"] <= 0.06
    assert found["replications"] >= 10


def test_set_changes_any_key(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = []
    for seats in (4, 8):
        staff = f"operators.shifts.tutti.operators={seats}"
        assert main(["run", write(here, day(8, 2)), "--replications", "2", "--set", staff, "--json"]) == 0
        values.append(json.loads(capsys.readouterr().out)["measures"]["service_level"]["value"])
    assert values[0] < values[1]


def test_an_overloaded_queue_without_abandonment_has_no_value(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(here, day(2, 2, callers={"patience": {"law": "never"}}))
    assert main(["run", name, "--replications", "2"]) == 0
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if line.startswith("Answered within 20 seconds *"))
    assert "no steady state" in line
    assert "%" not in line
    assert "No steady state: the telephone: calls bring 80 h of work, operators work 52 h, and no caller" in said
    assert main(["run", name, "--replications", "2", "--json"]) == 0
    level = json.loads(capsys.readouterr().out)["measures"]["service_level"]
    assert level["value"] is None
    assert "no caller gives up" in level["no_steady_state"]


def test_a_mistake_is_refused_with_file_key_and_remedy(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", write(here, day(callers={"balk": 2}))]) == 1
    assert (
        capsys.readouterr().err
        == "queue-model run: x.yaml: callers.balk: must be a number from 0 to 1, not 2; write balk: 0.02\n"
    )
    assert main(["run", "nowhere.yaml"]) == 1
    assert capsys.readouterr().err == "queue-model run: nowhere.yaml: no such scenario\n"
    assert main(["run", "x.yaml", "--set", "callers.balc=0", "--set", "callers.balk=0"]) == 1
    assert "x.yaml: callers.balc: unknown key" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_leaves_the_old_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(here, day(5, 1))
    assert main(["run", name, "--replications", "2", "--json", str(here / "none" / "out.json")]) == 1
    assert "out.json: not written: No such file or directory" in capsys.readouterr().err
    (here / "out.json").write_text("old")
    assert main(["run", name, "--replications", "2", "--json", "out.json"]) == 0
    assert json.loads((here / "out.json").read_text())["replications"] == 2
    assert sorted(path.name for path in here.iterdir()) == ["out.json", "x.yaml"]


def begun(here: Path, *words: str, **how: Any) -> subprocess.Popen[str]:
    """`queue-model` as a separate process."""
    command = [sys.executable, "-c", "import sys; from queue_model.cli import main; sys.exit(main())", *words]
    return subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, text=True, **how)


@pytest.mark.parametrize("kind", ["--html", "--csv", "--json"])
def test_a_failed_write_keeps_the_old_report(kind: str, here: Path) -> None:
    """A limit of 4 kB per file makes the write fail halfway, as on a full disk."""
    name = write(here, day(5, 1))
    (here / "report").write_text("old")
    words = ["run", name, "--replications", "2", "--by", "half-hour", kind, "report"]
    limited = begun(here, *words, stdout=subprocess.DEVNULL, preexec_fn=lambda: setrlimit(RLIMIT_FSIZE, (4096, 4096)))
    _, said = limited.communicate(timeout=60)
    assert limited.returncode == 1
    assert said == "queue-model run: report: not written: File too large; what was there before is still there\n"
    assert (here / "report").read_text() == "old"
    assert sorted(path.name for path in here.iterdir()) == ["report", "x.yaml"]


def test_a_full_standard_output_is_reported(here: Path) -> None:
    name = write(here, day(5, 1))
    with open("/dev/full", "w") as full:
        process = begun(here, "run", name, "--replications", "2", stdout=full)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == "queue-model: standard output: not written: No space left on device\n"


def test_no_standard_output_at_all(here: Path) -> None:
    """As with `>&-`: Python then has no output to flush."""
    process = begun(here, "erlang", "--calls", "64/h", "--aht", "6min", preexec_fn=lambda: os.close(1))
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)


def test_a_closed_pipe_is_not_reported(here: Path) -> None:
    name = write(here, day(5, 1))
    reading, writing = os.pipe()
    os.close(reading)
    process = begun(here, "run", name, "--replications", "2", stdout=writing)
    os.close(writing)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)


def test_an_interruption_while_modules_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main(["run", "x.yaml"]) == 130


def test_a_simulation_larger_than_the_memory(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("queue_model.simulation.builder.Builder.inputs", full)
    assert main(["run", write(here, day(5, 1))]) == 1
    assert capsys.readouterr().err.startswith("queue-model: not enough memory; ask for fewer")


@pytest.mark.parametrize("words", ["0.5", "0pp", "200pp", "pp"])
def test_a_precision_is_in_percentage_points(words: str) -> None:
    with pytest.raises(Exception, match="write percentage points above 0"):
        precision(words)


def test_half_a_point() -> None:
    assert precision("0.5pp") == 0.005


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (["--days", "0"], "'0' is not a whole number"),
        (["--first", "tomorrow"], "'tomorrow' is not a day; write it like 2026-11-24"),
        (["--set", "reserve"], "'reserve': write a key and its value: operators.reserve=3"),
        (["--seed", "-1"], "is not a seed"),
    ],
)
def test_invalid_arguments_are_refused(word: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "x.yaml", *word])
    assert message in capsys.readouterr().err


# --- check -----------------------------------------------------------------------------------------------------------


def targets(**values: float) -> dict[str, Any]:
    return {"targets": values}


@pytest.mark.parametrize(
    ("written", "status", "verdicts"),
    [
        (day(9, 4, **targets(service_level=0.5, abandonment=0.3)), 0, ["holds", "holds"]),
        (day(4, 4, **targets(service_level=0.9, wait_mean=500)), 1, ["fails", "holds"]),
        (day(9, 4), 2, []),
        (day(9, 1, arrivals={"per_day": 0}, **targets(answer_rate=0.9)), 2, ["nothing to judge"]),
        (day(2, 2, callers={"patience": {"law": "never"}}, **targets(service_level=0.01)), 1, ["fails"]),
    ],
)
def test_check_reports_by_its_exit_status(
    here: Path, capsys: pytest.CaptureFixture[str], written: dict[str, Any], status: int, verdicts: list[str]
) -> None:
    assert main(["check", write(here, written), "--json", "--replications", "5"]) == status
    assert [each["verdict"] for each in json.loads(capsys.readouterr().out)] == verdicts


def test_check_runs_more_replications_until_it_is_certain(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(here, day(6, 1))
    assert main(["run", name, "--replications", "16", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)["measures"]["service_level"]["value"]
    close = ["--set", f"targets.service_level={value}", "--replications", "4", "--most", "16", "--json"]
    assert main(["check", name, *close]) == 2
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["replications"]) == ("too close to tell", 16)
    clear = ["--set", f"targets.service_level={value - 0.2}", "--replications", "4", "--json"]
    assert main(["check", name, *clear]) == 0


def test_check_of_the_carta(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", BASELINE, "--replications", "4"]) in (0, 2)
    said = capsys.readouterr().out
    assert "48 hours in 90 % of cases" in said
    assert "10 calendar days in 80 % of cases" in said


def test_a_bound_is_judged_by_the_whole_interval() -> None:
    least, most = Bound("service_level", 0.8, True, ""), Bound("abandonment", 0.05, False, "")

    def estimate(value: float | None, half: float | None) -> Estimate:
        return Estimate(value, half, "x", 0, 0)

    assert least.judge(estimate(0.85, 0.04)) == "holds"
    assert least.judge(estimate(0.85, 0.06)) == "too close to tell"
    assert least.judge(estimate(0.75, 0.04)) == "fails"
    assert least.judge(estimate(0.75, 0.05)) == "too close to tell"
    assert least.judge(estimate(0.9, None)) == "too close to tell"
    assert least.judge(estimate(None, None)) == "nothing to judge"
    assert most.judge(estimate(0.04, 0.01)) == "holds"
    assert most.judge(estimate(0.07, 0.01)) == "fails"
    assert most.judge(estimate(0.055, 0.01)) == "too close to tell"


# --- explain ---------------------------------------------------------------------------------------------------------


def test_explain_separates_assumed_documented_and_configured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", BASELINE]) == 0
    said = capsys.readouterr().out
    assumed, rest = said.split("\nDOCUMENTED\n")
    documented, configured = rest.split("\nCONFIGURED")
    assert "\nASSUMED\n" in assumed
    assert "callers.patience = {law: exponential, mean: 180}" in assumed
    assert "possible: 25 to 200" in assumed
    assert "arrivals.per_day = 400" in documented
    assert "source: Carta dei servizi" in documented
    assert "queue.seats = 12" in configured
    assert "UNSTATED" not in said


def test_explain_shows_changed_and_unstated_values(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(here, {"title": "dieci", "based_on": os.path.relpath(BASELINE, here), "operators": {"seats": 10}})
    name = write(here, {**yaml.safe_load((here / name).read_text()), "operators": {"reserve": 4}})
    assert main(["explain", name, "--set", "callers.balk=0.1", "--json"]) == 0
    found = {each["key"]: each["basis"] for each in json.loads(capsys.readouterr().out)}
    assert [key for key, basis in found.items() if basis == "changed"] == ["callers.balk", "operators.reserve"]
    assert main(["explain", write(here, day())]) == 0
    assert "\nUNSTATED\n" in capsys.readouterr().out
