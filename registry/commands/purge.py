"""`registry purge`: let go of everything whose days are over (`retention_days` of service.yaml). To be run daily."""

from __future__ import annotations

import argparse
import sys
import time

from common.places import Places
from registry import text_input
from registry.people.data_subject import purge
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", default="clock", metavar="WHO", help="who, for the evidence (default: clock)")


def run(options: argparse.Namespace, places: Places) -> int:
    done = purge(Site.of(places), now=time.time(), actor=text_input.actor(options.by))
    for each in done:
        before = time.strftime("%Y-%m-%d %H:%M", time.gmtime(each.before))
        size = f", {each.bytes / 1e6:.1f} MB" if each.bytes else ""
        print(f"{each.what:<20} older than {before} UTC: {each.things}{size}", file=sys.stdout)
    return 0
