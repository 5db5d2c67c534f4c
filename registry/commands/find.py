"""`registry find`: list everything that is held about a person, wherever it is stored. Exit status 0 in any case."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from common import instants
from common.places import Places
from common.terminal_table import printable
from registry.commands.shared import person_options, request_view
from registry.commands.shared.person_options import PersonQuery
from registry.people.access_log import log_person_access
from registry.people.personal_data import Held, find_data
from registry.site import Site

ZONE = ZoneInfo("Europe/Rome")


def arguments(parser: argparse.ArgumentParser) -> None:
    person_options.arguments(parser)
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site = Site.of(places)
    query = person_options.parse(options, site)
    log_query(site, query, "find")
    held = find_data(site, query.person)
    if options.json:
        print(json.dumps(instants.with_iso_times([each._asdict() for each in held]), indent=1))
    else:
        print_held(held)
    return 0


def log_query(site: Site, query: PersonQuery, action: str) -> None:
    """Log who looks, before anything is shown."""
    with site.database.begin() as connection:
        log_person_access(connection, query.person, action, now=time.time(), actor=query.actor, why=query.why)


def print_held(held: list[Held]) -> None:
    if not held:
        print("Nothing is held about this person.")
    for each in held:
        since = datetime.fromtimestamp(each.since, ZONE)
        print(printable(f"{each.store:<12}  {since:%Y-%m-%d %H:%M}  {each.what}  ({each.id})"))
