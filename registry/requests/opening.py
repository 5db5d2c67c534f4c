"""Opening requests: each gets a protocol number, the first event of its history and, by its channel, a clock."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, text

from common import instants
from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.requests import callbacks, clocks, history, protocol_number
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.notes import note_row
from registry.requests.request import Request, check_outcome
from registry.texts import translate

SERVICE_BEGAN = 1451602800.0  # 1 January 2016 in Rome: nothing can have arrived earlier
LOCK = 0x6E756D  # a PostgreSQL advisory lock, beside `registry.installation.LOCK`


class Opening(NamedTuple):
    """What is known of a request when it begins. With an `outcome` it is closed at once, as an information is.

    `at` is when it arrived: its clock starts then. `entered_at` is when somebody typed it, if that was later.
    """

    channel: str
    topic: str
    at: float
    actor: str
    audience: str = "other"
    call_id: str | None = None
    contact_id: str | None = None
    note: str | None = None
    outcome: str | None = None
    entered_at: float | None = None


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
    check_topics(connection, {opening.topic for opening in openings})
    numbers = _protocols(connection, rules, openings)
    histories = [_first_events(opening) for opening in openings]
    requests = [
        _new_request(opening, number, events)
        for opening, number, events in zip(openings, numbers, histories, strict=True)
    ]
    first_clocks = [
        row
        for request, events in zip(requests, histories, strict=True)
        if (row := clocks.first_clock(rules, request.request_id, request.channel, events)) is not None
    ]
    rows = {
        schema.request: [request._asdict() for request in requests],
        schema.request_event: [
            event.row(request.request_id)
            for request, events in zip(requests, histories, strict=True)
            for event in events
        ],
        schema.sla_clock: first_clocks,
        schema.callback: [
            callbacks.entry(row["request_id"], row["started_at"])
            for row in first_clocks
            if row["promise_code"] == callbacks.PROMISE and row["stopped_at"] is None
        ],
        schema.request_note: [
            note_row(request.request_id, 1, opening.entered_at or opening.at, opening.actor, opening.note)
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
    if opening.entered_at is not None:
        check_arrival(opening.at, opening.entered_at)
    if opening.outcome is not None:
        check_outcome(opening.outcome, opening.actor)
    if opening.call_id is not None:
        text_input.check_code(opening.call_id, "call")
    if opening.note is not None:
        text_input.check_text(opening.note, "note")


def check_arrival(at: float, now: float) -> None:
    """Check when a request arrived. Raises `Refusal` for a time in the future, or before the service began."""
    if at > now:
        raise Refusal(
            translate("arrived: {at} is in the future; give the time when it reached the service", at=instants.iso(at))
        )
    if at < SERVICE_BEGAN:
        began = instants.iso(SERVICE_BEGAN)
        raise Refusal(
            translate(
                "arrived: {at} is before the service began ({began}); correct the year",
                at=instants.iso(at),
                began=began,
            )
        )


def check_topics(connection: Connection, wanted: set[str]) -> None:
    """Check that these topics exist. Raises `Refusal`."""
    codes = select(schema.topic.c.topic_code)  # a dozen: cheaper than asking for some
    known = set(connection.execute(codes).scalars())
    if wanted - known:
        known_codes = ", ".join(sorted(known)) or translate("none yet")
        raise Refusal(
            translate(
                "topic: {topic} is not a topic; the topics are {choices}",
                topic=text_input.quote(min(wanted - known)),
                choices=known_codes,
            )
        )


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
    entered = opening.at if opening.entered_at is None else opening.entered_at
    if entered > opening.at:
        about["entered"] = instants.iso(entered) or ""
    events = [Event(1, opening.at, opening.actor, "open", None, "new", None, 1, about)]
    if opening.outcome is not None:
        ends = {"outcome": opening.outcome}
        events.append(Event(2, entered, opening.actor, "close", "new", "closed", 1, 1, ends))
    return events


def _new_request(opening: Opening, number: str, events: list[Event]) -> Request:
    standing = history.replay(events)
    return Request(
        request_id=secrets.token_hex(16), protocol=number, contact_id=opening.contact_id, channel=opening.channel,
        topic_code=opening.topic, audience=opening.audience, call_id=opening.call_id, **standing._asdict(),
    )  # fmt: skip
