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
from registry.texts import translate

table = schema.request
UNCLASSIFIED = "unclassified"
JUDGEMENTS = tuple(each for each in schema.OUTCOMES if each not in (UNCLASSIFIED, "duplicate"))
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
    def queue(self) -> str | None:
        """Where an open request without an owner waits: `level_1`, `level_2`, `level_3`, or a job centre's code."""
        if self.owner_ref is not None or self.state == "closed":
            return None
        return self.office_code or f"level_{self.level}"

    @property
    def classified(self) -> bool:
        return self.outcome != UNCLASSIFIED

    @property
    def standing(self) -> Standing:
        return Standing(*(getattr(self, name) for name in Standing._fields))


def get_request(connection: Connection, which: str) -> Request:
    """Return a request by its protocol number, however it was typed, or by its id. Raises `Refusal`."""
    by_id = re.fullmatch(_ID, which) is not None
    column, name = (table.c.request_id, which) if by_id else (table.c.protocol, protocol_number.parse(which))
    row = connection.execute(select(table).where(column == name)).first()
    if row is None:
        raise Refusal(translate("{name}: no request has that number; check the service and the year", name=name))
    return Request(*row)


def check_outcome(outcome: str, actor: str) -> str:
    """Check the outcome that somebody gives a request; only a program leaves it unclassified. Raises `Refusal`."""
    if outcome == UNCLASSIFIED and text_input.is_program(actor):
        return outcome
    if outcome == "duplicate":
        raise Refusal(translate("outcome: a duplicate is merged, not closed: `registry merge NUMBER --into ORIGINAL`"))
    return text_input.check_choice(outcome, JUDGEMENTS, "outcome")
