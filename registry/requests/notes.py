"""Notes on a request: free text, personal data, erased together with its contact."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select

from registry import text_input
from registry.db import schema


def add_note(connection: Connection, request_id: str, note: str, actor: str, at: float) -> None:
    """Add a note to a request. Raises `Refusal` for a text that cannot be stored."""
    table, request = schema.request_note, schema.request.c
    connection.execute(select(request.version).where(request.request_id == request_id).with_for_update())
    last = select(func.coalesce(func.max(table.c.note_no), 0)).where(table.c.request_id == request_id)
    number = connection.execute(last).scalar_one() + 1
    connection.execute(insert(table), note_row(request_id, number, at, actor, text_input.check_text(note, "note")))


def note_row(request_id: str, number: int, at: float, actor: str, note: str) -> dict[str, Any]:
    """Return a row of `request_note`."""
    return {"request_id": request_id, "note_no": number, "at": at, "actor_ref": actor, "words": note}
