"""The systemd units start existing commands with existing options."""

from __future__ import annotations

import argparse
import configparser
import shlex
from pathlib import Path

import pytest

from common.places import ROOT
from measure import cli as measure_cli
from voicemail import cli
from voicemail.commands import notify

FOLDER = Path(ROOT, "config", "systemd")


def command(name: str) -> list[str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read([FOLDER / f"{name}.service", FOLDER / "nul-.service.d" / "hardening.conf"])
    service = parser["Service"]
    assert service["User"] == "asterisk"
    assert "/var/lib/numero-unico" in service["ReadWritePaths"]
    return shlex.split(service["ExecStart"])


def test_notify_is_a_command_with_these_options(monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = command("nul-notify")
    assert program == "/opt/numero-unico/.venv/bin/voicemail"
    runs: list[argparse.Namespace] = []
    monkeypatch.setattr(notify, "run", lambda options, places, now: runs.append(options) or 0)
    assert cli.main(words) == 0
    (options,) = runs
    assert (options.command, options.follow, options.metrics_port) == ("notify", True, 9475)


def test_live_is_a_command_with_these_options(capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = command("nul-live")
    assert program == "/opt/numero-unico/.venv/bin/measure"
    with pytest.raises(SystemExit):
        measure_cli.main([words[0], "--help"])
    out = capsys.readouterr().out
    assert [word for word in words if word.startswith("--") and word not in out] == []
