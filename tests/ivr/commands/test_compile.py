"""`ivr compile`: it checks, then writes, and says where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ivr.cli import main
from ivr.configuration import compiled
from tests.ivr.edited_config import EditedConfig

COMMAND = ["--config", "config", "--var", "var", "compile"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EditedConfig:
    monkeypatch.chdir(tmp_path)
    return EditedConfig(tmp_path)


def test_file_and_revision_are_printed(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(COMMAND) == 0
    revision = compiled.load(config.places.compiled)["revision"]
    assert capsys.readouterr().out == f"var/compiled.json: revision {revision}\n"


def test_with_errors_nothing_is_written(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config.edit("menu", "start: orario", "start: orari")
    assert main(COMMAND) == 1
    said = capsys.readouterr()
    assert said.out == 'error: config/menu.yaml: start: no node named "orari"; did you mean "orario"?\n'
    assert said.err == "ivr compile: nothing was written; correct config first\n"
    assert not os.path.exists(config.places.var)


def test_a_folder_that_cannot_be_written(config: EditedConfig, capsys: pytest.CaptureFixture[str]) -> None:
    Path("var").write_text("a file where the folder should be", encoding="utf-8")
    assert main(COMMAND) == 1
    assert capsys.readouterr().err == (
        "ivr compile: var/compiled.json: File exists; or choose another folder with --var\n"
    )


def test_the_call_path_reads_it_and_refuses_other_formats(config: EditedConfig) -> None:
    path = Path(config.places.compiled)
    with pytest.raises(compiled.CompiledError, match="run `ivr compile`"):
        compiled.load(str(path))
    assert main(COMMAND) == 0
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"format":', '"format":9', 1), encoding="utf-8")
    with pytest.raises(compiled.CompiledError, match="format 9"):
        compiled.load(str(path))
    path.write_text(text[:1000], encoding="utf-8")
    with pytest.raises(compiled.CompiledError, match="run `ivr compile`"):
        compiled.load(str(path))
