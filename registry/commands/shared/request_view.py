"""What the commands on requests share: their common options, and how they print a request."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from common import argument_types, instants
from common.terminal_table import printable
from registry.requests.clocks import Rules
from registry.requests.request import Request
from registry.texts import translate

ON_A_SCREEN = 100  # rows of a list on a terminal


def number_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "number", metavar=translate("NUMBER"), help=translate("the request's protocol number, in any spelling")
    )


def by_argument(parser: argparse.ArgumentParser) -> None:
    """Who acts: a pseudonym."""
    parser.add_argument(
        "--by",
        required=True,
        metavar=translate("WHO"),
        help=translate("who does it: an operator's code, such as op117"),
    )


def json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=translate("print JSON, for programs"))


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of commands that list requests."""
    parser.add_argument(
        "--limit",
        type=argument_types.positive_integer,
        metavar=translate("N"),
        help=translate(
            "list at most N requests (default: {number} on a terminal; all of them in a file, a pipe or JSON)",
            number=ON_A_SCREEN,
        ),
    )
    json_argument(parser)


def limit(options: argparse.Namespace) -> int | None:
    """How many rows to list; None: all of them. Only a person at a terminal is spared a long list."""
    if options.limit is None and not options.json and sys.stdout.isatty():
        return ON_A_SCREEN
    number: int | None = options.limit
    return number


def report_more(command: str, more: int) -> None:
    """Report on standard error how many rows were left out."""
    if more:
        print(translate("registry {command}: {more} more: use --limit", command=command, more=more), file=sys.stderr)


def document(request: Request, due: float | None) -> dict[str, Any]:
    """A request for programs. `due_at` is null without a running clock, and for a clock that never ends; `due_on` is
    the last day on which it can be met. `queue` is where an open request waits that nobody owns."""
    fields: dict[str, Any] = instants.with_iso_times(request._asdict())
    day = None if due is None or math.isinf(due) else instants.last_day(due).isoformat()
    return {
        **fields, "queue": request.queue, "classified": request.classified, "due_at": instants.iso(due), "due_on": day,
    }  # fmt: skip


def state(request: Request) -> str:
    """The state in words: `new`, `closed, resolved`, `answered, not classified`."""
    if request.outcome is None:
        return request.state
    return f"closed, {request.outcome}" if request.classified else translate("answered, not classified")


def who(request: Request) -> str:
    """Who has the request: an operator, a job centre, or the queue of a level."""
    return request.owner_ref or request.queue or request.office_code or "-"


def print_request(request: Request, due: float | None, rules: Rules, *, as_json: bool) -> None:
    """Print a request in one line, as JSON or text."""
    if as_json:
        print(json.dumps(document(request, due)))
        return
    parts = [translate("{state}, level {level}", state=request.state, level=request.level)]
    if request.outcome is not None:
        parts = [state(request)]
    elif request.owner_ref is not None:
        parts.append(translate("{who} has it", who=request.owner_ref))
    if request.office_code is not None and request.state == "forwarded":
        parts.append(translate("at {office}", office=request.office_code))
    if due is not None:
        parts.append(translate("due {when}", when=instants.deadline(due, rules.hours.zone)))
    version = translate("version {number}", number=request.version)
    print(printable(f"{request.protocol}: {', '.join(parts)} ({version})"))


def local_time(at: float | None, rules: Rules) -> str:
    """An instant in local time: `Tue 24 Nov 2026 10:02`; `never` for infinity, `-` for None."""
    if at is None:
        return "-"
    return instants.moment(at, rules.hours.zone)
