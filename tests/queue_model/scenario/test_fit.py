"""Which scenarios no longer fit a changed configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.places import Places
from queue_model.scenario.fit import find_unfit
from tests.ivr.edited_config import EditedConfig


@pytest.fixture
def config(tmp_path: Path) -> EditedConfig:
    return EditedConfig(tmp_path)


def found(config: EditedConfig) -> dict[str, str]:
    return {Path(each.file).name: f"{each.path}: {each.message}" for each in find_unfit(config.places)}


def test_the_shipped_scenarios_fit_the_shipped_configuration() -> None:
    assert list(find_unfit(Places())) == []


def test_changed_hours_name_the_scenarios(config: EditedConfig) -> None:
    text = config.path("service").read_text(encoding="utf-8").replace("09:00-18:00", "08:00-14:00")
    config.write("service", text)
    prompts = (
        config.path("prompts")
        .read_text(encoding="utf-8")
        .replace("monday-friday 09:00-18:00", "monday-friday 08:00-14:00")
    )
    config.write("prompts", prompts.replace("dalle 9 alle 18", "dalle 8 alle 14"))
    assert config.problems() == []
    problems = found(config)
    assert "no longer fits this configuration" in problems["baseline.yaml"]
    assert "so do 15 scenarios based on it: " in problems["baseline.yaml"]


def test_a_removed_topic_names_the_scenarios(config: EditedConfig) -> None:
    config.edit("menu", "topic: ADR", "topic: NASPI")
    assert "NASPI, which is not described here; add it" in found(config)["baseline.yaml"]


def test_unreadable_files_other_documents_and_a_missing_folder(config: EditedConfig, tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text("[", encoding="utf-8")
    (folder / "people.yaml").write_text("people: {}\n", encoding="utf-8")
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    problems = list(find_unfit(config.places, str(folder)))
    assert [(Path(each.file).name, each.severity) for each in problems] == [("a.yaml", "warning")]
    assert list(find_unfit(config.places, str(tmp_path / "nowhere"))) == []
