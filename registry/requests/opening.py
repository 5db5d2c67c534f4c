"""Opening requests: each gets a protocol number, the first event of its history and, by its channel, a clock."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, text

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.requests import clocks, history, protocol_number
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.notes import note_row
from registry.requests.request import Request, check_outcome

LOCK = 0x6E756D  # a PostgreSQL advisory lock, beside `registry.installation.LOCK`


class Opening(NamedTuple):
    """What is known of a request when it begins. With an `outcome` it is closed at once, as an information is."""

    channel: str
    topic: str
    at: float
    actor: str
    audience: str = "other"
    call_id: str | None = None
    contact_id: str | None = None
    note: str | None = None
    outcome: str | None = None


def lock_openings(connection: Connection) -> None:
    """Lock out other openings until the transaction ends. Take it before checking whether a call has a request:
    otherwise the intake and an operator could open two for one call. SQLite has a single writer in any case."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def open_request(connection: Connection, rules: Rules, opening: Opening) -> Request:
    """Open one request. Raises `Refusal` for an unknown channel, topic or audience, or a text that is not valid."""
    return open_requests(connection, rules, [opening])[0]


def open_requests(connection: Connection, rules: Rules, openings: Sequence[Opening]) -> list[Request]:
    """Open requests, in this order and with as few statements as one; all of them or none."""
    for opening in openings:
        _check(opening)
    _check_topics(connection, {opening.topic for opening in openings})
    numbers = _protocols(connection, rules, openings)
    histories = [_first_events(opening) for opening in openings]
    requests = [
        _new_request(opening, number, events)
        for opening, number, events in zip(openings, numbers, histories, strict=True)
    ]
    running = []
    for request in requests:
        promise = clocks.promise_of(request.channel, request.level) if request.state != "closed" else None
        if promise is not None:
            running.append(clocks.new_clock(rules, request.request_id, promise, 1, request.opened_at))
    rows = {
        schema.request: [request._asdict() for request in requests],
        schema.request_event: [
            event.row(request.request_id)
            for request, events in zip(requests, histories, strict=True)
            for event in events
        ],
        schema.sla_clock: running,
        schema.request_note: [
            note_row(request.request_id, 1, opening.at, opening.actor, opening.note)
            for request, opening in zip(requests, openings, strict=True)
            if opening.note is not None
        ],
    }  # fmt: skip
    for table, values in rows.items():
        if values:
            connection.execute(insert(table), values)
    return requests


def _check(opening: Opening) -> None:
    text_input.check_choice(opening.channel, schema.CHANNELS, "channel")
    text_input.check_choice(opening.audience, schema.AUDIENCES, "audience")
    text_input.check_code(opening.topic, "topic")
    text_input.check_actor(opening.actor)
    if opening.outcome is not None:
        check_outcome(opening.outcome)
    if opening.call_id is not None:
        text_input.check_code(opening.call_id, "call")
    if opening.note is not None:
        text_input.check_text(opening.note, "note")


def _check_topics(connection: Connection, wanted: set[str]) -> None:
    codes = select(schema.topic.c.topic_code)  # a dozen: cheaper than asking for some
    known = set(connection.execute(codes).scalars())
    if wanted - known:
        known_codes = ", ".join(sorted(known)) or "none yet"
        raise Refusal(f"topic: {text_input.quote(min(wanted - known))} is not a topic; the topics are {known_codes}")


def _protocols(connection: Connection, rules: Rules, openings: Sequence[Opening]) -> list[str]:
    """Return a number for each opening, of the local year in which it began."""
    years = [rules.hours.local(opening.at).year for opening in openings]
    numbers = {
        year: iter(protocol_number.next_numbers(connection, year, years.count(year))) for year in sorted(set(years))
    }
    return [next(numbers[year]) for year in years]


def _first_events(opening: Opening) -> list[Event]:
    """Return the first events of a history: opened, and closed if the request is over already."""
    about = {"channel": opening.channel, "topic": opening.topic, "audience": opening.audience}
    events = [Event(1, opening.at, opening.actor, "open", None, "new", None, 1, about)]
    if opening.outcome is not None:
        ends = {"outcome": opening.outcome}
        events.append(Event(2, opening.at, opening.actor, "close", "new", "closed", 1, 1, ends))
    return events


def _new_request(opening: Opening, number: str, events: list[Event]) -> Request:
    standing = history.replay(events)
    return Request(
        request_id=secrets.token_hex(16), protocol=number, contact_id=opening.contact_id, channel=opening.channel,
        topic_code=opening.topic, audience=opening.audience, call_id=opening.call_id, **standing._asdict(),
    )  # fmt: skip
