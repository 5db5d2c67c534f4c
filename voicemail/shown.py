"""How messages of the store are shown on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from ivr.columns import age, columns
from voicemail.message import Message

ZONE = ZoneInfo("Europe/Rome")
HEAD = ("ID", "LEFT", "AGE", "REASON", "NUMBER", "SECONDS", "STATE", "")


def local(at: float, form: str = "%a %d %b %H:%M") -> str:
    """An instant as people in Italy say it."""
    return datetime.fromtimestamp(at, ZONE).strftime(form)


def table(messages: Sequence[Message], now: float) -> str:
    """A line for each message."""
    return "\n".join(columns(HEAD, [_row(message, now) for message in messages]))


def _row(message: Message, now: float) -> tuple[str, ...]:
    left, waiting, length = local(message.left_at), age(now - message.left_at), f"{message.seconds:.0f}"
    empty = "empty" if message.empty else ""
    return message.id, left, waiting, message.reason, message.number or "-", length, message.state, empty
