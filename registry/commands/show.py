"""`registry show`: show a request, its history, and the arithmetic of its clocks.

Who asked and the notes are shown only with `--person`: that is logged, with the reason.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from sqlalchemy import Connection, select

from common import instants
from common.command_line import Refusal
from common.languages import Language
from common.places import Places
from common.terminal_table import printable
from common.texts import current_language
from registry.commands.shared import request_view
from registry.db import schema
from registry.people import contacts
from registry.people.access_log import log_access
from registry.requests import clocks, history, protocol_number, queries, reference_data
from registry.requests.clocks import Rules
from registry.requests.history import Event
from registry.requests.request import Request, get_request
from registry.requests.transitions import possible
from registry.site import Site
from registry.text_input import check_actor, check_line
from registry.texts import translate

INDENT = " " * 12


def arguments(parser: argparse.ArgumentParser) -> None:
    request_view.number_argument(parser)
    parser.add_argument(
        "--person", action="store_true", help=translate("show who asked, and the notes; needs --by and --why")
    )
    parser.add_argument(
        "--by", metavar=translate("WHO"), help=translate("who looks: an operator's code, such as op117")
    )
    parser.add_argument("--why", metavar=translate("TEXT"), help=translate("the reason, for the log of accesses"))
    request_view.json_argument(parser)


def run(options: argparse.Namespace, places: Places) -> int:
    if options.person and not (options.by and options.why):
        raise Refusal(translate("--person: access to personal data is logged; add --by op117 --why 'the reason'"))
    site, now = Site.of(places), time.time()
    rules = Rules.of(site.compiled)
    reference_data.follow_configuration(site, rules, now)
    with site.database.begin() if options.person else site.database.read() as connection:
        request = get_request(connection, options.number)
        document = {
            **request_view.document(request, queries.next_due(connection, request)),
            "possible": possible(request.state, request.level, rules.third_level),
            **_duplicates(connection, request),
            "history": [_named(connection, event) for event in history.read_events(connection, request.request_id)],
            "clocks": _clocks(connection, rules, request, "it" if options.json else current_language()),
        }
        if options.person:
            document |= _person(connection, site, request, options, now)
    if options.json:
        print(json.dumps(instants.with_iso_times(document), indent=1, ensure_ascii=True))
    else:
        _show(document, request, rules)
    return 0


def _duplicates(connection: Connection, request: Request) -> dict[str, Any]:
    """Return the numbers of the original of this request, and of its duplicates."""
    table = schema.request.c
    duplicates = select(table.protocol).where(table.duplicate_of == request.request_id).order_by(table.protocol)
    original = get_request(connection, request.duplicate_of).protocol if request.duplicate_of else None
    return {"original": original, "duplicates": list(connection.execute(duplicates).scalars())}


def _named(connection: Connection, event: Event) -> dict[str, Any]:
    """Return an event in which another request is named by its number, not its id."""
    changes = dict(event.changes)
    if "into" in changes:
        changes["into"] = get_request(connection, changes["into"]).protocol
    return {**event._asdict(), "changes": changes}


def _clocks(connection: Connection, rules: Rules, request: Request, language: Language) -> list[dict[str, Any]]:
    clock, promise = schema.sla_clock, schema.promise
    rows = connection.execute(
        select(clock).where(clock.c.request_id == request.request_id).order_by(clock.c.started_at, clock.c.clock_no)
    ).all()
    promises = {row.promise_code: row for row in connection.execute(select(promise))}
    events = history.read_events(connection, request.request_id)
    return [
        {
            "promise": row.promise_code,
            "number": row.clock_no,
            "state": row.stop_reason or ("runs" if row.paused_at is None else "paused"),
            "arithmetic": clocks.explain_clock(rules, row, promises[row.promise_code], events, language),
        }
        for row in rows
    ]


def _person(
    connection: Connection, site: Site, request: Request, options: argparse.Namespace, now: float
) -> dict[str, Any]:
    """Return who asked and the notes; both are personal data, so both accesses are logged."""
    who, reason = check_actor(options.by), check_line(options.why, "why")
    log_access(connection, now, who, "read", "request_note", request.request_id, reason)
    note = schema.request_note
    rows = connection.execute(select(note).where(note.c.request_id == request.request_id).order_by(note.c.note_no))
    notes = [{"at": row.at, "by": row.actor_ref, "words": row.words} for row in rows]
    person = None
    if request.contact_id is not None:
        person = contacts.read_identity(connection, site.keys, request.contact_id, who, reason, now)._asdict()
    return {"person": person, "notes": notes}


# --- text -------------------------------------------------------------------------------------------------------------


def _show(document: dict[str, Any], request: Request, rules: Rules) -> None:
    for name, value in _lines(document, request, rules).items():
        _print_line(translate(name), value)
    for event in document["history"]:
        _print_line(translate("history") if event["seq"] == 1 else "", _describe(Event(**event), rules))
    for clock in document["clocks"]:
        _print_line(translate("clock"), f"{clock['promise']} {clock['number']}: {clock['state']}")
        _print_below(clock["arithmetic"])
    for name, value in (document.get("person") or {}).items():
        if value is not None:
            _print_line(translate(name), value)
    for note in document.get("notes", ()):
        _print_line(translate("note"), f"{request_view.local_time(note['at'], rules)}, {note['by']}:")
        _print_below(note["words"] or translate("(erased)"))


def _lines(document: dict[str, Any], request: Request, rules: Rules) -> dict[str, str]:
    """What a request is, by name."""
    state, original = request_view.state(request), document["original"]
    if original:
        state = translate("{state} of {original}", state=state, original=original)
    if request.owner_ref or not request.queue:
        who = request.owner_ref or translate("nobody")
    else:
        who = translate("nobody has it; queue {queue}", queue=request.queue)
    lines = {
        "request": f"{request.protocol}  ({protocol_number.spell_out(request.protocol)})",
        "state": translate("{state}, level {level}, version {version}", state=state, level=request.level,
                      version=request.version),
        "about": translate("{topic}, {audience}, by {channel}", topic=request.topic_code, audience=request.audience,
                      channel=request.channel),
        "who": who,
        "centre": request.office_code or "-",
        "call": request.call_id or "-",
        "opened": request_view.local_time(request.opened_at, rules),
        "answered": request_view.local_time(request.answered_at, rules),
        "closed": request_view.local_time(request.closed_at, rules),
        "possible": ", ".join(document["possible"]),
    }  # fmt: skip
    return lines | ({"duplicates": ", ".join(document["duplicates"])} if document["duplicates"] else {})


def _print_line(name: str, value: str) -> None:
    print(f"{name:>10}  {printable(value)}")


def _print_below(lines: str) -> None:
    for line in lines.splitlines():
        print(f"{INDENT}{printable(line)}")


def _describe(event: Event, rules: Rules) -> str:
    """One line of the history; actions, states and fields are codes."""
    level = translate(" level {number}", number=event.to_level) if event.to_level != event.from_level else ""
    changes = ", ".join(f"{name} {value or translate('none')}" for name, value in event.changes.items())
    who, state = event.actor, event.to_state
    did = translate("{action} by {actor} -> {state}{level}", action=event.action, actor=who, state=state, level=level)
    return f"{request_view.local_time(event.at, rules)}  {did}" + (f" ({changes})" if changes else "")
