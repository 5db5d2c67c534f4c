"""`registry due`: list what falls due, the oldest date first. Requests that wait for the citizen have no date."""

from __future__ import annotations

import argparse
import json
import math
import time

from common import argument_types
from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands import request_view
from registry.requests import queries
from registry.requests.clocks import Rules
from registry.requests.queries import Due
from registry.site import Site

HEAD = ("DUE", "", "PROMISE", "NUMBER", "TOPIC", "LEVEL", "STATE", "WHO")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--within", type=argument_types.hours, metavar="HOURS", help="only what falls due within this many hours"
    )
    parser.add_argument("--late", action="store_true", help="only what is late already")
    request_view.list_arguments(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    until = now if options.late else math.inf if options.within is None else now + 3600 * options.within
    with site.database.read() as connection:
        due = queries.list_due(connection, until, options.limit)
    if options.json:
        documents = [{**request_view.document(each.request, each.due), "promise": each.promise} for each in due]
        print(json.dumps(documents, indent=1))
    elif due:
        print("\n".join(table_lines(HEAD, [_row(each, rules, now) for each in due])))
    else:
        print("Nothing is late." if options.late else "Nothing falls due.")
    return 0


def _row(due: Due, rules: Rules, now: float) -> tuple[str, ...]:
    request, left = due.request, due.due - now
    remaining = "" if math.isinf(left) else f"in {format_age(left)}" if left >= 0 else f"late by {format_age(-left)}"
    return (
        request_view.local_time(due.due, rules), remaining, due.promise, request.protocol, request.topic_code,
        str(request.level), request.state, request.owner_ref or request.office_code or "-",
    )  # fmt: skip
