"""`registry open`: a request by hand, from a call or anything else. Prints its number, and how to dictate it."""

from __future__ import annotations

import argparse
import json
import time

from common.command_line import Refusal
from common.places import Places
from registry.commands import request_action
from registry.db import schema
from registry.people import contacts
from registry.people.contacts import Identity
from registry.requests import protocol_number, queries, reference_data, store
from registry.requests.clocks import Rules
from registry.requests.queries import Wanted
from registry.requests.store import Opening
from registry.site import Site

PERSON = ("name", "email", "phone", "tax_code", "practice", "province")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", required=True, metavar="TOPIC", help="what it is about, as in the menu: DID, ADR")
    request_action.by(parser)
    parser.add_argument("--channel", default="phone", choices=schema.CHANNELS, help="how it came (default: phone)")
    parser.add_argument("--audience", default="other", choices=schema.AUDIENCES, help="who asks (default: other)")
    parser.add_argument("--call", metavar="ID", help="the call that it began with, as the telephone names it")
    parser.add_argument("--note", metavar="WORDS", help="what is asked; erased with who asked")
    parser.add_argument("--outcome", metavar="OUTCOME", help="it is over already, such as informed")
    person = parser.add_argument_group("who asks, only where a later answer needs it")
    person.add_argument("--kind", default="citizen", choices=schema.KINDS, help="default: citizen")
    person.add_argument("--name", metavar="NAME")
    person.add_argument("--email", metavar="ADDRESS")
    person.add_argument("--phone", metavar="NUMBER")
    person.add_argument("--tax-code", metavar="CODE", help="codice fiscale; only with --practice")
    person.add_argument("--practice", metavar="WORDS", help="the practice that the codice fiscale is needed for")
    person.add_argument("--province", metavar="CODE", help="two letters")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    said = Identity(options.kind, **{name: getattr(options, name) for name in PERSON})
    with site.database.begin() as connection:
        reference_data.publish(connection, site.compiled)
        if options.call:
            store.only_opener(connection)
        known = queries.listed(connection, Wanted(everything=True, call_id=options.call)) if options.call else []
        if known:
            there = known[0].request
            raise Refusal(f"--call: it has {there.protocol} ({there.state}); act on that, or `registry reopen` it")
        contact = None
        if any(getattr(said, name) is not None for name in PERSON):
            contact = contacts.identify(connection, site.keys, said, options.by, now)
        opening = Opening(
            options.channel, options.topic, now, options.by, options.audience, options.call, contact,
            options.note, options.outcome,
        )  # fmt: skip
        opened = store.open_request(connection, rules, opening)
        due = request_action.due_of(connection, opened)
    dictated = protocol_number.spoken(opened.protocol)
    if options.json:
        print(json.dumps({**request_action.document(opened, due), "spoken": dictated}, ensure_ascii=False))
        return 0
    request_action.say(opened, due, rules, as_json=False)
    print(f"da dettare: {dictated}")
    return 0
