"""How commands work on requests: what they all ask, and how they say what became of a request."""

from __future__ import annotations

import argparse
import json
import math
import time
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from common.command_line import Command
from common.places import Places
from common.terminal_table import printable
from registry.db import schema
from registry.requests import reference_data, store
from registry.requests.clocks import Rules
from registry.requests.store import Given, Request
from registry.requests.transitions import TABLE
from registry.site import Site


def command(action: str) -> Command:
    """The command of one action of the table."""
    needs = next(row.needs for row in TABLE if row.action == action)

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("number", metavar="NUMBER", help="the request's protocol number, however it was written")
        if needs == "owner":
            parser.add_argument("--to", dest="owner", required=True, metavar="WHO", help="who is to have it: op118")
        if needs == "outcome":
            words = [each for each in schema.OUTCOMES if each != "duplicate"]
            parser.add_argument("--outcome", required=True, choices=words, metavar="OUTCOME", help=", ".join(words))
        if needs == "office":
            parser.add_argument("--office", required=True, metavar="CODE", help="a job centre of `registry offices`")
        if needs == "into":
            parser.add_argument("--into", required=True, metavar="NUMBER", help="the request whose double it is")
        by(parser)
        parser.add_argument("--note", metavar="WORDS", help="words for the next person; erased with who asked")
        parser.add_argument("--version", type=int, metavar="N", help="refuse unless it is still at this version")
        parser.add_argument("--json", action="store_true", help="for programs")

    def run(options: argparse.Namespace, places: Places) -> int:
        site, now = Site.of(places), time.time()
        rules = Rules.of(site.compiled)
        given = Given(**{needs: getattr(options, needs)}) if needs else Given()
        with site.database.begin() as connection:
            reference_data.publish(connection, site.compiled)
            done = store.act(
                connection, rules, options.number, action, options.by, now, given,
                expected_version=options.version, note=options.note,
            )  # fmt: skip
            due = due_of(connection, done)
        say(done, due, rules, options.json)
        return 0

    return Command(arguments, run)


def by(parser: argparse.ArgumentParser) -> None:
    """Who acts: a pseudonym."""
    parser.add_argument("--by", required=True, metavar="WHO", help="who does it: an operator's code, such as op117")


def due_of(connection: Connection, request: Request) -> float | None:
    """When the first of a request's running clocks is over; None when none runs or all stand still."""
    clock = schema.sla_clock
    mine = (clock.c.request_id == request.request_id) & clock.c.stopped_at.is_(None) & clock.c.paused_at.is_(None)
    return min(connection.execute(select(clock.c.due_at).where(mine)).scalars(), default=None)


# --- words ------------------------------------------------------------------------------------------------------------


def document(request: Request, due: float | None) -> dict[str, Any]:
    """A request for programs; a clock that never ends is said by null, as one that does not run."""
    return {**request._asdict(), "due_at": None if due is None or math.isinf(due) else due}


def say(request: Request, due: float | None, rules: Rules, as_json: bool) -> None:
    """How a request stands, in a line."""
    if as_json:
        print(json.dumps(document(request, due)))
        return
    parts = [f"{request.state}, level {request.level}"]
    if request.outcome is not None:
        parts = [f"closed, {request.outcome}"]
    elif request.owner_ref is not None:
        parts.append(f"{request.owner_ref} has it")
    if request.office_code is not None and request.state == "forwarded":
        parts.append(f"at {request.office_code}")
    if due is not None:
        parts.append(f"due {moment(due, rules)}")
    print(printable(f"{request.protocol}: {', '.join(parts)} (version {request.version})"))


def moment(at: float | None, rules: Rules) -> str:
    """An instant in local time: `Tue 24 Nov 2026 10:02`; `never` for what is infinite, `-` for none."""
    if at is None:
        return "-"
    if math.isinf(at):
        return "never"
    return datetime.fromtimestamp(at, rules.hours.zone).strftime("%a %d %b %Y %H:%M")
