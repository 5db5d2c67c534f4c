"""The list of required prompts agrees with the prompts that the sources name."""

from __future__ import annotations

import re
from pathlib import Path

from common.places import ROOT
from ivr.configuration.compiled import Compiled
from ivr.configuration.required_prompts import HOURS, NUMBERS, REQUIRED
from ivr.flows.speech import clock_time, number
from tests.ivr.edited_config import EditedConfig

SOURCES = ("ivr/**/*.py", "voicemail/**/*.py", "config/asterisk/*.conf")


def said_in_sources(shipped: Compiled) -> set[str]:
    """Ids of the catalogue that occur in quotes, or as sounds, in the sources of the call path."""
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for pattern in SOURCES
        for path in Path(ROOT).glob(pattern)
        if path.name not in ("required_prompts.py", "demo.py")
    )
    plain = {name for name in shipped["prompts"] if not name.startswith("digits/") and name not in HOURS}
    return {name for name in plain if re.search(rf'"{re.escape(name)}"|nul/{re.escape(name)}(?![\w-])', text)} | {
        found for found in re.findall(r"\bop-[a-z-]+[a-z]\b", text) if found in shipped["prompts"]
    }


def test_every_prompt_that_the_sources_name_is_required(shipped: Compiled) -> None:
    said = said_in_sources(shipped)
    words_of_other_meaning = {"closed"}  # a fact's value; the prompt is the menu's
    assert said - REQUIRED == words_of_other_meaning
    assert REQUIRED - {*HOURS, *NUMBERS} - said == set()


def test_the_numbers_of_a_clock_are_required() -> None:
    assert {piece for hour in range(24) for piece in clock_time(hour, 59)} <= REQUIRED
    assert {piece for value in range(100) for piece in number(value)} <= REQUIRED


def test_the_shipped_catalogue_has_them_all(shipped: Compiled) -> None:
    assert REQUIRED - shipped["prompts"].keys() == set()


def test_a_catalogue_that_lacks_one_is_refused_by_name(tmp_path: Path) -> None:
    config = EditedConfig(tmp_path)
    config.edit("prompts", "  vm-record:", "  vm-recorded:")
    assert config.problems() == [
        'config/prompts.yaml: prompts: "vm-record" is missing, which callers or operators hear; '
        "copy it from the shipped file"
    ]
