"""`registry find`: everything that is held about a person, wherever it lies. Exit status 0, also when it is nothing."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from common.places import Places
from common.terminal_table import printable
from registry.commands import person_options
from registry.commands.person_options import Asked
from registry.people.data_subject import Held, find, looked
from registry.site import Site

ZONE = ZoneInfo("Europe/Rome")


def arguments(parser: argparse.ArgumentParser) -> None:
    person_options.arguments(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    asked = person_options.asked(options, site)
    log(site, asked, "find")
    held = find(site, asked.about)
    if options.json:
        print(json.dumps([each._asdict() for each in held], indent=1))
    else:
        show(held)
    return 0


def log(site: Site, asked: Asked, action: str) -> None:
    """Who looks, before anything is shown."""
    with site.database.begin() as connection:
        looked(connection, asked.about, action, now=time.time(), actor=asked.actor, why=asked.why)


def show(held: list[Held]) -> None:
    if not held:
        print("Nothing is held about this person.")
    for each in held:
        when = datetime.fromtimestamp(each.since, ZONE)
        print(printable(f"{each.keeper:<12}  {when:%Y-%m-%d %H:%M}  {each.what}  ({each.id})"))
