"""`registry due`: list what falls due, the oldest date first, and reminders of requests that no promise runs for.

A request that waits for the citizen has no date; after `registry.waiting_days` it is listed as WAITING. An open
request without a promise is listed as OPEN after `registry.open_days`.
"""

from __future__ import annotations

import argparse
import json
import math
import time

from common import argument_types, instants
from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands.shared import request_view
from registry.requests import queries, reference_data
from registry.requests.clocks import Rules
from registry.requests.queries import Due
from registry.site import Site
from registry.texts import translate

HEAD = "DUE||PROMISE|NUMBER|TOPIC|LEVEL|STATE|WHO"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--within",
        type=argument_types.hours,
        metavar=translate("HOURS"),
        help=translate("only what falls due within this many hours"),
    )
    parser.add_argument("--late", action="store_true", help=translate("only what is late already"))
    request_view.list_arguments(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    until = now if options.late else math.inf if options.within is None else now + 3600 * options.within
    reference_data.follow_configuration(site, rules, now)
    with site.database.read() as connection:
        listing = queries.list_due(connection, until, request_view.limit(options), now=now, reminders=rules.reminders)
    if options.json:
        documents = [{**request_view.document(each.request, each.due), "promise": each.promise}
                     for each in listing.rows]  # fmt: skip
        print(json.dumps({"due": documents, "more": listing.more}, indent=1))
    elif listing.rows:
        print("\n".join(table_lines(translate(HEAD).split("|"), [_row(each, rules, now) for each in listing.rows])))
    else:
        print(translate("Nothing is late.") if options.late else translate("Nothing falls due."))
    request_view.report_more("due", listing.more)
    return 0


def _row(due: Due, rules: Rules, now: float) -> tuple[str, ...]:
    request, left = due.request, due.due - now
    remaining = (
        "" if math.isinf(left) else translate("in {age}" if left >= 0 else "late by {age}", age=format_age(abs(left)))
    )
    return (
        instants.deadline(due.due, rules.hours.zone), remaining, due.promise, request.protocol, request.topic_code,
        str(request.level), request.state, request_view.who(request),
    )  # fmt: skip
