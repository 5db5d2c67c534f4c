"""`registry erase`: forget a person, everywhere. Shows what would go; erases with --yes. The figures stay."""

from __future__ import annotations

import argparse
import time

from common.command_line import Refusal
from common.places import Places
from registry.commands import person_options
from registry.commands.find import log, show
from registry.people.data_subject import Person, erase, find
from registry.people.rows import open_requests
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    person_options.arguments(parser)
    parser.add_argument("--yes", action="store_true", help="erase; without it, only show what would be erased")
    parser.add_argument(
        "--open-too", action="store_true", help="also when requests are open: nobody can answer them any more"
    )


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    asked = person_options.asked(options, site)
    log(site, asked, "preview of erasure")  # also when nothing more comes of it: what is held is shown
    held = find(site, asked.about)
    show(held)
    if not held:
        return 0
    _refuse_open(site, asked.about, options.open_too)
    if not options.yes:
        print(f"{len(held)} things would be erased; requests stay, without a name. Again with --yes to erase.")
        return 0
    done = erase(site, asked.about, now=time.time(), actor=asked.actor, why=asked.why)
    print("erased: " + ", ".join(f"{name} {count}" for name, count in done.items() if count))
    return 0


def _refuse_open(site: Site, someone: Person, allowed: bool) -> None:
    with site.database.read() as connection:
        still = open_requests(connection, someone)
    if still and not allowed:
        raise Refusal(f"still open: {', '.join(still)}; close them first, or erase with --open-too")
