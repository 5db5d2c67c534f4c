"""How commands ask about a person: the options that name one, who asks and why, and what is wrong with any of these.

A slip is refused, never looked for: "nothing is held" would be the answer to it.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

from common.command_line import Refusal, user_name
from registry import text_input
from registry.people import contacts
from registry.people.data_subject import Person, person
from registry.requests import store
from registry.site import Site


class Asked(NamedTuple):
    """Whom somebody asks about, who that is, and why: all that the log of accesses wants to know."""

    about: Person
    actor: str
    why: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--number", action="append", default=[], metavar="NUMBER", help="a telephone number; repeatable"
    )
    parser.add_argument("--email", metavar="ADDRESS", help="an e-mail address")
    parser.add_argument("--tax-code", metavar="CODE", help="a codice fiscale")
    parser.add_argument("--protocol", metavar="NUMBER", help="the number of one of the person's requests")
    parser.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the log of accesses")
    parser.add_argument("--by", metavar="WHO", help="who asks (default: you)")


def asked(options: argparse.Namespace, site: Site) -> Asked:
    """What the options say. Raises `Refusal` when they name nobody, or something in them is not what it should be."""
    if not (options.number or options.email or options.tax_code or options.protocol):
        raise Refusal("nobody is named; give --number, --email, --tax-code or --protocol")
    actor, why = text_input.line(options.by or user_name(), "by"), text_input.line(options.why, "why")
    numbers = [contacts.number(each) for each in options.number]
    email = None if options.email is None else contacts.address(options.email)
    tax_code = None if options.tax_code is None else contacts.tax_code(options.tax_code)
    with site.database.read() as connection:
        protocol = None if options.protocol is None else store.get(connection, options.protocol).protocol
        found = person(connection, site.keys, numbers=numbers, email=email, tax_code=tax_code, protocol=protocol)
    return Asked(found, actor, why)
