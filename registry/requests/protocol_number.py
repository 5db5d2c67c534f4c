"""The number of a request, `NUL-2026-000421-6`: said on the telephone, written in e-mails, typed back by people.

Year, a counter that begins anew with each year, and a check digit by Damm's quasigroup (H. M. Damm, *Total
anti-symmetrische Quasigruppen*, Marburg 2004): it finds every single wrong digit and every exchange of neighbours, so a
number that was misheard never opens somebody else's request.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from common.command_line import Refusal
from common.terminal_table import printable

PREFIX = "NUL"
COUNTER_DIGITS = 6  # at least; the millionth request of a year simply has one more
LONGEST = 40  # characters: nobody writes more around a dozen digits
EXAMPLE = "NUL-2026-000421-6"

# Damm's table of order 10, as published; `0` on its diagonal makes the check digit the interim digit itself.
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
_SAID = ("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove")
_BETWEEN = re.compile(r"[\s.,:/_\u2010-\u2015\u2212-]")  # what people put between digits; every dash there is
_FIRST_YEAR, _LAST_YEAR = 2016, 2199  # the service began in 2016

_NEXT = text(
    "INSERT INTO protocol_counter (year, last) VALUES (:year, :count)"
    " ON CONFLICT (year) DO UPDATE SET last = protocol_counter.last + excluded.last RETURNING last"
)


class ProtocolError(Refusal):
    """What was typed or dictated is no protocol number; the message says what to look at again."""


def check_digit(digits: str) -> int:
    """Damm's check digit of decimal digits."""
    interim = 0
    for digit in digits:
        interim = int(_TABLE[interim][int(digit)])
    return interim


def written(year: int, counter: int) -> str:
    """`NUL-2026-000421-6`."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR or counter < 1:
        raise ValueError(f"no protocol number of the year {year} with the counter {counter}")
    number = f"{counter:0{COUNTER_DIGITS}d}"
    return f"{PREFIX}-{year:04d}-{number}-{check_digit(f'{year:04d}{number}')}"


def give(connection: Connection, year: int, count: int = 1) -> list[str]:
    """The next numbers of that year, given in this transaction: rolled back with it, so none is ever missing."""
    last: int = connection.execute(_NEXT, {"year": year, "count": count}).scalar_one()
    return [written(year, each) for each in range(last - count + 1, last + 1)]


def parse(said: str) -> str:
    """The protocol number that somebody typed or took down, in its own form.

    Small letters, blanks, dots, dashes and slashes are understood, as are a missing `NUL` and missing zeros:
    `2026 421 6`. Raises `ProtocolError`.
    """
    wanted = f"a protocol number looks like {EXAMPLE}"
    if len(said) > LONGEST:
        raise ProtocolError(f"that is too long for a protocol number ({len(said)} characters); {wanted}")
    shown = printable(said.strip())
    digits = _BETWEEN.sub("", said.upper()).removeprefix(PREFIX)
    if not re.fullmatch(r"[0-9]+", digits):
        raise ProtocolError(f'"{shown}" is no protocol number: {wanted}; NUL may be left out')
    if len(digits) < 6:  # year, one digit, check digit
        raise ProtocolError(f'"{shown}" is too short: year, number and check digit are all needed; {wanted}')
    year, number, check = int(digits[:4]), digits[4:-1].rjust(COUNTER_DIGITS, "0"), int(digits[-1])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ProtocolError(f'"{shown}" does not begin with a year; {wanted}')
    if check_digit(digits[:4] + number) != check:
        raise ProtocolError(f'"{shown}": a digit is wrong or two are exchanged; read it again, or ask for it again')
    if int(number) < 1 or (len(number) > COUNTER_DIGITS and number.startswith("0")):
        raise ProtocolError(f'"{shown}": nobody has that number; {wanted}')
    return written(year, int(number))


def spoken(protocol: str) -> str:
    """The number as an operator dictates it in Italian, digit by digit, with a pause between its parts."""
    _, year, counter, check = protocol.split("-")
    groups = [year, *(counter[at : at + 3] for at in range(0, len(counter), 3)), check]
    return "enne, u, elle; " + "; ".join(" ".join(_SAID[int(digit)] for digit in group) for group in groups)
