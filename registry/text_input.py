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

LONGEST_TEXT = 4000  # characters of a note: two pages
LONGEST_LINE = 200
_PROGRAMS = ("ivr", "intake", "clock", "mailer")


def check_text(value: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """Check a text of several lines. Raises `Refusal`, which names it and the remedy."""
    if not value.strip():
        raise Refusal(f"{what}: empty; write it, or leave it out")
    if len(value) > longest:
        raise Refusal(f"{what}: {len(value)} characters; shorten it to {longest}, keep the rest elsewhere")
    strange = re.search("[\x00\ud800-\udfff]", value)
    if strange:
        raise Refusal(f"{what}: contains <{ord(strange[0]):02x}>, which is not a text character; remove it")
    return value


def check_line(value: str, what: str, longest: int = LONGEST_LINE) -> str:
    """Check a text of one line without control characters, such as a name."""
    check_text(value, what, longest)
    if not value.isprintable():
        raise Refusal(f"{what}: {quote(value)}: contains control characters; write it in one line of plain text")
    return value.strip()


def check_code(value: str, what: str, form: str = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}") -> str:
    """Check an identifier that a program made."""
    if not re.fullmatch(form, value, re.ASCII):
        raise Refusal(f"{what}: {quote(value)} is not a valid code; use only letters, digits and _ . : -")
    return value


def check_choice(value: str, allowed: Sequence[str], what: str) -> str:
    """Check that a word is one of those allowed."""
    if value not in allowed:
        raise Refusal(f"{what}: {quote(value)} is not valid; use one of {', '.join(allowed)}")
    return value


def check_actor(value: str) -> str:
    """Check who acts: an operator's pseudonym, never a name, or one of our own programs."""
    if value in _PROGRAMS or re.fullmatch(r"op[0-9]{1,6}", value, re.ASCII):
        return value
    raise Refusal(f"{quote(value)} is not an operator code; write op and the number, such as op117, never a name")


def is_program(actor: str) -> bool:
    """Whether one of our own programs acts, not a person."""
    return actor in _PROGRAMS


def quote(value: str) -> str:
    """Quote the beginning of a text for a message, short and harmless."""
    return f'"{printable(value[:40])}{"..." if len(value) > 40 else ""}"'
