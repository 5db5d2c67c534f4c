"""How messages and entries of the work list are shown on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from common import instants
from common.terminal_table import format_age, table_lines
from voicemail.message import Message

if TYPE_CHECKING:
    from voicemail.callback.service import Entry

ZONE = ZoneInfo("Europe/Rome")
MESSAGE_HEAD = ("ID", "LEFT", "AGE", "REASON", "NUMBER", "SECONDS", "STATE", "")
ENTRY_HEAD = ("PROTOCOL", "MESSAGE", "LEFT", "AGE", "DUE", "SECONDS", "TRIED", "STATE", "")


def local(at: float, form: str = "%a %d %b %H:%M") -> str:
    """Format a time in the time zone of the service."""
    return datetime.fromtimestamp(at, ZONE).strftime(form)


def message_table(messages: Sequence[Message], now: float) -> str:
    """A row for each message. It shows the source of the number, not the number: reading a number is logged."""
    return "\n".join(table_lines(MESSAGE_HEAD, [_message_row(message, now) for message in messages]))


def _message_row(message: Message, now: float) -> tuple[str, ...]:
    left, waiting, length = local(message.left_at), format_age(now - message.left_at), f"{message.seconds:.0f}"
    empty = "empty" if message.empty else ""
    number = message.number_source if message.number else "-"
    return message.id, left, waiting, message.reason, number, length, message.state, empty


def message_document(message: Message) -> dict[str, Any]:
    """A message in a list for programs, without its number too."""
    document = instants.with_iso_times(message.document())
    return {name: value for name, value in document.items() if name != "number"}


def entry_table(entries: Sequence[Entry], now: float) -> str:
    """A row for each entry of the work list."""
    return "\n".join(table_lines(ENTRY_HEAD, [_entry_row(entry, now) for entry in entries]))


def _entry_row(entry: Entry, now: float) -> tuple[str, ...]:
    remarks = [
        f"+{len(entry.messages) - 1}" if len(entry.messages) > 1 else "",
        "" if entry.callable else "no number",
        "empty" if entry.empty else "",
        f"not before {local(entry.next_try_at)}" if entry.next_try_at > now else "",
    ]
    return (
        entry.protocol,
        entry.messages[0] if entry.messages else "-",
        local(entry.left_at),
        format_age(now - entry.left_at),
        _due(entry.due_at, now),
        f"{entry.seconds:.0f}",
        str(entry.attempts),
        f"taken by {entry.taken_by}" if entry.taken_by else entry.state,
        ", ".join(filter(None, remarks)),
    )


def _due(due_at: float | None, now: float) -> str:
    if due_at is None:
        return "-"
    if math.isinf(due_at):
        return "never"
    left = f"in {format_age(due_at - now)}" if due_at >= now else f"{format_age(now - due_at)} late"
    return f"{instants.deadline(due_at, ZONE)}, {left}"
