"""`ivr check` and `ivr compile` as a person meets them."""

from __future__ import annotations

import configparser
import os
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


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EditedConfig:
    monkeypatch.chdir(tmp_path)
    return EditedConfig(tmp_path)


def test_the_shipped_configuration_has_no_errors(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "config", "check"]) == 0
    assert capsys.readouterr().out.startswith("config: no errors (14 nodes, 3 questions, ")


def test_warnings_are_shown_and_allowed(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config.edit("service", "operators: 24", "operators: 8")
    assert main(["--config", "config", "check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "warning: config/service.yaml: queue.operators: fewer than the 12 seats, so some seats stay empty"
    )
    assert lines[1].startswith("config: no errors, 1 warning (")


def test_errors_are_shown_one_per_line_with_a_count(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config.edit("menu", "start: orario", "start: orari")
    config.edit("service", "seats: 12", "seats: 0")
    assert main(["--config", "config", "check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "error: config/service.yaml: queue.seats: must be a whole number from 1 to 99, not 0",
        'error: config/menu.yaml: start: no node named "orari"; did you mean "orario"?',
        "config: 2 errors",
    ]


def test_scenarios_that_no_longer_fit_are_named(
    config: EditedConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "load_plugins", lambda group: {"scenarios": find_unfit} if group == "ivr.checks" else {})
    assert main(["--config", "config", "check"]) == 0
    assert "warning" not in capsys.readouterr().out
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
