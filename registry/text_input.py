"""Text from outside, checked before it is stored: refused with a reason, or stored exactly as it came.

Text is stored verbatim, with quotes, tags and emoji: every statement binds its values, and whatever displays text
escapes it for its medium (`common.terminal_table.printable`, HTML escapes). NUL bytes and halves of surrogate pairs,
which databases treat differently, are refused, and so are texts longer than a person writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.command_line import Refusal
from common.terminal_table import printable
from registry.texts import translate

LONGEST_TEXT = 4000  # characters of a note: two pages
LONGEST_LINE = 200
_PROGRAMS = ("ivr", "intake", "clock", "mailer")


def check_text(value: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """Check a text of several lines. Raises `Refusal`, which names it and the remedy."""
    if not value.strip():
        raise Refusal(translate("{what}: empty; write it, or leave it out", what=what))
    if len(value) > longest:
        raise Refusal(
            translate(
                "{what}: {count} characters; shorten it to {longest}, keep the rest elsewhere",
                what=what,
                count=len(value),
                longest=longest,
            )
        )
    strange = re.search("[\x00\ud800-\udfff]", value)
    if strange:
        raise Refusal(
            translate(
                "{what}: contains <{strange}>, which is not a text character; remove it",
                what=what,
                strange=f"{ord(strange[0]):02x}",
            )
        )
    return value


def check_line(value: str, what: str, longest: int = LONGEST_LINE) -> str:
    """Check a text of one line without control characters, such as a name."""
    check_text(value, what, longest)
    if not value.isprintable():
        raise Refusal(
            translate(
                "{what}: {value}: contains control characters; write it in one line of plain text",
                what=what,
                value=quote(value),
            )
        )
    return value.strip()


def check_code(value: str, what: str, form: str = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}") -> str:
    """Check an identifier that a program made."""
    if not re.fullmatch(form, value, re.ASCII):
        raise Refusal(
            translate(
                "{what}: {value} is not a valid code; use only letters, digits and _ . : -",
                what=what,
                value=quote(value),
            )
        )
    return value


def check_choice(value: str, allowed: Sequence[str], what: str) -> str:
    """Check that a word is one of those allowed."""
    if value not in allowed:
        raise Refusal(
            translate(
                "{what}: {value} is not valid; use one of {choices}",
                what=what,
                value=quote(value),
                choices=", ".join(allowed),
            )
        )
    return value


def check_actor(value: str) -> str:
    """Check who acts: an operator's pseudonym, never a name, or one of our own programs."""
    if value in _PROGRAMS or re.fullmatch(r"op[0-9]{1,6}", value, re.ASCII):
        return value
    raise Refusal(
        translate(
            "{value} is not an operator code; write op and the number, such as op117, never a name", value=quote(value)
        )
    )


def is_program(actor: str) -> bool:
    """Whether one of our own programs acts, not a person."""
    return actor in _PROGRAMS


def quote(value: str) -> str:
    """Quote the beginning of a text for a message, short and harmless."""
    return f'"{printable(value[:40])}{"..." if len(value) > 40 else ""}"'
