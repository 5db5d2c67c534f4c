"""`registry offices`: the job centres that requests can be referred to; `--import` takes them in from a CSV."""

from __future__ import annotations

import argparse
import json
import time

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import table_lines
from registry.people import offices
from registry.requests.clocks import Rules
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--import", dest="file", metavar="FILE", help="take in a CSV: codice, nome, provincia, ...")
    parser.add_argument("--province", metavar="CODE", help="only those of this province")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    today = Rules.of(site.compiled).hours.local(now).date()
    if options.file is not None:
        raw = _read(options.file)
        with site.database.begin() as connection:
            taken = offices.take(connection, raw, options.file, today)
        print(f"{options.file}: {taken.new} new, {taken.changed} changed, {taken.same} as they were")
        return 0
    with site.database.read() as connection:
        found = offices.listed(connection, options.province, today)
    if options.json:
        print(json.dumps([dict(row._mapping) for row in found], indent=1))
    elif found:
        rows = [(row.office_code, row.province, row.name, row.phone or "-", row.email or "-") for row in found]
        print("\n".join(table_lines(("CODE", "PROVINCE", "NAME", "TELEPHONE", "E-MAIL"), rows)))
    else:
        print("No job centre is known; take in the client's list with `registry offices --import FILE`.")
    return 0


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read(offices.LARGEST + 1)
    except OSError as problem:
        raise Refusal(f"{file}: {problem.strerror}; name a CSV file that can be read") from None
