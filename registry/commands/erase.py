"""`registry erase`: erase a person's data everywhere. Shows what would be erased; erases with --yes. Figures stay."""

from __future__ import annotations

import argparse
import time

from common.command_line import Refusal
from common.places import Places
from registry.commands.find import log_query, print_held
from registry.commands.shared import person_options
from registry.people.person import Person
from registry.people.personal_data import erase_person, find_data
from registry.people.registry_store import list_open_requests
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    person_options.arguments(parser)
    parser.add_argument("--yes", action="store_true", help="erase; without it, only show what would be erased")
    parser.add_argument(
        "--open-too", action="store_true", help="erase even if requests are open: nobody can answer them any more"
    )


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    query = person_options.parse(options, site)
    log_query(site, query, "preview of erasure")  # even if nothing is erased, since what is held is shown
    held = find_data(site, query.person)
    print_held(held)
    if not held:
        return 0
    _refuse_open(site, query.person, options.open_too)
    if not options.yes:
        print(f"{len(held)} things would be erased; requests stay, without a name. Repeat with --yes to erase.")
        return 0
    done = erase_person(site, query.person, now=time.time(), actor=query.actor, why=query.why)
    print("erased: " + ", ".join(f"{name} {count}" for name, count in done.items() if count))
    return 0


def _refuse_open(site: Site, person: Person, allowed: bool) -> None:
    with site.database.read() as connection:
        still_open = list_open_requests(connection, person)
    if still_open and not allowed:
        raise Refusal(f"still open: {', '.join(still_open)}; close them first, or erase with --open-too")
