"""`measure report`: a month as a page, a table and a document, for inside or for the public."""

from __future__ import annotations

import argparse
import os
import time

from charter import disclosure, kpi
from charter.calendar import OpeningHours
from common.command_line import Refusal
from common.languages import add_language
from common.places import Places
from ivr.configuration.compiled import CompiledError, load
from measure.month import data as month_data
from measure.month import document_files, page, published
from measure.month.cells import Calls
from measure.month.document import Document
from measure.month.period import Month, month
from measure.month.report import About, report
from registry.db import migrations
from registry.db.connection import Database, address

EPILOG = """what is written: month-2026-10-internal-it.html, .csv and .json; for the public month-2026-10-public-it.*

For the public, counts below the threshold are hidden, with those that would give them away; that nothing hidden can be
worked out, nor with the editions of other months, is proved before anything is written. No report shows an operator.

examples:
  measure report --month 2026-10
  measure report --month 2026-10 --audience public --language en --output published
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add = parser.add_argument
    add("--month", required=True, metavar="YYYY-MM", help="the month, by the clock in Rome")
    add("--audience", choices=("internal", "public"), default="internal", help="for whom (default: internal)")
    add_language(parser, "it", "of the report")
    add("--output", metavar="DIR", help="where the files go (default: reports/ below --var)")
    add(
        "--threshold", type=int, default=disclosure.USUAL, metavar="N",
        help=f"the smallest count that is published (default: {disclosure.USUAL}; {disclosure.LEAST} by law at least)",
    )  # fmt: skip


def run(options: argparse.Namespace, places: Places, now: float | None = None) -> int:
    wanted = month(options.month)
    try:
        rules = disclosure.rules(options.threshold)
        compiled = load(places.compiled)
    except ValueError as problem:
        raise Refusal(f"--threshold: {problem}") from None
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    service = compiled["service"]
    about = About(service["service"]["name"], OpeningHours.of(service), kpi.USUAL, options.language)
    database = Database(address(places))
    migrations.check(database)
    moment = time.time() if now is None else now
    try:
        made = (
            _public(database, wanted, about, rules, moment)
            if options.audience == "public"
            else _internal(database, wanted, about, moment)
        )
    finally:
        database.close()
    name = f"{made.name}-{options.audience}-{options.language}"
    files = {
        f"{name}.html": page.page(made),
        f"{name}.csv": document_files.table_text(made),
        f"{name}.json": document_files.json_text(made),
    }
    for path in document_files.write(options.output or os.path.join(places.var, "reports"), files):
        print(path)
    return 0


def _internal(database: Database, wanted: Month, about: About, now: float) -> Document:
    with database.read() as connection:
        data = month_data.read(connection, wanted, about.hours, now)
    calls = Calls(data, about.hours, about.thresholds)
    return report(data, calls, published.inside(data, calls, about.hours), about)


def _public(database: Database, wanted: Month, about: About, rules: disclosure.Rules, now: float) -> Document:
    """What is published is remembered first: files that are missing do less harm than an edition nobody knows of."""
    with database.read() as connection:
        data = published.settled(month_data.read(connection, wanted, about.hours, now), about.hours)
        before = published.earlier(connection, wanted)
    calls = Calls(data, about.hours, about.thresholds)
    # The proof takes its time; nobody who writes waits for it.
    edition = published.edition(data, calls, about.hours, rules, before)
    made = report(data, calls, edition.shown, about)
    with database.begin() as connection:
        if published.earlier(connection, wanted) != before:
            raise Refusal(f"{wanted.code}: not published: somebody else published meanwhile; run it again")
        published.keep(connection, wanted, edition)
    return made
