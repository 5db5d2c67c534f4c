"""`registry due`: what falls due, the oldest date first. What waits for the citizen has no date, and is not here."""

from __future__ import annotations

import argparse
import json
import math
import time

from common import argument_types
from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands import request_action
from registry.requests import queries
from registry.requests.clocks import Rules
from registry.requests.queries import Due
from registry.site import Site

HEAD = ("DUE", "", "PROMISE", "NUMBER", "TOPIC", "LEVEL", "STATE", "WHO")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--within", type=argument_types.hours, metavar="HOURS", help="only what is due within so many hours"
    )
    parser.add_argument("--late", action="store_true", help="only what is late already")
    parser.add_argument(
        "--limit", type=argument_types.positive_integer, default=100, metavar="N", help="so many at most (default: 100)"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    until = now if options.late else math.inf if options.within is None else now + 3600 * options.within
    with site.database.read() as connection:
        found = queries.falling_due(connection, until, options.limit)
    if options.json:
        print(
            json.dumps(
                [{**request_action.document(each.request, each.due), "promise": each.promise} for each in found],
                indent=1,
            )
        )
    elif found:
        print("\n".join(table_lines(HEAD, [_row(each, rules, now) for each in found])))
    else:
        print("Nothing is late." if options.late else "Nothing falls due.")
    return 0


def _row(due: Due, rules: Rules, now: float) -> tuple[str, ...]:
    request, left = due.request, due.due - now
    said = "" if math.isinf(left) else f"in {format_age(left)}" if left >= 0 else f"late by {format_age(-left)}"
    return (
        request_action.moment(due.due, rules), said, due.promise, request.protocol, request.topic_code,
        str(request.level), request.state, request.owner_ref or request.office_code or "-",
    )  # fmt: skip
