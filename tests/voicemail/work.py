"""Registered messages, and operators at work on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from common.places import Places
from ivr.configuration.compiled import Compiled
from registry import keys
from registry.db import schema
from registry.db.connection import Database
from registry.people import contacts
from registry.people.contacts import Identity
from registry.requests.opening import Opening, open_request
from registry.requests.request import Request, get_request
from registry.site import Site
from tests.registry.request_steps import save_rules
from tests.voicemail.sounds import tone, wav
from voicemail.callback import housekeeping, worklist
from voicemail.callback.housekeeping import Change
from voicemail.callback.worklist import Entry, Limits, RecordedOutcome
from voicemail.cli import OPERATOR_COMMANDS
from voicemail.message import Message
from voicemail.store import Store

ROME = "+390612345678"


class Work:
    """`places`, `site`, `store` of one service. The default operator is op117."""

    def __init__(self, database: Database, compiled: Compiled, folder: Path) -> None:
        self.database, self.compiled = database, compiled
        self.places = Places(var=str(folder))
        Path(self.places.compiled).write_text(json.dumps(compiled), encoding="utf-8")
        self.rules = save_rules(database, compiled)
        self.keys = keys.make(self.places)
        self.site = Site(self.places, compiled, database, self.keys)
        self.limits = Limits.of(compiled)
        self.store = Store(self.places.messages)
        self._calls = 0

    # what callers do

    def message(self, at: float, number: str | None = ROME, *, taken_in: bool = True) -> Message:
        """A caller leaves a message, and the intake registers it."""
        self._calls += 1
        call = f"{self._calls}.1"
        source = "cli" if number else "none"
        draft = self.store.draft(call=call, reason="closed", number=number, number_source=source, at=at)
        Path(draft.audio + ".wav").write_bytes(wav(tone(3)))
        left = draft.publish("dtmf")
        assert left is not None
        if taken_in:
            self.take_in(left)
        return left

    def take_in(self, left: Message) -> Request:
        """As the intake does (registry.intake.batch)."""
        with self.database.begin() as connection:
            contact = None
            if left.number is not None:
                contact = contacts.identify(connection, self.keys, Identity(phone=left.number), "intake", left.left_at)
            opening = Opening("voicemail", "DID", left.left_at, "intake", call_id=left.call, contact_id=contact)
            request = open_request(connection, self.rules, opening)
            row = {"message_id": left.id, "request_id": request.request_id, "call_id": left.call}
            more = {"reason": left.reason, "left_at": left.left_at, "seconds": left.seconds, "empty": int(left.empty)}
            connection.execute(insert(schema.voicemail_message).values(**row, **more))
        return request

    def visit(
        self, at: float, number: str = ROME, fate: str = "answered", call: str = "99.1", queue: str = "nul"
    ) -> None:
        """A citizen calls again and enters the queue."""
        row = {"unique_id": call, "visit_no": 1, "call_id": call, "queue": queue, "entered_at": at, "left_at": at + 300}
        more = {"fate": fate, "in_service": 1, "caller_hash": self.keys.pseudonym(number)}
        with self.database.begin() as connection:
            connection.execute(insert(schema.queue_visit).values(**row, **more))

    def open(self, call: str, at: float) -> Request:
        """Open a request that began with a call."""
        with self.database.begin() as connection:
            return open_request(
                connection, self.rules, Opening("phone", "DID", at, "op118", call_id=call, outcome="informed")
            )

    # what operators do

    def take(self, which: str, now: float, actor: str = "op117") -> Entry:
        with self.database.begin() as connection:
            return worklist.take(connection, self.rules, which, actor, now)

    def release(self, which: str, now: float, actor: str = "op117") -> str:
        with self.database.begin() as connection:
            return worklist.release(connection, self.rules, which, actor, now)

    def outcome(self, which: str, result: str, now: float, actor: str = "op117", **more: Any) -> RecordedOutcome:
        with self.database.begin() as connection:
            return worklist.record_outcome(connection, self.rules, self.limits, which, result, actor, now, **more)

    def update(self, now: float) -> list[Change]:
        with self.database.begin() as connection:
            return housekeeping.update_worklist(connection, self.rules, self.limits, "nul", self.store, now)

    # the state of the registry

    def entries(self) -> list[Entry]:
        with self.database.read() as connection:
            return worklist.list_entries(connection)

    def request(self, message: Message) -> Request:
        """Return the request that the message opened, whatever its state."""
        table = schema.voicemail_message
        with self.database.read() as connection:
            request_id = connection.scalar(select(table.c.request_id).where(table.c.message_id == message.id))
            assert request_id is not None
            return get_request(connection, request_id)

    def rows(self, table: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table)))


def in_english(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command, with its output in English, unless they name a language."""
    given = "--language" in words or not words or words[0] not in OPERATOR_COMMANDS
    return words if given else (*words, "--language", "en")
