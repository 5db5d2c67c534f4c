"""Checks the references to sounds in the configuration: languages, music, and the names in Asterisk's templates."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from common.places import Places
from common.suggestions import did_you_mean
from ivr.configuration.menu import Finding, Menu, QueueNode
from ivr.configuration.required_prompts import REQUIRED
from ivr.configuration.settings import Catalogue, Service

_SOUND = re.compile(r"(?<![\w/.])nul/([a-z0-9][a-z0-9_/-]*)")
_CLASS = re.compile(r"^\[([\w-]+)\]", re.MULTILINE)


def check_language(service: Service, catalogue: Catalogue) -> Iterator[Finding]:
    """Callers hear nothing in a language that has no prompts."""
    language = service.service.language
    if language != catalogue.language:
        yield "service.language", _no_prompts(language, catalogue), "error"


def _no_prompts(language: str, catalogue: Catalogue) -> str:
    other = f'give prompts.yaml the texts and audio of "{language}", and `language: {language}`'
    problem = f'no prompts in "{language}", so callers hear nothing'
    return f'{problem}; write "{catalogue.language}", the language of prompts.yaml, or {other}'


def check_queue_settings(menu: Menu, catalogue: Catalogue, places: Places) -> Iterator[Finding]:
    """The language and the music that a queue node sets for its callers."""
    for name, node in menu.nodes.items():
        for variable, value in node.set.items() if isinstance(node, QueueNode) else ():
            where = f"nodes.{name}.set.{variable}"
            if variable == "CHANNEL(language)" and value != catalogue.language:
                yield where, _no_prompts(value, catalogue), "error"
            elif variable == "CHANNEL(musicclass)" and value not in (classes := _music_classes(places)):
                hint = did_you_mean(value, classes) or f"; known: {', '.join(classes)}"
                message = f'no class "{value}" in config/asterisk/musiconhold*.conf{hint}. Your Asterisk may have it'
                yield where, message, "warning"


def _music_classes(places: Places) -> list[str]:
    found: list[str] = []
    for name, text in _templates(places):
        if name.startswith("musiconhold"):
            found += _CLASS.findall(text)
    return sorted({*found, "nul"} - {"general"})


def check_templates(catalogue: Catalogue, places: Places) -> Iterator[Finding]:
    """Sounds that Asterisk's templates play and prompts.yaml lacks."""
    for name, text in _templates(places):
        for number, line in enumerate(text.splitlines(), 1):
            for prompt in _SOUND.findall(line.partition(";")[0]):
                if prompt not in catalogue.prompts and prompt not in REQUIRED:  # those are reported already
                    hint = did_you_mean(prompt, catalogue.prompts) or "; add its text"
                    yield (
                        "prompts",
                        f'"{prompt}" is missing, which asterisk/{name} plays in line {number}{hint}',
                        "error",
                    )


def _templates(places: Places) -> Iterator[tuple[str, str]]:
    """The templates of Asterisk's files, and what ops added to them; a site may have none."""
    try:
        names = sorted(os.listdir(places.templates))
    except OSError:
        return
    for name in names:
        if name.endswith(".conf"):
            try:
                with open(os.path.join(places.templates, name), encoding="utf-8", errors="replace") as file:
                    yield name, file.read()
            except OSError:  # `ivr render` reports it
                continue
