"""`registry list`: list the open requests, oldest first; with `--all` also the closed ones."""

from __future__ import annotations

import argparse
import json
import time

from common import instants
from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands.shared import request_view
from registry.db import schema
from registry.requests import queries, reference_data
from registry.requests.clocks import Rules
from registry.requests.queries import Filter, ListedRequest
from registry.site import Site
from registry.texts import translate

HEAD = "NUMBER|OPENED|AGE|CHANNEL|TOPIC|LEVEL|STATE|WHO|DUE"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help=translate("closed requests as well"))
    parser.add_argument("--state", action="append", default=[], choices=schema.STATES, help=translate("repeatable"))
    parser.add_argument("--level", type=int, choices=(1, 2, 3))
    parser.add_argument("--topic", metavar=translate("TOPIC"))
    parser.add_argument("--channel", choices=schema.CHANNELS)
    parser.add_argument(
        "--owner", metavar=translate("WHO"), help=translate("only the requests of this operator, such as op117")
    )
    parser.add_argument(
        "--call", metavar=translate("ID"), help=translate("only the requests that began with this call")
    )
    parser.add_argument(
        "--unclassified", action="store_true", help=translate("only answered calls that nobody has classified")
    )
    request_view.list_arguments(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    filters = Filter(
        tuple(options.state), options.all, options.level, options.topic, options.channel, options.owner, options.call,
        options.unclassified, request_view.limit(options),
    )  # fmt: skip
    reference_data.follow_configuration(site, rules, now)
    with site.database.read() as connection:
        listing = queries.list_requests(connection, filters)
    if options.json:
        documents = [request_view.document(each.request, each.due) for each in listing.rows]
        print(json.dumps({"requests": documents, "more": listing.more}, indent=1))
    elif listing.rows:
        print("\n".join(table_lines(translate(HEAD).split("|"), [_row(each, rules, now) for each in listing.rows])))
    else:
        print(
            translate("No request is open.")
            if filters == Filter(limit=filters.limit)
            else translate("No such request.")
        )
    request_view.report_more("list", listing.more)
    return 0


def _row(listed: ListedRequest, rules: Rules, now: float) -> tuple[str, ...]:
    request = listed.request
    ended = now if request.closed_at is None else request.closed_at
    return (
        request.protocol,
        request_view.local_time(request.opened_at, rules),
        format_age(ended - request.opened_at),
        request.channel,
        request.topic_code,
        str(request.level),
        request_view.state(request),
        request_view.who(request),
        translate("waits")
        if listed.paused
        else "-"
        if listed.due is None
        else instants.deadline(listed.due, rules.hours.zone),
    )
