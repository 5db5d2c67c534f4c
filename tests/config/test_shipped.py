"""The configuration of this repository has no problems, and names every setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml

from common.places import Places
from ivr.configuration import menu
from ivr.configuration.rules import audio_seconds
from ivr.configuration.service import FILES, examine
from ivr.configuration.settings import Service, Survey


def test_shipped_configuration_has_no_problem_and_no_warning() -> None:
    configuration, problems = examine(Places())
    assert [str(each) for each in problems] == []
    assert configuration is not None


def test_every_prompt_has_its_sound() -> None:
    configuration, _ = examine(Places())
    assert configuration is not None
    assert [name for name in configuration.prompts if audio_seconds(Places(), name) is None] == []


@pytest.mark.parametrize(("name", "wanted"), [("service", Service), ("survey", Survey)])
def test_every_setting_is_written_for_ops_to_see(name: str, wanted: Any) -> None:
    written = yaml.safe_load(Path(Places().config, f"{name}.yaml").read_bytes())
    assert without(written, msgspec.to_builtins(msgspec.convert(written, wanted))) == []


def without(written: Any, whole: Any, path: str = "") -> list[str]:
    """The keys of `whole` that are not written."""
    if not isinstance(whole, dict):
        return []
    missing = [f"{path}.{key}" for key in whole if key not in written]
    return missing + [each for key in written for each in without(written[key], whole[key], f"{path}.{key}")]


def test_the_head_of_menu_yaml_explains_every_kind_of_node() -> None:
    head = Path(Places().config, "menu.yaml").read_text(encoding="utf-8").split("start:")[0]
    kinds = [each.__struct_config__.tag for each in get_args(menu.Node)]
    assert [kind for kind in kinds if f"\n#   {kind:<8} " not in head] == []


def test_there_are_four_files() -> None:
    found = sorted(path.stem for path in Path(Places().config).glob("*.yaml"))
    assert found == sorted(FILES)
