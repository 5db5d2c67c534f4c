"""How messages and entries of the work list are shown on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from common import instants
from common.terminal_table import format_age, table_lines
from voicemail.message import Message
from voicemail.texts import translate

if TYPE_CHECKING:
    from voicemail.callback.service import Entry

ZONE = ZoneInfo("Europe/Rome")
MESSAGE_HEAD = "ID|LEFT|AGE|REASON|NUMBER|SECONDS|STATE|"
ENTRY_HEAD = "PROTOCOL|MESSAGE|LEFT|AGE|DUE|SECONDS|TRIED|STATE|"


def local(at: float) -> str:
    """`Tue 24 Nov 10:02`, in Italian `mar 24 nov 10:02`: a time of these days in the time zone of the service."""
    return instants.moment(at, ZONE, year=False)


def message_table(messages: Sequence[Message], now: float) -> str:
    """A row for each message. It shows the source of the number, not the number: reading a number is logged."""
    return "\n".join(
        table_lines(translate(MESSAGE_HEAD).split("|"), [_message_row(message, now) for message in messages])
    )


def _message_row(message: Message, now: float) -> tuple[str, ...]:
    left, waiting, length = local(message.left_at), format_age(now - message.left_at), f"{message.seconds:.0f}"
    empty = translate("empty") if message.empty else ""
    number = message.number_source if message.number else "-"
    return message.id, left, waiting, message.reason, number, length, message.state, empty


def message_document(message: Message) -> dict[str, Any]:
    """A message in a list for programs, without its number too."""
    document = instants.with_iso_times(message.document())
    return {name: value for name, value in document.items() if name != "number"}


def entry_table(entries: Sequence[Entry], now: float) -> str:
    """A row for each entry of the work list."""
    return "\n".join(table_lines(translate(ENTRY_HEAD).split("|"), [_entry_row(entry, now) for entry in entries]))


def _entry_row(entry: Entry, now: float) -> tuple[str, ...]:
    remarks = [
        f"+{len(entry.messages) - 1}" if len(entry.messages) > 1 else "",
        "" if entry.callable else translate("no number"),
        translate("empty") if entry.empty else "",
        translate("not before {when}", when=local(entry.next_try_at)) if entry.next_try_at > now else "",
    ]
    return (
        entry.protocol,
        entry.messages[0] if entry.messages else "-",
        local(entry.left_at),
        format_age(now - entry.left_at),
        _due(entry.due_at, now),
        f"{entry.seconds:.0f}",
        str(entry.attempts),
        translate("taken by {who}", who=entry.taken_by) if entry.taken_by else entry.state,
        ", ".join(filter(None, remarks)),
    )


def _due(due_at: float | None, now: float) -> str:
    if due_at is None:
        return "-"
    if math.isinf(due_at):
        return translate("never")
    left = translate("in {age}" if due_at >= now else "{age} late", age=format_age(abs(due_at - now)))
    return f"{instants.deadline(due_at, ZONE)}, {left}"
