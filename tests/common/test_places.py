"""Paths of a site."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.places import ROOT, Places, short_path


def test_folders_come_from_the_option_the_environment_or_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IVR_VAR", raising=False)
    assert Places().var == f"{ROOT}/var"
    monkeypatch.setenv("IVR_VAR", "/srv/var")
    assert Places().var == "/srv/var"
    assert Places(var="/tmp/other").socket == "/tmp/other/engine.sock"


def test_the_logs_of_the_switch_are_where_the_site_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUL_SWITCH_LOG", "/var/log/asterisk")
    assert Places(var="/srv/var").switch_log == "/var/log/asterisk"
    monkeypatch.delenv("NUL_SWITCH_LOG")
    assert Places(var="/srv/var").switch_log == "/srv/var/switch/main/log"


def test_a_path_below_the_working_directory_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert short_path(str(tmp_path / "here" / "a.yaml")) == "a.yaml"
    assert short_path(str(tmp_path / "a.yaml")) == str(tmp_path / "a.yaml")
