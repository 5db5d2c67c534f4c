"""Text from outside, before it is kept: refused by name, or kept exactly as it came.

Kept is kept verbatim, with quotes, tags and emoji: every statement binds its values, and whatever shows text makes it
harmless for the place where it is shown (`common.terminal_table.printable`, HTML escapes). Refused is what no database
keeps alike,
NUL bytes and halves of surrogate pairs, and what no person writes: books.
"""

from __future__ import annotations

import re

from common.command_line import Refusal
from common.terminal_table import printable

MOST = 4000  # characters of a note: two pages
LINE = 200
_MACHINES = ("ivr", "intake", "clock", "mailer")


def text(said: str, what: str, most: int = MOST) -> str:
    """A text of some lines. Raises `Refusal`, which names it and the remedy."""
    if not said.strip():
        raise Refusal(f"{what}: empty; write it, or leave it out")
    if len(said) > most:
        raise Refusal(f"{what}: {len(said)} characters; the longest has {most}, keep the rest elsewhere")
    strange = re.search("[\x00\ud800-\udfff]", said)
    if strange:
        raise Refusal(f"{what}: contains <{ord(strange[0]):02x}>, which is no character of a text; take it out")
    return said


def line(said: str, what: str, most: int = LINE) -> str:
    """A text of one line without control characters, such as a name."""
    text(said, what, most)
    if not said.isprintable():
        raise Refusal(f"{what}: {shown(said)}: contains control characters; write it in one line of plain text")
    return said.strip()


def code(said: str, what: str, form: str = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}") -> str:
    """An identifier that a program made."""
    if not re.fullmatch(form, said, re.ASCII):
        raise Refusal(f"{what}: {shown(said)} is none; it has only letters, digits and _ . : -")
    return said


def actor(said: str) -> str:
    """Who acts: an operator's pseudonym, never a name, or one of our own programs."""
    if said in _MACHINES or re.fullmatch(r"op[0-9]{1,6}", said, re.ASCII):
        return said
    raise Refusal(f"{shown(said)} is nobody who acts; write an operator's code with op before it: op117, never a name")


def shown(said: str) -> str:
    """A piece of it for a message, harmless and short."""
    return f'"{printable(said[:40])}{"..." if len(said) > 40 else ""}"'
