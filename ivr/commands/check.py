"""`ivr check`: find mistakes in `config/` before a caller does. Exit status 1 when there are errors."""

from __future__ import annotations

import argparse
import os
import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

from common.command_line import Refusal
from common.documents import Problem
from common.places import Places, short_path
from ivr import site_sounds
from ivr.configuration.service import Configuration, compiled, examine
from ivr.drivers.menu_timing import NOTHING, Way, measure_ways
from ivr.flows.plugins import PluginError, installed_flows, load_plugins
from ivr.prompts.sound import SoundError

SITE = "/etc/asterisk"
CHECKS = "ivr.checks"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--asterisk",
        metavar="DIR",
        help="also check the sounds of the Asterisk with its files in DIR (default: /etc/asterisk, after `ivr render`)",
    )
    parser.add_argument("--no-scenarios", action="store_true", help="do not check the scenarios of the staffing model")
    parser.add_argument("--today", metavar="YYYY-MM-DD", help="the day for the age of reviewed texts (default: today)")
    parser.add_argument("--cities", action="store_true", help="list the cities whose patron saint's day is known")


def run(options: argparse.Namespace, places: Places) -> int:
    if options.cities:
        return _cities()
    today = _day(options.today)
    configuration, problems = examine(places, today=today)
    ways = []
    if configuration is not None:
        noon = datetime(today.year, today.month, today.day, 12, tzinfo=ZoneInfo("Europe/Rome")).timestamp()
        ways = measure_ways(compiled(configuration, places), installed_flows(), noon)
        problems += _impatience(ways, configuration, places)
        problems += _check_site(options.asterisk, configuration, places)
        problems += _check_audio(places)
        if not options.no_scenarios:
            problems += _run_installed_checks(places)
    for problem in problems:
        print(f"{problem.severity}: {problem}")
    counts = summary(problems)
    if configuration is None or any(problem.severity == "error" for problem in problems):
        print(f"{short_path(places.config)}: {counts}")
        return 1
    _print_ways(ways)
    menu, survey, prompts = configuration.menu, configuration.survey, configuration.prompts
    sizes = f"{len(menu.nodes)} nodes, {len(survey.questions)} questions, {len(prompts)} prompts"
    print(f"{short_path(places.config)}: no errors{', ' + counts if counts else ''} ({sizes})")
    return 0


def _check_site(folder: str | None, configuration: Configuration, places: Places) -> list[Problem]:
    """The sounds that the Asterisk of this site would not find."""
    etc = folder or SITE
    if folder is None and not site_sounds.is_site(etc):
        return []
    return [Problem("", "", each) for each in site_sounds.find_missing_sounds(etc, configuration, places)]


def _run_installed_checks(places: Places) -> list[Problem]:
    """The checks of other packages (entry points of the group `ivr.checks`), which know what depends on `config/`."""
    try:
        checks = load_plugins(CHECKS)
    except PluginError as problem:
        return [Problem("", "", str(problem), "warning")]
    return [problem for check in checks.values() for problem in check(places)]


def _check_audio(places: Places) -> list[Problem]:
    """Audio that says an older text: the text was compared with the settings, and callers hear the audio."""
    from ivr.prompts import catalogue

    try:
        states = catalogue.statuses(places)
    except (catalogue.PromptError, SoundError, OSError) as problem:
        return [Problem("", "", str(problem), "warning")]
    older = [status.id for status in states if status.state in ("text newer than audio", "studio, text newer")]
    if not older:
        return []
    some = ", ".join(older[:5]) + (", ..." if len(older) > 5 else "")
    noun = "prompt has" if len(older) == 1 else "prompts have"
    message = f"{len(older)} {noun} audio of an older text: {some}; run `ivr prompts synthesise`, or record again"
    path = short_path(os.path.join(places.config, "prompts.yaml"))
    return [Problem(path, "prompts", message, "warning")]


def _day(text: str | None) -> date:
    try:
        return date.fromtimestamp(time.time()) if text is None else date.fromisoformat(text)
    except ValueError:
        raise Refusal(f'--today {text!r}: not a day; write for example "2026-12-01"') from None


def _impatience(ways: list[Way], configuration: Configuration, places: Places) -> list[Problem]:
    """A warning for each way to an operator that takes too long, without the information that the caller chose."""
    limit, path = configuration.service.limits.menu_patience_seconds, os.path.join(places.config, "menu.yaml")
    return [
        Problem(
            short_path(path),
            "nodes",
            f"a caller who presses {', then '.join(way.keys) or NOTHING} waits {way.seconds - way.information:.0f} s"
            f" until an operator rings, over limits.menu_patience_seconds ({limit}); shorten prompts, wait_seconds or"
            " attempts on this way",
            "warning",
        )
        for way in ways
        if way.ending == "operator" and way.seconds - way.information > limit
    ]


def _print_ways(ways: list[Way]) -> None:
    """Every way through the menu with its seconds."""
    if not ways:
        return
    width = max(len(way.description) for way in ways)
    print("Keys pressed, each at the end of its question; seconds; of these, information:")
    for way in ways:
        information = f"{way.information:4.0f} s" if way.information else ""
        what = "an operator rings" if way.ending == "operator" else "the tone, when closed"
        print(f"  {way.description:<{width}}  {way.seconds:4.0f} s  {information:<6}  {what}".rstrip())


def summary(problems: list[Problem]) -> str:
    """`2 errors, 1 warning`; empty when there is neither."""
    parts = []
    for severity in ("error", "warning"):
        count = sum(each.severity == severity for each in problems)
        if count:
            parts.append(f"{count} {severity}{'s' if count > 1 else ''}")
    return ", ".join(parts)


def _cities() -> int:
    from charter.patron_saints import CITIES, PATRONS

    for city in CITIES:
        month, day, name = PATRONS.get(city, (0, 0, "Lunedì di Pentecoste"))
        print(f"{city:<16} {f'{day:02}/{month:02}' if day else 'mobile':<7} {name}")
    return 0
