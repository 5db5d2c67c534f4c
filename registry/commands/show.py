"""`registry show`: how a request stands, what happened to it, and the arithmetic of its clocks.

Who asked, and the words that were written down, are shown with `--person` only: that is logged, with the reason.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from sqlalchemy import Connection, select

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import printable
from registry.commands import request_action
from registry.db import schema
from registry.people import contacts
from registry.people.data_subject import log_access
from registry.requests import clocks, history, protocol_number, store
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.store import Request
from registry.requests.transitions import possible
from registry.site import Site
from registry.text_input import actor, line

INDENT = " " * 12


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="the request's protocol number, however it was written")
    parser.add_argument("--person", action="store_true", help="who asked, and the notes; needs --by and --why")
    parser.add_argument("--by", metavar="WHO", help="who looks: an operator's code, such as op117")
    parser.add_argument("--why", metavar="WORDS", help="the reason, for the log of accesses")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace, places: Places) -> int:
    if options.person and not (options.by and options.why):
        raise Refusal("--person: looking at somebody's data is logged; say --by op117 --why 'the reason'")
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    with site.database.begin() if options.person else site.database.read() as connection:
        request = store.get(connection, options.number)
        found = {
            **request_action.document(request, request_action.due_of(connection, request)),
            "possible": possible(request.state, request.level, rules.third_level),
            **_doubles(connection, request),
            "history": [_named(connection, event) for event in history.events(connection, request.request_id)],
            "clocks": _clocks(connection, rules, request),
        }
        if options.person:
            found |= _person(connection, site, request, options, now)
    if options.json:
        print(json.dumps(found, indent=1, ensure_ascii=True))
    else:
        _show(found, request, rules)
    return 0


def _doubles(connection: Connection, request: Request) -> dict[str, Any]:
    """The request that this one is the double of, and those that are its doubles: by their numbers."""
    table = schema.request.c
    mine = select(table.protocol).where(table.duplicate_of == request.request_id).order_by(table.protocol)
    original = store.get(connection, request.duplicate_of).protocol if request.duplicate_of else None
    return {"double_of": original, "doubles": list(connection.execute(mine).scalars())}


def _named(connection: Connection, event: Event) -> dict[str, Any]:
    """An event for programs and people: another request is called by its number."""
    changes = dict(event.changes)
    if "into" in changes:
        changes["into"] = store.get(connection, changes["into"]).protocol
    return {**event._asdict(), "changes": changes}


def _clocks(connection: Connection, rules: Rules, request: Request) -> list[dict[str, Any]]:
    clock, promise = schema.sla_clock, schema.promise
    rows = connection.execute(
        select(clock).where(clock.c.request_id == request.request_id).order_by(clock.c.started_at, clock.c.clock_no)
    ).all()
    promises = {row.promise_code: row for row in connection.execute(select(promise))}
    events = history.events(connection, request.request_id)
    return [
        {
            "promise": row.promise_code,
            "number": row.clock_no,
            "state": row.stop_reason or ("runs" if row.paused_at is None else "stands still"),
            "arithmetic": clocks.explained(rules, row, promises[row.promise_code], events),
        }
        for row in rows
    ]


def _person(
    connection: Connection, site: Site, request: Request, options: argparse.Namespace, now: float
) -> dict[str, Any]:
    """Who asked and what was written down; both are somebody's words and data, so both are logged."""
    who, reason = actor(options.by), line(options.why, "why")
    log_access(connection, now, who, "read", "request_note", request.request_id, reason)
    note = schema.request_note
    rows = connection.execute(select(note).where(note.c.request_id == request.request_id).order_by(note.c.note_no))
    notes = [{"at": row.at, "by": row.actor_ref, "words": row.words} for row in rows]
    person = None
    if request.contact_id is not None:
        person = contacts.read(connection, site.keys, request.contact_id, who, reason, now)._asdict()
    return {"person": person, "notes": notes}


# --- words ------------------------------------------------------------------------------------------------------------


def _show(found: dict[str, Any], request: Request, rules: Rules) -> None:
    original = found["double_of"]
    ended = "" if request.outcome is None else f", {request.outcome}" + (f" of {original}" if original else "")
    lines = {
        "request": f"{request.protocol}  ({protocol_number.spoken(request.protocol)})",
        "state": f"{request.state}{ended}, level {request.level}, version {request.version}",
        "about": f"{request.topic_code}, {request.audience}, by {request.channel}",
        "who": request.owner_ref or "nobody has it",
        "centre": request.office_code or "-",
        "call": request.call_id or "-",
        "opened": request_action.moment(request.opened_at, rules),
        "answered": request_action.moment(request.answered_at, rules),
        "closed": request_action.moment(request.closed_at, rules),
        "possible": ", ".join(found["possible"]),
    }
    if found["doubles"]:
        lines["doubles"] = ", ".join(found["doubles"])
    for name, said in lines.items():
        print(f"{name:>10}  {printable(said)}")
    for event in found["history"]:
        print(f"{'history' if event['seq'] == 1 else '':>10}  {printable(_told(Event(**event), rules))}")
    for clock in found["clocks"]:
        print(f"{'clock':>10}  {clock['promise']} {clock['number']}: {clock['state']}")
        for said in clock["arithmetic"].splitlines():
            print(f"{INDENT}{printable(said)}")
    for name, value in (found.get("person") or {}).items():
        if value is not None:
            print(f"{name:>10}  {printable(value)}")
    for note in found.get("notes", ()):
        print(f"{'note':>10}  {request_action.moment(note['at'], rules)}, {printable(note['by'])}:")
        for said in (note["words"] or "(erased)").splitlines():
            print(f"{INDENT}{printable(said)}")


def _told(event: Event, rules: Rules) -> str:
    level = f" level {event.to_level}" if event.to_level != event.from_level else ""
    more = ", ".join(f"{name} {value or 'none'}" for name, value in event.changes.items())
    return f"{request_action.moment(event.at, rules)}  {event.action} by {event.actor} -> {event.to_state}{level}" + (
        f" ({more})" if more else ""
    )
