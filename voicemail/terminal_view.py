"""How messages of the store are shown on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from common.terminal_table import format_age, table_lines
from voicemail.message import Message

ZONE = ZoneInfo("Europe/Rome")
HEAD = ("ID", "LEFT", "AGE", "REASON", "NUMBER", "SECONDS", "STATE", "")


def local(at: float, form: str = "%a %d %b %H:%M") -> str:
    """An instant as people in Italy say it."""
    return datetime.fromtimestamp(at, ZONE).strftime(form)


def table(messages: Sequence[Message], now: float) -> str:
    """A line for each message. Where its number comes from, never the number: who reads that is written down."""
    return "\n".join(table_lines(HEAD, [_row(message, now) for message in messages]))


def _row(message: Message, now: float) -> tuple[str, ...]:
    left, waiting, length = local(message.left_at), format_age(now - message.left_at), f"{message.seconds:.0f}"
    empty = "empty" if message.empty else ""
    number = message.number_source if message.number else "-"
    return message.id, left, waiting, message.reason, number, length, message.state, empty


def document(message: Message) -> dict[str, Any]:
    """A message of a list for programs, without its number as well."""
    return {name: value for name, value in message.document().items() if name != "number"}
