"""Protocol numbers of requests, `NUL-2026-000421-6`: dictated on the telephone, written in e-mails, typed by people.

It has the year, a counter that restarts every year, and a check digit by Damm's quasigroup (H. M. Damm, *Total
anti-symmetrische Quasigruppen*, Marburg 2004). The check digit detects every single wrong digit and every exchange of
two neighbours, so a number that was misheard never opens somebody else's request.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from common.command_line import Refusal
from common.terminal_table import printable
from registry.texts import translate

PREFIX = "NUL"
COUNTER_DIGITS = 6  # at least; the millionth request of a year has one more
LONGEST = 40  # characters: a dozen digits and whatever people write between them
EXAMPLE = "NUL-2026-000421-6"

# Damm's table of order 10, as published. Its diagonal is 0, so the check digit is the interim digit itself.
_TABLE = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
_DIGITS = ("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove")
_BETWEEN = re.compile(r"[\s.,:/_\u2010-\u2015\u2212-]")  # what people put between digits; every kind of dash
_FIRST_YEAR, _LAST_YEAR = 2016, 2199  # the service began in 2016

_NEXT = text(
    "INSERT INTO protocol_counter (year, last) VALUES (:year, :count)"
    " ON CONFLICT (year) DO UPDATE SET last = protocol_counter.last + excluded.last RETURNING last"
)


class ProtocolError(Refusal):
    """What was typed or dictated is not a protocol number; the message says what to check."""


def check_digit(digits: str) -> int:
    """Return Damm's check digit of decimal digits."""
    interim = 0
    for digit in digits:
        interim = int(_TABLE[interim][int(digit)])
    return interim


def format_number(year: int, counter: int) -> str:
    """Return the number in its written form, `NUL-2026-000421-6`."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR or counter < 1:
        raise ValueError(f"no protocol number has the year {year} and the counter {counter}")
    number = f"{counter:0{COUNTER_DIGITS}d}"
    return f"{PREFIX}-{year:04d}-{number}-{check_digit(f'{year:04d}{number}')}"


def next_numbers(connection: Connection, year: int, count: int = 1) -> list[str]:
    """Assign the next numbers of that year, in this transaction: a rollback takes them back, so there are no gaps."""
    last: int = connection.execute(_NEXT, {"year": year, "count": count}).scalar_one()
    return [format_number(year, counter) for counter in range(last - count + 1, last + 1)]


def parse(typed: str) -> str:
    """Return the protocol number that somebody typed, in its written form.

    Lower case, blanks, dots, dashes and slashes are accepted, and so are a missing `NUL` and missing zeros:
    `2026 421 6`. Raises `ProtocolError`.
    """
    example = translate("a protocol number looks like {number}", number=EXAMPLE)
    if len(typed) > LONGEST:
        raise ProtocolError(
            translate(
                "too long for a protocol number ({count} characters); {example}", count=len(typed), example=example
            )
        )
    shown = printable(typed.strip())
    digits = _BETWEEN.sub("", typed.upper()).removeprefix(PREFIX)
    if not re.fullmatch(r"[0-9]+", digits):
        raise ProtocolError(
            translate(
                '"{shown}" is not a protocol number: {example}; NUL may be left out', shown=shown, example=example
            )
        )
    if len(digits) < 6:  # year, one digit, check digit
        raise ProtocolError(
            translate(
                '"{shown}" is too short: year, number and check digit are all needed; {example}',
                shown=shown,
                example=example,
            )
        )
    year, number, check = int(digits[:4]), digits[4:-1].rjust(COUNTER_DIGITS, "0"), int(digits[-1])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ProtocolError(
            translate('"{shown}" does not begin with a year of the service; {example}', shown=shown, example=example)
        )
    if check_digit(digits[:4] + number) != check:
        raise ProtocolError(
            translate('"{shown}": a digit is wrong or two are exchanged; check it, or ask for it again', shown=shown)
        )
    if int(number) < 1 or (len(number) > COUNTER_DIGITS and number.startswith("0")):
        raise ProtocolError(
            translate('"{shown}": no request can have that number; {example}', shown=shown, example=example)
        )
    return format_number(year, int(number))


def spell_out(protocol: str) -> str:
    """Return the number as an operator dictates it in Italian, digit by digit, with a pause between its parts."""
    _, year, counter, check = protocol.split("-")
    groups = [year, *(counter[at : at + 3] for at in range(0, len(counter), 3)), check]
    return "enne, u, elle; " + "; ".join(" ".join(_DIGITS[int(digit)] for digit in group) for group in groups)
