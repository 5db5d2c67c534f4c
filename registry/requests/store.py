"""Requests: opened with a number, moved by one action at a time, each action a line of history.

Two operators on one request: whoever comes second is refused, and told who was first, when, and what is possible now.
Either because the action no longer fits the state, or because the version that they saw (`expected_version`) is not
the one that is there, or because the other one committed in between.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, text, update

from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.people import offices
from registry.requests import clocks, history, protocol_number
from registry.requests.clocks import Rules
from registry.requests.history import Event, Standing
from registry.requests.transitions import ACTIONS, Need, State, Transition, WrongTransition, find, possible

table = schema.request
_ID = r"[0-9a-f]{32}"
OPENING = 0x6E756D  # of PostgreSQL's advisory locks, beside `registry.maintenance.LOCK`


class Request(NamedTuple):
    """A request as its row has it."""

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


class Opening(NamedTuple):
    """What is known of a request when it begins. `outcome`: it ends in the same moment, as an information does."""

    channel: str
    topic: str
    at: float
    actor: str
    audience: str = "other"
    call_id: str | None = None
    contact_id: str | None = None
    note: str | None = None
    outcome: str | None = None


class NotPossible(Refusal):
    """That cannot be done with the request as it stands; the message says who brought it there and what can be done."""


class Conflict(Refusal):
    """Somebody else was faster; the message says who, when and what."""


# --- opening ----------------------------------------------------------------------------------------------------------


def only_opener(connection: Connection) -> None:
    """Who looks first whether a call has a request, and then opens one, is alone with that until the transaction ends:
    the intake and an operator would give it two. SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": OPENING})


def open_request(connection: Connection, rules: Rules, opening: Opening) -> Request:
    """Open one request. Raises `Refusal` for what is no channel, topic, audience, person or text."""
    return open_requests(connection, rules, [opening])[0]


def open_requests(connection: Connection, rules: Rules, openings: Sequence[Opening]) -> list[Request]:
    """Open requests, in this order and with as few statements as one; all of them or none."""
    for each in openings:
        _check(each)
    _check_topics(connection, {each.topic for each in openings})
    numbers = _protocols(connection, rules, openings)
    histories = [_beginning(each) for each in openings]
    found = [_begun(each, number, events) for each, number, events in zip(openings, numbers, histories, strict=True)]
    running = []
    for request in found:
        promise = clocks.promise_of(request.channel, request.level) if request.state != "closed" else None
        if promise is not None:
            running.append(clocks.started(rules, request.request_id, promise, 1, request.opened_at))
    rows = {
        table: [request._asdict() for request in found],
        schema.request_event: [
            event.row(request.request_id)
            for request, events in zip(found, histories, strict=True)
            for event in events
        ],
        schema.sla_clock: running,
        schema.request_note: [
            _note(request.request_id, 1, each.at, each.actor, each.note)
            for request, each in zip(found, openings, strict=True)
            if each.note is not None
        ],
    }  # fmt: skip
    for into, values in rows.items():
        if values:
            connection.execute(insert(into), values)
    return found


def _check(opening: Opening) -> None:
    _one_of(opening.channel, schema.CHANNELS, "channel")
    _one_of(opening.audience, schema.AUDIENCES, "audience")
    text_input.code(opening.topic, "topic")
    text_input.actor(opening.actor)
    if opening.outcome is not None:
        _check_outcome(opening.outcome)
    if opening.call_id is not None:
        text_input.code(opening.call_id, "call")
    if opening.note is not None:
        text_input.text(opening.note, "note")


def _check_topics(connection: Connection, wanted: set[str]) -> None:
    known = set(
        connection.execute(select(schema.topic.c.topic_code)).scalars()
    )  # a dozen: cheaper than asking for some
    if wanted - known:
        every = ", ".join(sorted(known)) or "none yet"
        raise Refusal(f"topic: {text_input.shown(min(wanted - known))} is none; there are {every}")


def _protocols(connection: Connection, rules: Rules, openings: Sequence[Opening]) -> list[str]:
    """A number for each, of the local year in which it began."""
    years = [rules.hours.local(each.at).year for each in openings]
    given = {year: iter(protocol_number.give(connection, year, years.count(year))) for year in sorted(set(years))}
    return [next(given[year]) for year in years]


def _beginning(opening: Opening) -> list[Event]:
    """The first lines of its history: that it was opened, and closed if it is over already."""
    about = {"channel": opening.channel, "topic": opening.topic, "audience": opening.audience}
    events = [Event(1, opening.at, opening.actor, "open", None, "new", None, 1, about)]
    if opening.outcome is not None:
        ends = {"outcome": opening.outcome}
        events.append(Event(2, opening.at, opening.actor, "close", "new", "closed", 1, 1, ends))
    return events


def _begun(opening: Opening, number: str, events: list[Event]) -> Request:
    standing = history.replay(events)
    return Request(
        request_id=secrets.token_hex(16), protocol=number, contact_id=opening.contact_id, channel=opening.channel,
        topic_code=opening.topic, audience=opening.audience, call_id=opening.call_id, **standing._asdict(),
    )  # fmt: skip


# --- reading ----------------------------------------------------------------------------------------------------------


def get(connection: Connection, which: str) -> Request:
    """A request by its protocol number, however it was typed, or by its id. Raises `Refusal`."""
    by_id = re.fullmatch(_ID, which) is not None
    column, name = (table.c.request_id, which) if by_id else (table.c.protocol, protocol_number.parse(which))
    row = connection.execute(select(table).where(column == name)).first()
    if row is None:
        raise Refusal(f"{name}: no request has that number; is it of this service, and of that year?")
    return Request(*row)


# --- acting -----------------------------------------------------------------------------------------------------------


class Given(NamedTuple):
    """What some actions need: who gets it, how it ends, which job centre, of which request it is the double."""

    owner: str | None = None
    outcome: str | None = None
    office: str | None = None
    into: str | None = None


_OPTIONS: dict[Need, str] = {
    "owner": "who is to have it: --to op118",
    "outcome": "how it ended: --outcome resolved",
    "office": "which job centre: --office CODE",
    "into": "of which request it is the double: --into PROTOCOL",
}
NOTHING = Given()


def act(
    connection: Connection,
    rules: Rules,
    which: str,
    action: str,
    actor: str,
    now: float,
    given: Given = NOTHING,
    *,
    expected_version: int | None = None,
    note: str | None = None,
) -> Request:
    """Do one thing with a request, by its protocol number or id; the request as it stands then.

    Raises `Conflict` and `NotPossible`, both of which name the last one who acted; `Refusal` for what is missing.
    """
    _one_of(action, ACTIONS, "action")
    text_input.actor(actor)
    if note is not None:
        text_input.text(note, "note")
    before = _locked(connection, which, given.into) if action == "merge" else get(connection, which)
    latest = history.last(connection, before.request_id, before.version)
    if expected_version is not None and expected_version != before.version:
        raise _conflict(before, latest, rules)
    try:
        row = find(action, before.state, before.level, rules.third_level)
    except WrongTransition as problem:
        raise NotPossible(f"{before.protocol}: {problem} (last: {_told(latest, rules)})") from None
    changes = _consequences(connection, before, row, actor, given, rules.hours.local(now).date())
    event = Event(
        seq=before.version + 1, at=max(now, latest.at), actor=actor, action=row.action, from_state=before.state,
        to_state=row.state, from_level=before.level, to_level=row.level or before.level, changes=changes,
    )  # fmt: skip
    standing = history.after(before.standing, event)
    same = (table.c.request_id == before.request_id) & (table.c.version == before.version)
    if connection.execute(update(table).where(same).values(**standing._asdict())).rowcount != 1:
        faster = get(connection, before.request_id)
        raise _conflict(faster, history.last(connection, faster.request_id, faster.version), rules)
    connection.execute(insert(schema.request_event), event.row(before.request_id))
    clocks.follow(connection, rules, before.request_id, before.channel, event)
    if note is not None:
        add_note(connection, before.request_id, note, actor, event.at)
    return before._replace(**standing._asdict())


def add_note(connection: Connection, request_id: str, said: str, actor: str, at: float) -> None:
    """Keep words about a request; personal data, erased with its contact."""
    notes = schema.request_note
    connection.execute(select(table.c.version).where(table.c.request_id == request_id).with_for_update())
    count = select(func.coalesce(func.max(notes.c.note_no), 0)).where(notes.c.request_id == request_id)
    number = connection.execute(count).scalar_one() + 1
    connection.execute(insert(notes), _note(request_id, number, at, actor, text_input.text(said, "note")))


def _note(request_id: str, number: int, at: float, actor: str, said: str | None) -> dict[str, Any]:
    return {"request_id": request_id, "note_no": number, "at": at, "actor_ref": actor, "words": said}


def _locked(connection: Connection, which: str, into: str | None) -> Request:
    """A request and the one that it is to be merged into, held against others in an order that all keep.

    Without it two people could merge each into the other, and neither would be left.
    """
    if into is None:
        return get(connection, which)
    both = sorted(get(connection, each).request_id for each in (which, into))
    connection.execute(
        select(table.c.version).where(table.c.request_id.in_(both)).order_by(table.c.request_id).with_for_update()
    )
    return get(connection, which)


def _consequences(
    connection: Connection, before: Request, row: Transition, actor: str, given: Given, today: date
) -> dict[str, Any]:
    """What else an action changes: who has it, where it lies, how it ended."""
    unused = [name for name in Given._fields if getattr(given, name) is not None and name != row.needs]
    if unused:
        raise Refusal(f"{row.action}: takes no {', '.join(unused)}; leave it out")
    if row.needs is not None and getattr(given, row.needs) is None:
        raise Refusal(f"{row.action}: say {_OPTIONS[row.needs]}")
    changes: dict[str, Any] = {}
    owner = {"same": before.owner_ref, "actor": actor, "given": given.owner, "nobody": None,
             "actor_if_nobody": before.owner_ref or actor}[row.owner]  # fmt: skip
    if owner != before.owner_ref:
        changes["owner"] = text_input.actor(owner) if owner is not None else None
    office = {"same": before.office_code, "given": given.office, "here": None}[row.place]
    if office != before.office_code:
        if office is not None:
            offices.check(connection, office, today)
        changes["office"] = office
    if row.needs == "outcome":
        changes["outcome"] = _check_outcome(given.outcome or "")
    if row.needs == "into":
        changes |= {"outcome": "duplicate", "into": _original(connection, before, given.into or "")}
    return changes


def _original(connection: Connection, double: Request, which: str) -> str:
    original = get(connection, which)
    if original.request_id == double.request_id:
        raise Refusal(f"{double.protocol}: is not its own double; name the other request with --into")
    if original.outcome == "duplicate":
        instead = get(connection, original.duplicate_of or "").protocol
        raise Refusal(f"{original.protocol}: is a double itself; merge into {instead}")
    return original.request_id


def _check_outcome(outcome: str) -> str:
    if outcome == "duplicate":
        raise Refusal("outcome: a double is merged, not closed: `registry merge NUMBER --into ORIGINAL`")
    return _one_of(outcome, schema.OUTCOMES, "outcome")


def _one_of(word: str, allowed: Sequence[str], what: str) -> str:
    if word not in allowed:
        raise Refusal(f"{what}: {text_input.shown(word)} is none; there are {', '.join(allowed)}")
    return word


def _conflict(found: Request, latest: Event, rules: Rules) -> Conflict:
    can = ", ".join(possible(found.state, found.level, rules.third_level))
    return Conflict(
        f"{found.protocol}: has changed meanwhile: {_told(latest, rules)}; it is {found.state} at level {found.level},"
        f" version {found.version}; look at it again, possible now: {can}"
    )


def _told(event: Event, rules: Rules) -> str:
    """Who did what, when: `take by op117 on 24/11/2026 at 10:02:11`."""
    at = datetime.fromtimestamp(event.at, UTC).astimezone(rules.hours.zone)
    return f"{event.action} by {event.actor} on {at:%d/%m/%Y} at {at:%H:%M:%S}"
