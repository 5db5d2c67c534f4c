"""The service's own number: however it is written, the digits of the national number are used everywhere.

The dialplan adds the country's code for the trunks that send it, so a number with its code would answer to one form
only.
"""

from __future__ import annotations

from typing import Any

LONGEST_NATIONAL = 10  # digits of the longest Italian numbers that begin with 39, those of mobile telephones

_SEPARATORS = {ord(letter): None for letter in " .-/()\u00a0"}


def normalise(written: Any) -> Any:
    """`800000039` for +39 800 000 039, 0039800000039, 39800000039, 800.000.039 and the number without quotes. Any other
    value is returned as it is, for the check of its type."""
    if isinstance(written, bool) or not isinstance(written, (str, int)):
        return written
    digits = str(written).translate(_SEPARATORS)
    for prefix in ("+39", "0039"):
        if digits.startswith(prefix):
            digits = digits.removeprefix(prefix)
            break
    else:
        if digits.startswith("39") and len(digits) > LONGEST_NATIONAL:
            digits = digits.removeprefix("39")
    return digits if digits.isascii() and digits.isdigit() and not digits.startswith("00") else written


def normalise_document(document: Any) -> Any:
    """service.yaml as plain values, with the number in its national form."""
    identity = document.get("service") if isinstance(document, dict) else None
    if not isinstance(identity, dict) or "number" not in identity:
        return document
    return {**document, "service": {**identity, "number": normalise(identity["number"])}}
