"""`registry offices`: list the job centres that requests can be referred to, or `--import` them from a CSV file."""

from __future__ import annotations

import argparse
import json
import time

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import table_lines
from registry.commands import request_view
from registry.people import offices
from registry.requests.clocks import Rules
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--import", dest="file", metavar="FILE", help="import a CSV file: codice, nome, provincia, ...")
    parser.add_argument("--province", metavar="CODE", help="only the job centres of this province")
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    today = Rules.of(site.compiled).hours.local(now).date()
    if options.file is not None:
        raw = _read(options.file)
        with site.database.begin() as connection:
            counts = offices.import_offices(connection, raw, options.file, today)
        print(f"{options.file}: {counts.new} new, {counts.changed} changed, {counts.same} unchanged")
        return 0
    with site.database.read() as connection:
        centres = offices.list_offices(connection, options.province, today)
    if options.json:
        print(json.dumps([dict(row._mapping) for row in centres], indent=1))
    elif centres:
        rows = [(row.office_code, row.province, row.name, row.phone or "-", row.email or "-") for row in centres]
        print("\n".join(table_lines(("CODE", "PROVINCE", "NAME", "TELEPHONE", "E-MAIL"), rows)))
    else:
        print("No job centre is known; import the client's list with `registry offices --import FILE`.")
    return 0


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read(offices.LARGEST + 1)
    except OSError as problem:
        raise Refusal(f"{file}: {problem.strerror}; name a CSV file that can be read") from None
