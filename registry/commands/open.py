"""`registry open`: open a request by hand, from a call or anything else. Prints its number, and how to dictate it."""

from __future__ import annotations

import argparse
import json
import time

from common import argument_types
from common.command_line import Refusal
from common.places import Places
from registry.commands.shared import request_view
from registry.db import schema
from registry.people import contacts
from registry.people.contacts import Identity
from registry.requests import protocol_number, queries, reference_data
from registry.requests.clocks import Rules
from registry.requests.opening import Opening, lock_openings, open_request
from registry.requests.queries import Filter
from registry.site import Site
from registry.texts import translate

PERSON = ("name", "email", "phone", "tax_code", "practice", "province")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--topic", required=True, metavar=translate("TOPIC"), help=translate("a topic of the menu, such as DID or ADR")
    )
    request_view.by_argument(parser)
    parser.add_argument(
        "--channel", default="phone", choices=schema.CHANNELS, help=translate("how it arrived (default: phone)")
    )
    parser.add_argument(
        "--audience",
        default="other",
        choices=schema.AUDIENCES,
        help=translate("the kind of person who asks (default: other)"),
    )
    parser.add_argument(
        "--arrived", type=argument_types.instant, metavar=translate("TIME"),
        help=translate("when it arrived, if not now: '2026-11-21 10:30'; its clock starts then"),
    )  # fmt: skip
    parser.add_argument(
        "--call", metavar=translate("ID"), help=translate("the call that it began with, by its id in the facts")
    )
    parser.add_argument("--note", metavar=translate("TEXT"), help=translate("what is asked; erased with the contact"))
    parser.add_argument(
        "--outcome", metavar=translate("OUTCOME"), help=translate("close it at once, with an outcome such as informed")
    )
    person = parser.add_argument_group(translate("who asks (only if a later answer needs it)"))
    person.add_argument("--kind", default="citizen", choices=schema.KINDS, help=translate("default: citizen"))
    person.add_argument("--name", metavar=translate("NAME"))
    person.add_argument("--email", metavar=translate("ADDRESS"))
    person.add_argument("--phone", metavar=translate("NUMBER"))
    person.add_argument("--tax-code", metavar=translate("CODE"), help=translate("codice fiscale; only with --practice"))
    person.add_argument(
        "--practice", metavar=translate("TEXT"), help=translate("the practice that the codice fiscale is needed for")
    )
    person.add_argument("--province", metavar=translate("LETTERS"), help=translate("two letters"))
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    identity = Identity(options.kind, **{name: getattr(options, name) for name in PERSON})
    with site.database.begin() as connection:
        reference_data.save_reference_data(connection, site.compiled, now)
        if options.call:
            lock_openings(connection)
        known = (
            queries.list_requests(connection, Filter(everything=True, call_id=options.call)) if options.call else None
        )
        if known and known.rows:
            existing = known.rows[0].request
            raise Refusal(
                translate(
                    "--call: this call has the request {protocol} ({state}); act on that one, or `registry reopen` it",
                    protocol=existing.protocol,
                    state=existing.state,
                )
            )
        contact = None
        if any(getattr(identity, name) is not None for name in PERSON):
            contact = contacts.identify(connection, site.keys, identity, options.by, now)
        opening = Opening(
            options.channel, options.topic, now if options.arrived is None else options.arrived, options.by,
            options.audience, options.call, contact, options.note, options.outcome, now,
        )  # fmt: skip
        request = open_request(connection, rules, opening)
        due = queries.next_due(connection, request)
    dictated = protocol_number.spell_out(request.protocol)
    if options.json:
        print(json.dumps({**request_view.document(request, due), "spoken": dictated}, ensure_ascii=False))
        return 0
    request_view.print_request(request, due, rules, as_json=False)
    print(translate("to dictate: {dictated}", dictated=dictated))
    return 0
