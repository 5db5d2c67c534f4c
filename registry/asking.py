"""How commands ask about a person: the options that name one, and what to say when nobody was named."""

from __future__ import annotations

import argparse
import getpass

from ivr.cli import Refusal
from registry.numbers import e164
from registry.personal import Person, person
from registry.site import Site


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--number", action="append", default=[], metavar="NUMBER", help="a telephone number; repeatable"
    )
    parser.add_argument("--email", metavar="ADDRESS", help="an e-mail address")
    parser.add_argument("--tax-code", metavar="CODE", help="a codice fiscale")
    parser.add_argument("--protocol", metavar="NUMBER", help="the number of one of the person's requests")
    parser.add_argument("--why", required=True, metavar="WORDS", help="the reason, for the log of accesses")
    parser.add_argument("--by", metavar="WHO", help="who asks (default: you)")


def actor(options: argparse.Namespace) -> str:
    """Who does it, for the log."""
    return str(options.by or getpass.getuser())


def meant(options: argparse.Namespace, site: Site) -> Person:
    """Whom the options name. Raises `Refusal` when they name nobody, or a number is none."""
    numbers = []
    for each in options.number:
        number = e164(each)
        if number is None:
            raise Refusal(f"--number {each[:40]!r}: not a telephone number; write +390612345678 or 06 12345678")
        numbers.append(number)
    if not (numbers or options.email or options.tax_code or options.protocol):
        raise Refusal("nobody is named; give --number, --email, --tax-code or --protocol")
    with site.database.read() as connection:
        return person(
            connection,
            site.keys,
            numbers=numbers,
            email=options.email,
            tax_code=options.tax_code,
            protocol=options.protocol,
        )
