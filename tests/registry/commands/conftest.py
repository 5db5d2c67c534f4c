"""The terminal on which the commands of `registry` are tested, on both databases."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from common.places import Places
from ivr.configuration.compiled import Compiled
from registry import keys
from registry.db.connection import Database
from tests.registry.commands.terminal import Terminal


@pytest.fixture
def terminal(
    database: Database,
    shipped: Compiled,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Terminal:
    places = Places(var=str(tmp_path / "var"))
    os.makedirs(places.var)
    Path(places.compiled).write_text(json.dumps(shipped), encoding="utf-8")
    monkeypatch.setenv("NUL_DATABASE", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("NUL_KEYS", str(tmp_path / "registry.key"))
    keys.make(places)
    return Terminal(places, database, capsys)
