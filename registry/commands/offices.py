"""`registry offices`: list the job centres that requests can be referred to, or `--import` them from a CSV file."""

from __future__ import annotations

import argparse
import json
import time

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import table_lines
from registry.commands.shared import request_view
from registry.people import offices
from registry.requests.clocks import Rules
from registry.site import Site
from registry.texts import translate


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="file",
        metavar=translate("FILE"),
        help=translate("import a CSV file: codice, nome, provincia, ..."),
    )
    parser.add_argument(
        "--province", metavar=translate("LETTERS"), help=translate("only the job centres of this province")
    )
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    today = Rules.of(site.compiled).hours.local(now).date()
    if options.file is not None:
        raw = _read(options.file)
        with site.database.begin() as connection:
            counts = offices.import_offices(connection, raw, options.file, today)
        print(
            translate(
                "{file}: {new} new, {changed} changed, {same} unchanged",
                file=options.file,
                new=counts.new,
                changed=counts.changed,
                same=counts.same,
            )
        )
        return 0
    with site.database.read() as connection:
        centres = offices.list_offices(connection, options.province, today)
    if options.json:
        print(json.dumps([dict(row._mapping) for row in centres], indent=1))
    elif centres:
        rows = [(row.office_code, row.province, row.name, row.phone or "-", row.email or "-") for row in centres]
        print("\n".join(table_lines(translate("CODE|PROVINCE|NAME|TELEPHONE|E-MAIL").split("|"), rows)))
    else:
        print(translate("No job centre is known; import the client's list with `registry offices --import FILE`."))
    return 0


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read(offices.LARGEST + 1)
    except OSError as problem:
        raise Refusal(
            translate("{file}: {strerror}; name a CSV file that can be read", file=file, strerror=problem.strerror)
        ) from None
