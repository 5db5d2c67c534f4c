"""Short steps on requests, for tests: a database with topics, promises and job centres."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from ivr.configuration.compiled import Compiled
from registry.db import schema, topics
from registry.db.connection import Database
from registry.requests import clocks, history
from registry.requests.actions import ActionDetails, perform_action
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.opening import Opening, open_request
from registry.requests.request import Request, get_request
from tests.conftest import rome

MORNING = rome("2026-11-24 10:00")  # a Tuesday
HOUR, DAY = 3600.0, 86400.0


def save_rules(database: Database, compiled: Compiled) -> Rules:
    """Save topics, promises and two job centres."""
    rules = Rules.of(compiled)
    with database.begin() as connection:
        clocks.save_promises(connection, rules)
        topics.save_topics(connection, compiled["menu"])
        for code, province in (("RM01", "RM"), ("MI01", "MI")):
            row = {"office_code": code, "name": f"CPI {code}", "province": province, "valid_from": "2026-01-01"}
            connection.execute(insert(schema.office).values(**row))
    return rules


class Desk:
    def __init__(self, database: Database, compiled: Compiled) -> None:
        self.database, self.rules = database, save_rules(database, compiled)

    def third_level(self) -> None:
        self.rules = self.rules._replace(third_level=True)

    def open(self, channel: str = "phone", at: float = MORNING, **more: Any) -> Request:
        more = {"topic": "DID", "actor": "op117", **more}
        with self.database.begin() as connection:
            return open_request(connection, self.rules, Opening(channel, at=at, **more))

    def act(
        self, request: Request, action: str, at: float, actor: str = "op117", version: int | None = None, **given: str
    ) -> Request:
        note = given.pop("note", None)
        with self.database.begin() as connection:
            return perform_action(
                connection, self.rules, request.protocol, action, actor, at, ActionDetails(**given),
                expected_version=version, note=note,
            )  # fmt: skip

    def get(self, which: str) -> Request:
        with self.database.read() as connection:
            return get_request(connection, which)

    def events(self, request: Request) -> list[Event]:
        with self.database.read() as connection:
            return history.read_events(connection, request.request_id)

    def clocks(self, request: Request) -> list[Any]:
        """Return the rows of its clocks, in the order in which they started."""
        table = schema.sla_clock
        order = (table.c.started_at, table.c.promise_code, table.c.clock_no)
        return self.rows(select(table).where(table.c.request_id == request.request_id).order_by(*order))

    def notes(self, request: Request) -> list[str]:
        table = schema.request_note
        wanted = select(table.c.words).where(table.c.request_id == request.request_id).order_by(table.c.note_no)
        return [row.words for row in self.rows(wanted)]

    def rows(self, query: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(query))

    def begin(self) -> Any:
        """Open a transaction."""
        return self.database.begin()


def count(connection: Connection, table: Any) -> int:
    return len(connection.execute(select(table)).all())
