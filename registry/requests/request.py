"""One request, as its row holds it."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import Connection, select

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.requests import protocol_number
from registry.requests.history import Standing
from registry.requests.transitions import State

table = schema.request
_ID = r"[0-9a-f]{32}"


class Request(NamedTuple):
    """The columns of `request`."""

    request_id: str
    protocol: str
    contact_id: str | None
    channel: str
    topic_code: str
    audience: str
    level: int
    state: State
    owner_ref: str | None
    office_code: str | None
    call_id: str | None
    opened_at: float
    answered_at: float | None
    closed_at: float | None
    outcome: str | None
    duplicate_of: str | None
    version: int

    @property
    def standing(self) -> Standing:
        return Standing(*(getattr(self, name) for name in Standing._fields))


def get_request(connection: Connection, which: str) -> Request:
    """Return a request by its protocol number, however it was typed, or by its id. Raises `Refusal`."""
    by_id = re.fullmatch(_ID, which) is not None
    column, name = (table.c.request_id, which) if by_id else (table.c.protocol, protocol_number.parse(which))
    row = connection.execute(select(table).where(column == name)).first()
    if row is None:
        raise Refusal(f"{name}: no request has that number; check the service and the year")
    return Request(*row)


def check_outcome(outcome: str) -> str:
    """Check the outcome of a request that is closed. Raises `Refusal`."""
    if outcome == "duplicate":
        raise Refusal("outcome: a duplicate is merged, not closed: `registry merge NUMBER --into ORIGINAL`")
    return text_input.check_choice(outcome, schema.OUTCOMES, "outcome")
