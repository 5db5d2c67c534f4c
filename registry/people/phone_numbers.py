"""Telephone numbers as they come from outside, made E.164 or refused."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneNumberType

COUNTRY = "IT"
LONGEST = 40  # characters: no number that a person writes is longer
_PEOPLES = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
)


def e164(number: str | None, country: str = COUNTRY) -> str | None:
    """`+390612345678`, or None for what is no number that could be called back (withheld, letters, 112).

    A landline's zero is kept; 0039, 39 and blanks are understood.
    """
    if not number or len(number) > LONGEST:
        return None
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def not_to_be_called(number: str, countries: Sequence[str]) -> str:
    """Why the service does not call an E.164 number by itself, in words; "" when it may.

    Only telephones that people have: never a premium-rate, shared-cost, service or short number, and no country but
    these. Whoever calls us can pretend to have any number, one that earns them money among others.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return "it is no number in international form"
    if not phonenumbers.is_valid_number(parsed):
        return "there are no such numbers"
    country = phonenumbers.region_code_for_number(parsed)
    if country not in countries:
        return f"it is of {country or 'no country'}, and callbacks.countries has only {', '.join(countries)}"
    if phonenumbers.number_type(parsed) not in _PEOPLES:
        return "it is a special number (premium rate, shared cost, service)"
    return ""
