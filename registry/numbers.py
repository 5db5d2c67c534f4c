"""Telephone numbers as they come from outside, made E.164 or refused."""

from __future__ import annotations

import phonenumbers

COUNTRY = "IT"
LONGEST = 40  # characters: no number that a person writes is longer


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
