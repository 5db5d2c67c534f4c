"""What the commands on requests share: their common options, and how they print a request."""

from __future__ import annotations

import argparse
import json
import math
from datetime import datetime
from typing import Any

from common import argument_types
from common.terminal_table import printable
from registry.requests.clocks import Rules
from registry.requests.request import Request


def number_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="the request's protocol number, in any spelling")


def by_argument(parser: argparse.ArgumentParser) -> None:
    """Who acts: a pseudonym."""
    parser.add_argument("--by", required=True, metavar="WHO", help="who does it: an operator's code, such as op117")


def json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of commands that list requests."""
    parser.add_argument(
        "--limit",
        type=argument_types.positive_integer,
        default=100,
        metavar="N",
        help="list at most N requests (default: 100)",
    )
    json_argument(parser)


def document(request: Request, due: float | None) -> dict[str, Any]:
    """A request for programs. `due_at` is null without a running clock, and for a clock that never ends."""
    return {**request._asdict(), "due_at": None if due is None or math.isinf(due) else due}


def print_request(request: Request, due: float | None, rules: Rules, *, as_json: bool) -> None:
    """Print a request in one line, as JSON or text."""
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
        parts.append(f"due {local_time(due, rules)}")
    print(printable(f"{request.protocol}: {', '.join(parts)} (version {request.version})"))


def local_time(at: float | None, rules: Rules) -> str:
    """An instant in local time: `Tue 24 Nov 2026 10:02`; `never` for infinity, `-` for None."""
    if at is None:
        return "-"
    if math.isinf(at):
        return "never"
    return datetime.fromtimestamp(at, rules.hours.zone).strftime("%a %d %b %Y %H:%M")
