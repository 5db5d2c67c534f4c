"""The options that name a person, and who asks about them and why.

A mistyped number or address is refused: searching for it would answer "nothing is held".
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

from common.command_line import Refusal, user_name
from registry import text_input
from registry.people import contacts
from registry.people.person import Person, find_person
from registry.requests.request import get_request
from registry.site import Site


class PersonQuery(NamedTuple):
    """A person, who asks about them, and why: what the log of accesses needs."""

    person: Person
    actor: str
    why: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--number", action="append", default=[], metavar="NUMBER", help="a telephone number; repeatable"
    )
    parser.add_argument("--email", metavar="ADDRESS", help="an e-mail address")
    parser.add_argument("--tax-code", metavar="CODE", help="a codice fiscale")
    parser.add_argument("--protocol", metavar="NUMBER", help="the number of one of the person's requests")
    parser.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the log of accesses")
    parser.add_argument("--by", metavar="WHO", help="who asks (default: you)")


def parse(options: argparse.Namespace, site: Site) -> PersonQuery:
    """Return the query of the options. Raises `Refusal` when they name nobody, or one of them is not valid."""
    if not (options.number or options.email or options.tax_code or options.protocol):
        raise Refusal("no person is named; give --number, --email, --tax-code or --protocol")
    actor, why = text_input.check_line(options.by or user_name(), "by"), text_input.check_line(options.why, "why")
    numbers = [contacts.check_number(number) for number in options.number]
    email = None if options.email is None else contacts.check_email(options.email)
    tax_code = None if options.tax_code is None else contacts.check_tax_code(options.tax_code)
    with site.database.read() as connection:
        protocol = None if options.protocol is None else get_request(connection, options.protocol).protocol
        person = find_person(connection, site.keys, numbers=numbers, email=email, tax_code=tax_code, protocol=protocol)
    return PersonQuery(person, actor, why)
