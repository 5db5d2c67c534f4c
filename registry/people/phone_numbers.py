"""Telephone numbers from outside: converted to E.164, and checked before the service calls them."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneNumberType

from ivr.flows.phone_numbers import tariff_country
from registry.texts import translate

COUNTRY = "IT"
LONGEST = 40  # characters: people write no longer numbers
_PERSONAL = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
)


def to_e164(number: str | None, country: str = COUNTRY) -> str | None:
    """Return `+390612345678`, or None when nobody could be called back there (withheld, letters, 112).

    A landline's leading zero is kept; 0039, 39 and blanks are accepted.
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


def reason_not_to_call(number: str, countries: Sequence[str]) -> str:
    """Return why the service must not call an E.164 number by itself; "" when it may.

    It calls only personal telephones in these countries, never a premium-rate, shared-cost, service or short number:
    caller IDs can be forged, and a forged number could be one that earns money for its owner. The country is the one
    whose tariff applies, which the number range decides: +39 0549 is San Marino.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return translate("it is not a number in international form")
    if not phonenumbers.is_valid_number(parsed):
        return translate("no such number exists")
    plain = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    country = tariff_country(plain) or phonenumbers.region_code_for_number(parsed)
    if country not in countries:
        return translate(
            "its country is {country}, and callbacks.countries has only {choices}",
            country=country or translate("unknown"), choices=", ".join(countries),
        )  # fmt: skip
    if phonenumbers.number_type(parsed) not in _PERSONAL:
        return translate("it is a special number (premium rate, shared cost, service)")
    return ""
