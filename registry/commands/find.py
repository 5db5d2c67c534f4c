"""`registry find`: everything that is held about a person, wherever it lies. Exit status 0, also when it is nothing."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from ivr.columns import plain
from ivr.places import Places
from registry import asking
from registry.personal import Held, Person, find, log_access
from registry.site import Site

ZONE = ZoneInfo("Europe/Rome")


def arguments(parser: argparse.ArgumentParser) -> None:
    asking.arguments(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    someone = asking.meant(options, site)
    log(site, someone, "find", asking.actor(options), options.why)
    held = find(site, someone)
    if options.json:
        print(json.dumps([each._asdict() for each in held], indent=1))
    else:
        show(held)
    return 0


def log(site: Site, someone: Person, action: str, actor: str, why: str) -> None:
    """Who looked; a line for each contact, or one for nobody known."""
    with site.database.begin() as connection:
        for each in sorted(someone.contacts) or ["nobody known"]:
            log_access(connection, time.time(), actor, action, "contact", each, why)


def show(held: list[Held]) -> None:
    if not held:
        print("Nothing is held about this person.")
    for each in held:
        when = datetime.fromtimestamp(each.since, ZONE)
        print(plain(f"{each.keeper:<12}  {when:%Y-%m-%d %H:%M}  {each.what}  ({each.id})"))
