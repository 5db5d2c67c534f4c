"""`registry list`: the requests that are open, oldest first; with `--all` those that were closed, too."""

from __future__ import annotations

import argparse
import json
import time

from common import argument_types
from common.places import Places
from common.terminal_table import format_age, table_lines
from registry.commands import request_action
from registry.db import schema
from registry.requests import queries
from registry.requests.clocks import Rules
from registry.requests.queries import Listed, Wanted
from registry.site import Site

HEAD = ("NUMBER", "OPENED", "AGE", "CHANNEL", "TOPIC", "LEVEL", "STATE", "WHO", "DUE")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="closed ones, too")
    parser.add_argument("--state", action="append", default=[], choices=schema.STATES, help="repeatable")
    parser.add_argument("--level", type=int, choices=(1, 2, 3))
    parser.add_argument("--topic", metavar="TOPIC")
    parser.add_argument("--channel", choices=schema.CHANNELS)
    parser.add_argument("--owner", metavar="WHO", help="those that this operator has: op117")
    parser.add_argument("--call", metavar="ID", help="those that began with this call")
    parser.add_argument(
        "--limit", type=argument_types.positive_integer, default=100, metavar="N", help="so many at most (default: 100)"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    wanted = Wanted(
        tuple(options.state), options.all, options.level, options.topic, options.channel, options.owner, options.call,
        options.limit,
    )  # fmt: skip
    with site.database.read() as connection:
        found = queries.listed(connection, wanted)
    if options.json:
        print(json.dumps([request_action.document(each.request, each.due) for each in found], indent=1))
    elif found:
        print("\n".join(table_lines(HEAD, [_row(each, rules, now) for each in found])))
    else:
        print("No request is open." if wanted == Wanted(limit=options.limit) else "No such request.")
    return 0


def _row(listed: Listed, rules: Rules, now: float) -> tuple[str, ...]:
    request = listed.request
    ended = now if request.closed_at is None else request.closed_at
    return (
        request.protocol,
        request_action.moment(request.opened_at, rules),
        format_age(ended - request.opened_at),
        request.channel,
        request.topic_code,
        str(request.level),
        request.state if request.outcome is None else f"closed, {request.outcome}",
        request.owner_ref or request.office_code or "-",
        "waits" if listed.paused else request_action.moment(listed.due, rules),
    )
