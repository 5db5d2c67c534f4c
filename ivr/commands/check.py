"""`ivr check`: find mistakes in `config/` before a caller does. Exit status 1 when there are errors."""

from __future__ import annotations

import argparse

from common.documents import Problem
from common.places import Places, short_path
from ivr.configuration.service import examine


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cities", action="store_true", help="list the cities whose patron saint's day is known")


def run(options: argparse.Namespace, places: Places) -> int:
    if options.cities:
        return _cities()
    configuration, problems = examine(places)
    for problem in problems:
        print(f"{problem.severity}: {problem}")
    counts = summary(problems)
    if configuration is None:
        print(f"{short_path(places.config)}: {counts}")
        return 1
    menu, survey, prompts = configuration.menu, configuration.survey, configuration.prompts
    sizes = f"{len(menu.nodes)} nodes, {len(survey.questions)} questions, {len(prompts)} prompts"
    print(f"{short_path(places.config)}: no errors{', ' + counts if counts else ''} ({sizes})")
    return 0


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
