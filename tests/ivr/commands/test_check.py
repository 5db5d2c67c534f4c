"""`ivr check` and `ivr compile` as a person meets them."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from charter.patron_saints import CITIES
from common.documents import Problem
from ivr.cli import main
from ivr.commands import check
from ivr.commands.check import summary
from queue_model.scenario.fit import find_unfit
from tests.ivr.edited_config import EditedConfig

TODAY = ("--today", "2026-12-01")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EditedConfig:
    monkeypatch.chdir(tmp_path)
    return EditedConfig(tmp_path)


def test_the_shipped_configuration_has_no_errors(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "config", "check", *TODAY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[2] for line in lines if line.startswith("warning")] == [
        "service.controller", "service.privacy_page", "prompts.info-adr.reviewed", "prompts.info-did.reviewed",
    ]  # fmt: skip
    assert lines[-1].startswith("config: no errors, 4 warnings (17 nodes, 3 questions, ")


def test_warnings_are_shown_and_allowed(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config.edit("service", "operators: 24", "operators: 8")
    assert main(["--config", "config", "check", *TODAY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "warning: config/service.yaml: queue.operators: fewer than the 12 seats, so some seats stay empty"
    )
    assert re.match(r"config: no errors, \d+ warnings \(", lines[-1])


def test_errors_are_shown_one_per_line_with_a_count(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config.edit("menu", "start: orario", "start: orari")
    config.edit("service", "seats: 12", "seats: 0")
    assert main(["--config", "config", "check", *TODAY]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("error")] == [
        "error: config/service.yaml: queue.seats: must be a whole number from 1 to 99, not 0",
        'error: config/menu.yaml: start: no node named "orari"; did you mean "orario"?',
    ]
    assert lines[-1] == "config: 2 errors, 2 warnings"


def test_every_way_through_the_menu_is_shown_with_its_seconds(
    config: EditedConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", "config", "check", *TODAY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("  nothing ") and line.endswith("an operator rings") for line in lines)
    assert any(line.startswith("  nothing ") and line.endswith("the tone, when closed") for line in lines)
    assert any(line.startswith("  1 0 ") for line in lines) and any(line.startswith("  2 1 0 ") for line in lines)


def test_a_menu_that_tries_the_patience_of_callers_is_a_warning(
    config: EditedConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config.edit("menu", "attempts: 2", "attempts: 4")
    assert main(["--config", "config", "check", *TODAY]) == 0
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if "menu.yaml" in line]
    assert re.search(
        r"presses nothing waits \d\d s until an operator rings, over limits.menu_patience_seconds \(60\)", warning
    )
    config.edit("service", "menu_patience_seconds: 60", "menu_patience_seconds: 300")
    main(["--config", "config", "check", *TODAY])
    assert "until an operator rings, over" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "day", "message"),
    [
        ("reviewed: 2026-11-30", "reviewed: 2026-05-01", "2026-12-01",
         "prompts.info-incentivi.reviewed: the text was last confirmed on 2026-05-01, over six months ago"),
        ("reviewed: 2026-11-30", "reviewed: 2026-11-30", "2027-07-01", "prompts.info-incentivi.reviewed: the text was"),
        ("reviewed: 2026-11-30", "reviewed: 2027-11-30", "2026-12-01", "prompts.info-incentivi.reviewed: 2027-11-30"),
        ('    source: "lavoro.gov.it, incentivi all\'assunzione"\n', "", "2026-12-01",
         "prompts.info-incentivi.source: missing"),
    ],
)  # fmt: skip
def test_information_has_a_source_and_is_reviewed_twice_a_year(
    config: EditedConfig, capsys: pytest.CaptureFixture[str], old: str, new: str, day: str, message: str
) -> None:
    config.edit("prompts", old, new)
    main(["--config", "config", "check", "--today", day])
    assert f"config/prompts.yaml: {message}" in capsys.readouterr().out


def test_a_day_that_does_not_exist(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "config", "check", "--today", "30 November"]) == 1
    assert 'write for example "2026-12-01"' in capsys.readouterr().err


def test_scenarios_that_no_longer_fit_are_named(
    config: EditedConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "load_plugins", lambda group: {"scenarios": find_unfit} if group == "ivr.checks" else {})
    assert main(["--config", "config", "check", *TODAY]) == 0
    assert "scenario" not in capsys.readouterr().out
    config.edit("menu", "topic: ADR", "topic: NASPI")
    config.edit("menu", "  ADR: {it", "  NASPI: {it")
    assert main(["--config", "config", "check"]) == 0
    out = capsys.readouterr().out
    assert "baseline.yaml: " in out and "no longer fits this configuration" in out
    assert "scenarios based on it: " in out
    assert main(["--config", "config", "check", "--no-scenarios"]) == 0
    assert "no longer fits" not in capsys.readouterr().out


def test_the_check_of_the_scenarios_is_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[3] / "setup.cfg", encoding="utf-8")
    points = setup["options.entry_points"]["ivr.checks"].split("=")
    assert [part.strip() for part in points] == ["scenarios", f"{find_unfit.__module__}:{find_unfit.__name__}"]


def test_a_missing_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "nowhere"), "check"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("nowhere: 4 errors")


def test_summary_counts_errors_and_warnings() -> None:
    warning = Problem("f", "p", "m", "warning")
    assert summary([]) == ""
    assert summary([warning, Problem("f", "p", "m"), warning]) == "1 error, 2 warnings"


def test_the_cities_are_listed_with_day_and_saint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--cities"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CITIES)
    assert "Roma             29/06   Santi Pietro e Paolo" in lines
    assert "Bolzano          mobile  Lunedì di Pentecoste" in lines


def test_it_runs_as_a_command_of_its_own_and_imports_nothing_slow(config: EditedConfig) -> None:
    program = (
        "import sys; from ivr.cli import main; status = main(['--config', 'config', 'check', '--no-scenarios']);"
        "print(sorted({'asyncio', 'numpy', 'prometheus_client', 'rich', 'asterisk'} & set(sys.modules)), status)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[] 0"
    assert done.stderr == ""
