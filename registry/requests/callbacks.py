"""The work list of call-backs: every request with a promised call has an entry, from any channel."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from registry.db import schema

PROMISE = "CALLBACK"
table = schema.callback


def entry(request_id: str, at: float) -> dict[str, Any]:
    """Return the row of an entry that anybody may take, callable from that instant."""
    return {"request_id": request_id, "state": "waiting", "next_try_at": at}


def ensure_entry(connection: Connection, request_id: str, at: float) -> None:
    """Add the entry of a request that has none. One that is done waits again by the work list's own rule."""
    known = connection.execute(select(table.c.request_id).where(table.c.request_id == request_id)).first()
    if known is None:
        connection.execute(insert(table).values(**entry(request_id, at)))
