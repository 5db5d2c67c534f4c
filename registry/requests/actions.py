"""Actions on a request, one at a time: each is a row of the transition table and adds one event to the history.

When two operators act on one request, the second is refused, and the message names who was first, when, and what is
possible now. There are three cases: the action no longer fits the state; the version that the operator saw
(`expected_version`) is not the current one; the other one committed in between.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from common import instants
from common.command_line import Refusal
from registry import text_input
from registry.db import schema
from registry.people import offices
from registry.requests import clocks, history
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.notes import add_note
from registry.requests.request import Request, check_outcome, get_request
from registry.requests.transitions import ACTIONS, Need, Transition, WrongTransition, find, possible
from registry.texts import translate

table = schema.request


class NotPossible(Refusal):
    """The action does not fit the request's state; the message names who brought it there and what is possible."""


class Conflict(Refusal):
    """Somebody else was faster; the message says who, when and what."""


class ActionDetails(NamedTuple):
    """What some actions need: the new owner, the outcome, the job centre, the request that this one duplicates."""

    owner: str | None = None
    outcome: str | None = None
    office: str | None = None
    into: str | None = None


_OPTIONS: dict[Need, str] = {
    "owner": "{action}: give the new owner: --to op118",
    "outcome": "{action}: give the outcome: --outcome resolved",
    "office": "{action}: give the job centre: --office CODE",
    "into": "{action}: give the original request: --into PROTOCOL",
}
NO_DETAILS = ActionDetails()


def perform_action(
    connection: Connection,
    rules: Rules,
    which: str,
    action: str,
    actor: str,
    now: float,
    details: ActionDetails = NO_DETAILS,
    *,
    expected_version: int | None = None,
    note: str | None = None,
    happened_at: float | None = None,
) -> Request:
    """Perform one action on a request, by its protocol number or id; return the request as it is afterwards.

    `happened_at`: when it happened, if it is entered later; clocks stop and start then. Raises `Conflict` and
    `NotPossible`, both of which name the last one who acted; `Refusal` for missing details or an impossible time.
    """
    text_input.check_choice(action, ACTIONS, "action")
    text_input.check_actor(actor)
    if note is not None:
        text_input.check_text(note, "note")
    before = _locked(connection, which, details.into) if action == "merge" else get_request(connection, which)
    latest = history.last_event(connection, before.request_id, before.version)
    if expected_version is not None and expected_version != before.version:
        raise conflict(before, latest, rules)
    try:
        row = find(action, before.state, before.level, rules.third_level)
    except WrongTransition as problem:
        raise NotPossible(
            translate(
                "{protocol}: {problem} (last: {latest})",
                protocol=before.protocol,
                problem=problem,
                latest=_describe(latest, rules),
            )
        ) from None
    changes = _changes(connection, before, row, actor, details, rules.hours.local(now).date())
    at = max(now, latest.at)
    if happened_at is not None:
        _check_time(before, happened_at, latest, now, rules)
        at, changes = happened_at, {**changes, "entered": instants.iso(now, rules.hours.zone)}
    event = Event(
        seq=before.version + 1, at=at, actor=actor, action=row.action, from_state=before.state,
        to_state=row.state, from_level=before.level, to_level=row.level or before.level, changes=changes,
    )  # fmt: skip
    standing = history.apply(before.standing, event)
    unchanged = (table.c.request_id == before.request_id) & (table.c.version == before.version)
    if connection.execute(update(table).where(unchanged).values(**standing._asdict())).rowcount != 1:
        current = get_request(connection, before.request_id)
        raise conflict(current, history.last_event(connection, current.request_id, current.version), rules)
    connection.execute(insert(schema.request_event), event.row(before.request_id))
    clocks.update_clocks(connection, rules, before.request_id, before.channel, event)
    if note is not None:
        add_note(connection, before.request_id, note, actor, event.at)
    return before._replace(**standing._asdict())


def _check_time(request: Request, at: float, latest: Event, now: float, rules: Rules) -> None:
    """Raises `Refusal` for an action in the future, or before the last one."""
    time = instants.iso(at, rules.hours.zone)
    if at > now:
        raise Refusal(translate("at: {time} is in the future; give the time when it happened", time=time))
    if at < latest.at:
        raise Refusal(
            translate(
                "at: {time} is before the last action on {protocol} ({latest})",
                time=time,
                protocol=request.protocol,
                latest=_describe(latest, rules),
            )
        )


def _locked(connection: Connection, which: str, into: str | None) -> Request:
    """Return the request to merge, after locking both requests, always in the same order.

    Without the lock two people could merge each request into the other, and neither would stay open.
    """
    if into is None:
        return get_request(connection, which)
    both = sorted(get_request(connection, number).request_id for number in (which, into))
    connection.execute(
        select(table.c.version).where(table.c.request_id.in_(both)).order_by(table.c.request_id).with_for_update()
    )
    return get_request(connection, which)


def _changes(
    connection: Connection, before: Request, row: Transition, actor: str, details: ActionDetails, today: date
) -> dict[str, Any]:
    """Return what else an action changes: the owner, the job centre, the outcome."""
    unused = [name for name in ActionDetails._fields if getattr(details, name) is not None and name != row.needs]
    if unused:
        raise Refusal(
            translate("{action}: does not take {choices}; leave it out", action=row.action, choices=", ".join(unused))
        )
    if row.needs is not None and getattr(details, row.needs) is None:
        raise Refusal(translate(_OPTIONS[row.needs], action=row.action))
    changes: dict[str, Any] = {}
    owner = {"same": before.owner_ref, "actor": actor, "given": details.owner, "nobody": None,
             "actor_if_nobody": before.owner_ref or actor}[row.owner]  # fmt: skip
    if owner != before.owner_ref:
        changes["owner"] = text_input.check_actor(owner) if owner is not None else None
    office = {"same": before.office_code, "given": details.office, "here": None}[row.place]
    if office != before.office_code:
        if office is not None:
            offices.check_office(connection, office, today)
        changes["office"] = office
    if row.needs == "outcome":
        changes["outcome"] = check_outcome(details.outcome or "", actor)
    if row.needs == "into":
        changes |= {"outcome": "duplicate", "into": _original(connection, before, details.into or "")}
    return changes


def _original(connection: Connection, duplicate: Request, which: str) -> str:
    original = get_request(connection, which)
    if original.request_id == duplicate.request_id:
        raise Refusal(
            translate(
                "{protocol}: cannot be a duplicate of itself; name the other request with --into",
                protocol=duplicate.protocol,
            )
        )
    if original.outcome == "duplicate":
        instead = get_request(connection, original.duplicate_of or "").protocol
        raise Refusal(
            translate(
                "{protocol}: is a duplicate itself; merge into {instead}", protocol=original.protocol, instead=instead
            )
        )
    return original.request_id


def conflict(current: Request, latest: Event, rules: Rules) -> Conflict:
    """The refusal of somebody who saw another version of a request."""
    actions = ", ".join(possible(current.state, current.level, rules.third_level))
    return Conflict(
        translate(
            "{protocol}: has changed meanwhile: {latest}; it is {state} at level {level}, version {version};"
            " look at it again, possible now: {actions}",
            protocol=current.protocol,
            latest=_describe(latest, rules),
            state=current.state,
            level=current.level,
            version=current.version,
            actions=actions,
        )
    )


def _describe(event: Event, rules: Rules) -> str:
    """Who did what, when: `take by op117 on 24/11/2026 at 10:02:11`."""
    at = datetime.fromtimestamp(event.at, UTC).astimezone(rules.hours.zone)
    day, time = f"{at:%d/%m/%Y}", f"{at:%H:%M:%S}"
    return translate(
        "{action} by {actor} on {day} at {time}", action=event.action, actor=event.actor, day=day, time=time
    )
