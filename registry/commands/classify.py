"""`registry classify`: set topic, audience, outcome and level of a request; each answered call waits for it."""

from __future__ import annotations

import argparse
import time

from common.places import Places
from registry.commands.shared import request_view
from registry.db import schema
from registry.requests import queries, reference_data
from registry.requests.classification import Classification, classify
from registry.requests.clocks import Rules
from registry.requests.request import JUDGEMENTS
from registry.requests.transitions import LEVELS
from registry.site import Site
from registry.texts import translate


def arguments(parser: argparse.ArgumentParser) -> None:
    request_view.number_argument(parser)
    parser.add_argument(
        "--topic", metavar=translate("TOPIC"), help=translate("a topic of the menu, such as DID or ADR")
    )
    parser.add_argument(
        "--audience", choices=schema.AUDIENCES, metavar=translate("WHO"), help=", ".join(schema.AUDIENCES)
    )
    parser.add_argument("--outcome", choices=JUDGEMENTS, metavar=translate("OUTCOME"), help=", ".join(JUDGEMENTS))
    parser.add_argument("--level", type=int, choices=LEVELS, help=translate("the level that answered"))
    request_view.by_argument(parser)
    parser.add_argument(
        "--note", metavar=translate("TEXT"), help=translate("a note for the next person; erased with the contact")
    )
    parser.add_argument(
        "--version",
        type=int,
        metavar=translate("N"),
        help=translate("refuse if the request has another version by now"),
    )
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    given = Classification(options.topic, options.audience, options.outcome, options.level)
    with site.database.begin() as connection:
        reference_data.save_reference_data(connection, site.compiled, now)
        request = classify(
            connection, rules, options.number, options.by, now, given,
            expected_version=options.version, note=options.note,
        )  # fmt: skip
        due = queries.next_due(connection, request)
    request_view.print_request(request, due, rules, as_json=options.json)
    return 0
