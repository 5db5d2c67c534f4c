"""`registry purge`: delete data past its retention period (`retention_days` of service.yaml). Run it daily."""

from __future__ import annotations

import argparse
import sys
import time

from common.places import Places
from registry import text_input
from registry.people.personal_data import purge_expired
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", default="clock", metavar="WHO", help="who, for the evidence (default: clock)")


def run(options: argparse.Namespace, places: Places) -> int:
    for purged in purge_expired(Site.of(places), now=time.time(), actor=text_input.check_actor(options.by)):
        before = time.strftime("%Y-%m-%d %H:%M", time.gmtime(purged.before))
        size = f", {purged.bytes / 1e6:.1f} MB" if purged.bytes else ""
        print(f"{purged.what:<20} older than {before} UTC: {purged.things}{size}", file=sys.stdout)
    return 0
