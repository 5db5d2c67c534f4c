"""Loads `config/`, checks it as a whole, and compiles it into one file for the calls.

`examine` collects every problem of the four files, `load` refuses a configuration with errors, `compile` writes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from common.command_line import Refusal
from common.documents import Problem, Unreadable, read
from common.places import Places, short_path
from common.safe_files import write_file
from common.suggestions import did_you_mean
from common.type_errors import find_type_errors
from ivr.configuration import menu as menus
from ivr.configuration import rules, settings, sounds, spoken, text_checks
from ivr.configuration.compiled import FORMAT, Compiled
from ivr.configuration.menu import Finding, Menu
from ivr.configuration.service_number import normalise_document
from ivr.configuration.settings import Catalogue, Paths, PromptSheet, PromptText, Service, Survey
from ivr.prompts import placeholders

SECONDS_PER_LETTER = 1 / 14  # of unhurried Italian; used while a prompt has no audio
MOST_PROBLEMS = 100  # per file; more would repeat the same mistake


class Configuration(Struct, frozen=True):
    """The four files of `config/`, free of errors."""

    service: Service
    menu: Menu
    survey: Survey
    prompts: dict[str, PromptText]


FILES: dict[str, Any] = {"service": Service, "menu": Menu, "survey": Survey, "prompts": Catalogue}


class ConfigurationError(Refusal):
    """`config/` has mistakes; the message has one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


# --- loading ---------------------------------------------------------------------------------------------------------


def examine(
    places: Places, change: Callable[[str, Any], Any] = lambda name, value: value, today: date | None = None
) -> tuple[Configuration | None, list[Problem]]:
    """Read and check everything. Returns the configuration, or None when it has errors, and every problem.

    `change(name, value)` may replace the content of a file ("service", "menu", ...), for the what-if scenarios of the
    staffing model. `today`: the local day; with it, what the client has still to confirm is reported, too:
    texts that nobody has reviewed for six months, the controller of the data.
    """
    parts: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, expected in FILES.items():
        path = os.path.join(places.config, f"{name}.yaml")
        try:
            value = change(name, read(path))
        except Unreadable as problem:
            problems.append(Problem(short_path(path), "", str(problem)))
            continue
        if name == "service":
            value = normalise_document(value)
        errors = [Problem(short_path(path), *each) for each in islice(find_type_errors(value, expected), MOST_PROBLEMS)]
        problems += errors
        if not errors:
            parts[name] = msgspec.convert(value, expected)
    for name, finding in _check(parts, places, today):
        problems.append(Problem(short_path(os.path.join(places.config, f"{name}.yaml")), *finding))
    order = [short_path(os.path.join(places.config, f"{name}.yaml")) for name in FILES]
    problems.sort(key=lambda each: order.index(each.file))
    if any(each.severity == "error" for each in problems):
        return None, problems
    return Configuration(parts["service"], parts["menu"], parts["survey"], parts["prompts"].prompts), problems


def load(places: Places) -> Configuration:
    """Load the configuration. Raises `ConfigurationError` with every error."""
    configuration, problems = examine(places)
    if configuration is None:
        raise ConfigurationError([each for each in problems if each.severity == "error"])
    return configuration


def _check(parts: dict[str, Any], places: Places, today: date | None) -> Iterator[tuple[str, Finding]]:
    """Mistakes within a file, and between files when both could be read, as (file, finding)."""
    service, menu, survey, catalogue = (parts.get(name) for name in FILES)
    if service is not None:
        yield from (("service", each) for each in rules.check_service(service))
        if today is not None:
            yield from (("service", each) for each in text_checks.check_identity(service))
    if menu is not None:
        yield from (("menu", each) for each in menus.check(menu))
        yield from (("menu", each) for each in menus.check_titles(menu))
    if survey is not None:
        yield from (("survey", each) for each in rules.check_survey(survey))
    if catalogue is not None:
        played = [("menu", *each) for each in menus.menu_prompts(menu)] if menu is not None else []
        played += [("survey", *each) for each in rules.survey_prompts(survey)] if survey is not None else []
        for name, path, prompt in played:
            if prompt not in catalogue.prompts:
                hint = did_you_mean(prompt, catalogue.prompts)
                yield name, (path, f'no prompt "{prompt}" in prompts.yaml{hint or "; add its text there"}', "error")
        yield from (("prompts", each) for each in rules.check_prompts(catalogue, service, places))
        if service is not None:
            yield from (("service", each) for each in sounds.check_language(service, catalogue))
        if menu is not None:
            yield from (("menu", each) for each in sounds.check_queue_settings(menu, catalogue, places))
        yield from (("prompts", each) for each in sounds.check_templates(catalogue, places))
        yield from (("prompts", each) for each in spoken.check_spoken(catalogue, service, menu, survey))
        yield from (("prompts", each) for each in text_checks.check_placeholders(catalogue))
        if today is not None:
            yield from (("prompts", each) for each in text_checks.check_reviews(catalogue, menu, today))
        if service is not None:
            yield from (("prompts", each) for each in text_checks.check_call_back_day(catalogue, service))
        if menu is not None:
            yield from (("menu", each) for each in spoken.check_menu_keys(menu, catalogue))
    if service is not None and menu is not None:
        yield from (("service", each) for each in rules.check_refuse_key(service, menu))


# --- compiling -------------------------------------------------------------------------------------------------------


def compiled(configuration: Configuration, places: Places) -> Compiled:
    """The document that calls read: every default filled in, everything computed that can be computed ahead."""
    identity = {"service": msgspec.to_builtins(configuration.service.service)}
    sheets = {}
    for name, prompt in configuration.prompts.items():
        text = placeholders.fill(prompt.text, identity)
        seconds = rules.audio_seconds(places, name) or max(0.5, len(text) * SECONDS_PER_LETTER)
        sheets[name] = PromptSheet(text, prompt.version, round(seconds, 3) if text else 0.0)
    paths = Paths(places.facts, places.messages, places.native_messages, places.socket)
    service, menu, survey = configuration.service, configuration.menu, configuration.survey
    prefixes = _call_back_prefixes(service.callbacks.countries)
    document: Compiled = msgspec.to_builtins(
        settings.Compiled(FORMAT, "", service, menu, survey, sheets, prefixes, paths)
    )
    document["revision"] = _revision(document)
    return document


def _call_back_prefixes(countries: list[str]) -> list[str]:
    """The prefixes of the countries that may be called back; a call compares with them and loads no numbering plan."""
    import phonenumbers

    return sorted({f"+{phonenumbers.country_code_for_region(country)}" for country in countries})


def _revision(document: Compiled) -> str:
    """A digest of what decides a call; the paths do not count."""
    content = {name: document[name] for name in ("service", "menu", "survey", "prompts")}
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(canonical).hexdigest()[:12]


def compile(places: Places, configuration: Configuration | None = None) -> Compiled:
    """Write `places.compiled` in one step, after checking `config/` unless it was loaded already."""
    document = compiled(load(places) if configuration is None else configuration, places)
    os.makedirs(os.path.dirname(places.compiled), exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    write_file(places.compiled, text, 0o644)  # Asterisk's scripts may run as another user
    return document
