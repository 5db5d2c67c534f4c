"""`voicemail list`: list the call-backs; with `--all`, all messages of the store.

Without a registry it lists the message store, since messages must stay accessible.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import printable
from voicemail.commands.callback_service import json_argument, open_service
from voicemail.commands.terminal_view import entry_table, message_document, message_table
from voicemail.message import SETTLED
from voicemail.store import Store
from voicemail.texts import translate

if TYPE_CHECKING:
    from voicemail.callback.service import WorkList

REASONS = {
    "ended": "answered or closed elsewhere: {reference}",
    "marked": "settled in the message store: {reference}",
    "served": "the citizen was answered since: {reference}",
    "duplicate": "same number, continued as {reference}",
    "reopened": "reopened, waits for a call: {reference}",
    "rescheduled": "the opening hours have changed, next try from {reference}",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", action="store_true", help=translate("all messages of the store, including settled ones")
    )
    json_argument(parser)


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    if not options.all:
        try:
            work = open_service(places).list_entries(now)
        except Refusal as refusal:
            print(
                translate("voicemail list: the message store alone: {refusal}", refusal=printable(str(refusal))),
                file=sys.stderr,
            )
        else:
            return _print_worklist(work, now, as_json=options.json)
    return _print_store(places, now, everything=options.all, as_json=options.json)


def _print_worklist(work: WorkList, now: float, *, as_json: bool) -> int:
    if as_json:
        document = {
            "waiting": [entry.document() for entry in work.entries],
            "not_taken_in": [message_document(message) for message in work.unregistered],
        }
        print(json.dumps(document, indent=1))
        return _print_problems(work.problems)
    for change in work.changes:
        reason = translate(REASONS[change.reason], reference=change.reference)
        print(printable(f"{change.protocol}: {reason}"))
    if work.entries:
        print(entry_table(work.entries, now))
    else:
        print(translate("Nobody waits for a call (`voicemail list --all`: all messages of the store)."))
    if work.unregistered:
        table = message_table(work.unregistered, now)
        print("\n" + translate("In the message store, not yet in the registry (`registry intake`):"))
        print(table)
    return _print_problems(work.problems)


def _print_store(places: Places, now: float, *, everything: bool, as_json: bool) -> int:
    messages, problems = Store(places.messages).scan()
    listed = [message for message in messages if everything or message.state not in SETTLED]
    if as_json:
        print(json.dumps([message_document(message) for message in listed], indent=1))
    elif listed:
        print(message_table(listed, now))
    else:
        print(translate("All messages are settled (`voicemail list --all`)." if messages else "There are no messages."))
    return _print_problems(problems)


def _print_problems(problems: list[str]) -> int:
    for problem in problems:
        print(f"voicemail list: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0
