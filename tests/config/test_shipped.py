"""The configuration of this repository has no problems, and names every setting."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml

from common.places import Places
from ivr.configuration import menu
from ivr.configuration.rules import audio_seconds
from ivr.configuration.service import FILES, compiled, examine
from ivr.configuration.settings import Service, Survey
from ivr.configuration.unused_prompts import unused_prompts
from ivr.drivers.menu_timing import Way, measure_ways
from ivr.flows.plugins import installed_flows
from ivr.prompts import catalogue, sound
from tests.conftest import rome


def test_shipped_configuration_has_no_problem_and_no_warning() -> None:
    configuration, problems = examine(Places())
    assert [str(each) for each in problems] == []
    assert configuration is not None


def test_what_the_client_has_still_to_confirm_is_named() -> None:
    _, problems = examine(Places(), today=date(2026, 12, 1))
    assert [(each.path, each.severity) for each in problems] == [
        ("service.controller", "warning"),
        ("service.privacy_page", "warning"),
        ("prompts.info-adr.reviewed", "warning"),
        ("prompts.info-did.reviewed", "warning"),
    ]


# Their audio says the name of the client, and is made when the client has given it.
NAMED_BY_THE_CLIENT = ["privacy-controller", "privacy-page"]


def test_every_prompt_has_its_sound() -> None:
    configuration, _ = examine(Places())
    assert configuration is not None
    assert [name for name in configuration.prompts if audio_seconds(Places(), name) is None] == NAMED_BY_THE_CLIENT
    assert catalogue.missing(Places()) == []


def test_every_prompt_is_played() -> None:
    configuration, _ = examine(Places())
    assert configuration is not None
    assert unused_prompts(configuration, Places()) == []


# --- pacing, from the lengths of the real sounds


def ways() -> dict[tuple[str, str], Way]:
    configuration, _ = examine(Places())
    assert configuration is not None
    found = measure_ways(compiled(configuration, Places()), installed_flows(), rome("2026-12-01 12:00"))
    return {(way.ending, way.description): way for way in found}


def test_a_caller_who_presses_nothing_reaches_an_operator_after_45_seconds() -> None:
    way = ways()["operator", "nothing"]
    assert 40 <= way.seconds <= 48


def test_no_way_to_an_operator_takes_longer_than_callers_are_asked_to_wait() -> None:
    limit = 60
    assert {
        key: way for key, way in ways().items() if key[0] == "operator" and way.seconds - way.information > limit
    } == {}


def test_the_key_for_an_operator_is_known_after_seven_seconds() -> None:
    welcome = audio_seconds(Places(), "welcome") or 0
    first = sound.pauses(samples("topics"), 0.35)
    assert 0.4 + welcome + seconds_until_pause("topics") < 9 and first


def test_the_tone_comes_within_25_seconds_when_the_service_is_closed() -> None:
    found = ways()
    assert {key: found["tone", key].seconds for key in ("nothing", "0", "1") if found["tone", key].seconds > 25} == {}


@pytest.mark.parametrize(
    ("prompt", "items"),
    [("topics", 6), ("topics-closed", 6), ("topics-again", 2), ("after-information", 3),
     ("after-information-closed", 3), ("vm-review", 3), ("vm-continue", 3)],
)  # fmt: skip
def test_half_a_second_is_between_the_items_of_a_list(prompt: str, items: int) -> None:
    configuration, _ = examine(Places())
    assert configuration is not None
    assert configuration.prompts[prompt].pause_seconds == 0.5
    long = sound.pauses(samples(prompt), 0.46)
    assert len(long) >= items - 1
    assert max(long) < 0.75


def samples(prompt: str) -> list[int]:
    return sound.decode(Path(Places().audio, f"{prompt}.alaw").read_bytes())


def seconds_until_pause(prompt: str) -> float:
    """The length of the first item of a list."""
    spoken = samples(prompt)
    for end in range(sound.FRAME, len(spoken), sound.FRAME):
        if sound.pauses(spoken[: end + sound.FRAME], 0.46):
            return end / sound.RATE
    return len(spoken) / sound.RATE


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
