"""`measure report`: the report of a month as HTML, CSV and JSON, internal or public."""

from __future__ import annotations

import argparse
import os
import sys
import time
from types import MappingProxyType

from charter import disclosure, kpi
from common.command_line import Refusal
from common.languages import Language, add_language
from common.places import Places
from common.terminal_table import printable
from ivr.configuration.compiled import CompiledError, Question, load
from measure.month import csv_json, page, published
from measure.month import data as month_data
from measure.month.cells import Calls
from measure.month.document import Document
from measure.month.period import Month, parse_month
from measure.month.report import report
from measure.month.sources import About
from measure.switch.service_queue import ServiceQueue
from registry.db import migrations
from registry.db.connection import Database, database_url

EPILOG = """output files: month-2026-10-internal-it.html, .csv and .json; for the public, month-2026-10-public-it.*

In a public report, counts below the threshold are hidden, together with those that would reveal them. Before anything
is written, the program proves that no hidden count can be calculated from this report and those of other months. No
report shows single operators.

examples:
  measure report --month 2026-10
  measure report --month 2026-10 --audience public --language en --output published
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add = parser.add_argument
    add("--month", required=True, metavar="YYYY-MM", help="the month, in Rome's time zone")
    add(
        "--audience",
        choices=("internal", "public"),
        default="internal",
        help="the readers of the report (default: internal)",
    )
    add_language(parser, "it", "of the report")
    add("--output", metavar="DIR", help="output folder (default: reports/ below --var)")
    add(
        "--threshold", type=int, default=disclosure.DEFAULT_THRESHOLD, metavar="N",
        help=f"the smallest count that is published (default: {disclosure.DEFAULT_THRESHOLD}; "
        f"legal minimum: {disclosure.LEGAL_MINIMUM})",
    )  # fmt: skip


def run(options: argparse.Namespace, places: Places, now: float | None = None) -> int:
    month = parse_month(options.month)
    try:
        rules = disclosure.rules(options.threshold)
        compiled = load(places.compiled)
    except ValueError as problem:
        raise Refusal(f"--threshold: {problem}") from None
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    service = compiled["service"]
    queue = ServiceQueue.of(service)
    questions = compiled["survey"]["questions"]
    titles: dict[str, dict[Language, str]] = {
        question["code"]: {"it": title["it"], "en": title["en"]}
        for question in questions
        if (title := question.get("title"))
    }
    about = About(
        service["service"]["name"], queue.hours, kpi.DEFAULT_THRESHOLDS, options.language,
        MappingProxyType(titles), MappingProxyType({question["code"]: _scale(question) for question in questions}),
    )  # fmt: skip
    database = Database(database_url(places))
    migrations.check_revision(database)
    moment = time.time() if now is None else now
    try:
        document = (
            _public(database, month, about, queue, rules, moment)
            if options.audience == "public"
            else _internal(database, month, about, queue, moment)
        )
        _warn_without_visits(database, month, queue)
    finally:
        database.close()
    name = f"{document.name}-{options.audience}-{options.language}"
    files = {
        f"{name}.html": page.page(document),
        f"{name}.csv": csv_json.to_csv(document),
        f"{name}.json": csv_json.to_json(document),
    }
    for path in csv_json.write_files(options.output or os.path.join(places.var, "reports"), files):
        print(path)
    return 0


def _scale(question: Question) -> kpi.Scale:
    low, _, high = question.get("scale", "1-5").partition("-")
    return int(low), int(high)


def _warn_without_visits(database: Database, month: Month, queue: ServiceQueue) -> None:
    """Warn of a queue without visits while others have some: the name in service.yaml may be another."""
    with database.read() as connection:
        own = month_data.has_visits(connection, month, queue)
        others = {} if own else month_data.count_other_queues(connection, month, queue)
    if others:
        counts = ", ".join(f"{printable(name)} {count}" for name, count in others.items())
        print(
            f"measure report: {month.code} has no visits at the queue {queue.name!r}, but at others: {counts}; if one "
            "of them is this service, set config/service.yaml: queue.name and run `ivr compile`",
            file=sys.stderr,
        )


def _internal(database: Database, month: Month, about: About, queue: ServiceQueue, now: float) -> Document:
    with database.read() as connection:
        data = month_data.read_month(connection, month, queue, now, about.scales)
    calls = Calls(data, about.hours, about.thresholds)
    return report(data, calls, published.show_all(data, calls, about.hours), about)


def _public(
    database: Database, month: Month, about: About, queue: ServiceQueue, rules: disclosure.Rules, now: float
) -> Document:
    """The edition is recorded before its files are written: missing files do less harm than an unrecorded edition."""
    with database.read() as connection:
        data = published.settled(month_data.read_month(connection, month, queue, now, about.scales), about.hours)
        before = published.earlier(connection, month)
    calls = Calls(data, about.hours, about.thresholds)
    # The proof takes long, so it runs outside the transaction.
    edition = published.edition(data, calls, about.hours, rules, before)
    document = report(data, calls, edition.shown, about)
    with database.begin() as connection:
        if published.earlier(connection, month) != before:
            raise Refusal(f"{month.code}: not published: another edition was published in the meantime; run it again")
        published.record(connection, month, edition)
    return document
