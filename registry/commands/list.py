"""`registry list`: list the open requests, oldest first; with `--all` also the closed ones."""

from __future__ import annotations

import argparse
import json
import time

from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands import request_view
from registry.db import schema
from registry.requests import queries
from registry.requests.clocks import Rules
from registry.requests.queries import Filter, ListedRequest
from registry.site import Site

HEAD = ("NUMBER", "OPENED", "AGE", "CHANNEL", "TOPIC", "LEVEL", "STATE", "WHO", "DUE")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="closed requests as well")
    parser.add_argument("--state", action="append", default=[], choices=schema.STATES, help="repeatable")
    parser.add_argument("--level", type=int, choices=(1, 2, 3))
    parser.add_argument("--topic", metavar="TOPIC")
    parser.add_argument("--channel", choices=schema.CHANNELS)
    parser.add_argument("--owner", metavar="WHO", help="only the requests of this operator, such as op117")
    parser.add_argument("--call", metavar="ID", help="only the requests that began with this call")
    request_view.list_arguments(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    filters = Filter(
        tuple(options.state), options.all, options.level, options.topic, options.channel, options.owner, options.call,
        options.limit,
    )  # fmt: skip
    with site.database.read() as connection:
        requests = queries.list_requests(connection, filters)
    if options.json:
        print(json.dumps([request_view.document(each.request, each.due) for each in requests], indent=1))
    elif requests:
        print("\n".join(table_lines(HEAD, [_row(each, rules, now) for each in requests])))
    else:
        print("No request is open." if filters == Filter(limit=options.limit) else "No such request.")
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
        request.state if request.outcome is None else f"closed, {request.outcome}",
        request.owner_ref or request.office_code or "-",
        "waits" if listed.paused else request_view.local_time(listed.due, rules),
    )
