"""The systemd units start existing commands, as the user and in the folders of the engine."""

from __future__ import annotations

import configparser
import os
import shlex
from pathlib import Path

import pytest

from common.places import ROOT
from ivr.configuration.compiled import Compiled
from registry import cli, installation
from tests.registry.site import configured

FOLDER = Path(ROOT, "config", "systemd")
OURS = [path for path in sorted(FOLDER.glob("nul-*.service")) if "bin/registry" in path.read_text(encoding="utf-8")]


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in OURS])
def test_every_unit_starts_an_existing_command(path: Path) -> None:
    service = unit(path)["Service"]
    program, command, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/numero-unico/.venv/bin/registry"
    assert command in cli.COMMANDS
    code = Path(ROOT, "registry", "commands", f"{command}.py").read_text(encoding="utf-8")
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in code] == []
    engine = unit(FOLDER / "nul-engine.service")["Service"]
    assert service["User"] == engine["User"]


def test_every_unit_has_the_one_hardening_and_none_of_its_own() -> None:
    shared = unit(FOLDER / "nul-.service.d" / "hardening.conf")
    assert shared["Unit"]["StartLimitIntervalSec"] == "0"
    assert shared["Service"]["ProtectSystem"] == "strict"
    assert "/var/lib/numero-unico" in shared["Service"]["ReadWritePaths"]
    sandbox = set(shared["Service"]) - {"ReadWritePaths"}
    for path in sorted(FOLDER.glob("nul-*.service")):
        assert path.name.startswith("nul-")  # or systemd would not apply it
        service = unit(path)["Service"]
        assert not sandbox & set(service), path.name
        assert (service["User"], service["Group"], service["UMask"]) == ("asterisk", "asterisk", "0027"), path.name
        if service.get("Type") != "oneshot":
            assert service["Restart"] == "always", path.name


def test_every_timer_has_its_service() -> None:
    timers = sorted(FOLDER.glob("*.timer"))
    assert [path for path in timers if not path.with_suffix(".service").exists()] == []
    assert {"nul-backup.timer", "nul-purge.timer"} <= {path.name for path in timers}


def test_backup_keeps_the_last_backups(
    tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NUL_DATABASE", raising=False)
    places = configured(tmp_path / "var", compiled)
    installation.init(places, 0.0)
    folder = tmp_path / "copies"
    folder.mkdir()
    for day in range(10, 15):
        (folder / f"registry-202601{day}T023000Z.db").write_text("a copy")
    (folder / "mine.db").write_text("mine")
    assert cli.main(["--var", places.var, "backup", str(folder), "--keep", "3"]) == 0
    left = sorted(os.listdir(folder))
    assert left[0] == "mine.db"
    assert left[1:3] == ["registry-20260113T023000Z.db", "registry-20260114T023000Z.db"]
    assert len(left) == 4
    assert f"backup: {folder}/registry-" in capsys.readouterr().out


def test_keeping_no_backup_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--var", str(tmp_path), "backup", str(tmp_path), "--keep", "0"]) == 1
    assert "--keep: needs at least 1" in capsys.readouterr().err
