"""Telephone numbers of callers: from what the line or the keypad gives to a number that an operator can call back.

PyPI `phonenumbers` knows every numbering plan but takes 60 ms to import. It is used at intake, and as the oracle of the
tests. On the call, a few patterns of the Italian plan are enough, and for other countries the country codes and lengths
of ITU E.164. Numbers that are expensive or reach nobody are refused while the caller can still give another one:
emergency and short numbers, premium and shared-cost numbers, satellite and world-wide services. Free-phone numbers
(800) are refused too, since no particular person answers there.
"""

from __future__ import annotations

import re

# `re` compiles a pattern on its first use: a script that asks for no number does not spend the 2 ms.
_WRITTEN = re.VERBOSE | re.ASCII

LONGEST = 32  # characters of a number with its separators

# Ranges whose tariff is not that of the country that `phonenumbers` gives for them. The longest matching range counts.
TARIFF_RANGES = {
    "+390549": "SM",  # San Marino, reached through Italy's country code, at an international tariff
    "+3906698": "IT",  # the Vatican, in the area of Rome, at Rome's tariff
}

_ITALY = r"""
    3 [1-9] \d{7,8} | 43 \d{8}                                # mobile: 9 (the oldest) or 10 digits
    | 55 \d{8}                                                # voice over IP, of no town
    | (?= \d{6,11} \Z) 0 (?:                                  # landline: the zero belongs to the number
          [26] | [1345789] [0159]                             # 02 Milano, 06 Roma, 011 Torino, 081 Napoli ...
        | 1 (?: 2[1-5] | 31 | 4[1-4] | 6[1356] | 7[1-5] | 8[2-57] )
        | 3 (?: 2[1-4] | 3[12] | 4[1-6] | 6[2-59] | 7[1-7] | 8[1-6] )
        | 4 (?: 2[1-9] | 3[1-9] | 4[245] | 6[1-5] | 7[1-4] | 81 )
        | 5 (?: 2[1-5] | 3[2-6] | 4[1-79] | 6[4-6] | 7[1-578] | 8[3-8] )
        | 7 (?: 2[12] | 3[1-7] | 4[2-46] | 6[13569] | 7[13-6] | 8[1-59] )
        | 8 (?: 2[3-578] | 3[1-6] | 6[1-5] | 7[1-5] | 8[1-5] )
        | 9 (?: 2[1-5] | 3[1-5] | 4[12] | 6[1-8] | 7[1-6] | 8[1-5] )
      ) \d+
    """

# North American numbers have one length; 900 and 976 are premium there. Codes that begin with 80 or 87, 979, and 88
# except Bangladesh and Taiwan are not countries: they are free-phone, satellite and premium services.
_ABROAD = r"""
    1 (?!900) [2-9]\d\d (?!976) [2-9]\d{6}
    | (?! 1 | 39 ) (?= \d{7,15} \Z) (?:
          7 | 2[07] | 3[0-469] | 4[013-9] | 5[1-8] | 6[0-6] | 8[1246] | 9[0-58]
        | 21[123689] | 2[2-6]\d | 29[01789] | 3[578]\d | 42[013] | 50\d | 59\d | 67[02-9] | 68[0-35-9] | 69[0-2]
        | 85[02356] | 88[06] | 96[0-8] | 97[0-7] | 99[2-68]
      ) \d+
    """


def normalise(digits: str, country: str = "IT") -> str | None:
    """The number as `+` and digits (E.164), or None when nobody can be called back there.

    `digits` is a caller ID or typed digits: `3331234567`, `06 1234567`, `+39...`, `0039...`, `0044...`. Numbers
    without a country code are accepted for `country` IT only. Never raises.
    """
    if len(digits) > LONGEST:
        return None
    bare = digits.strip(" ").translate(_SEPARATORS)
    if bare.startswith("+"):
        return _international(bare[1:])
    if bare.startswith("00"):
        return _international(bare[2:])
    if country != "IT":
        return None
    if re.fullmatch(_ITALY, bare, _WRITTEN):
        return f"+39{bare}"
    # Some lines give the country code without its plus; no Italian number that long begins with 39.
    return _international(bare) if bare.startswith("39") else None


def tariff_country(number: str) -> str | None:
    """The country whose tariff applies to an E.164 number in one of `TARIFF_RANGES`; None for all other numbers."""
    ranges = [prefix for prefix in TARIFF_RANGES if number.startswith(prefix)]
    return TARIFF_RANGES[max(ranges, key=len)] if ranges else None


_SEPARATORS = {ord(letter): None for letter in " .-/"}


def _international(number: str) -> str | None:
    pattern, digits = (_ITALY, number[2:]) if number.startswith("39") else (_ABROAD, number)
    return f"+{number}" if re.fullmatch(pattern, digits, _WRITTEN) else None
