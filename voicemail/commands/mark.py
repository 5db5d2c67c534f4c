"""`voicemail mark`: record in the message store what was done about a message.

`listened` is a state of the store alone. The other states follow the registry, once it holds the message.
"""

from __future__ import annotations

import argparse

from common.command_line import Refusal, user_name
from common.places import Places
from common.terminal_table import printable
from voicemail.commands.callback_service import message_argument, open_service
from voicemail.message import STATES
from voicemail.store import Store
from voicemail.texts import translate


def arguments(parser: argparse.ArgumentParser) -> None:
    message_argument(parser)
    parser.add_argument("state", metavar=translate("STATE"), choices=tuple(STATES), help=", ".join(STATES))
    parser.add_argument("--note", default="", help=translate("a note for the next person"))
    parser.add_argument("--by", metavar=translate("WHO"), help=translate("who did it (default: you)"))


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    store = Store(places.messages)
    by = options.by or user_name()
    id = store.find(options.id)
    if options.state != "listened" and (protocol := _find_protocol(places, id)) is not None:
        raise Refusal(
            translate(
                "{id}: is request {protocol} in the registry, which decides its state: "
                "`voicemail outcome {protocol} RESULT --by OPERATOR`, or `registry close`, `registry reopen`",
                id=id,
                protocol=protocol,
            )
        )
    marked = store.mark(id, options.state, by=by, at=now, note=options.note)
    print(printable(f"{marked.id}: {translate('{state}, by {who}', state=marked.state, who=by)}"))
    return 0


def _find_protocol(places: Places, id: str) -> str | None:
    """None also without a registry: it takes over later what is marked meanwhile."""
    try:
        return open_service(places).find_protocol(id)
    except Refusal:
        return None
