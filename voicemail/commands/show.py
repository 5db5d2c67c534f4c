"""`voicemail show`: show everything about a message. Showing a message is logged, since it includes the number."""

from __future__ import annotations

import argparse
import json
import os

from common import instants
from common.places import Places
from common.terminal_table import format_age, printable
from voicemail.commands.callback_service import json_argument, log_access, message_argument
from voicemail.commands.terminal_view import local
from voicemail.message import Message
from voicemail.store import Store

NUMBER_SOURCES = {
    "cli": "the line they called from",
    "typed": "typed by the caller",
    "none": "none: listen for it",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    message_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    store = Store(places.messages)
    message = store.get(store.find(options.id))
    log_access(places, message.id, "show", now)
    path = store.audio(message.id)
    if options.json:
        print(json.dumps({**instants.with_iso_times(message.document()), "audio": path}, indent=1))
        return 0
    for name, text in _lines(message, path, now).items():
        print(f"{name:>9}  {printable(text)}")
    for mark in message.history:
        note = f": {mark.note}" if mark.note else ""
        print(f"{'':>9}  {local(mark.at, '%d %b %H:%M')}  {printable(f'{mark.state}, by {mark.by}{note}')}")
    return 0


def _lines(message: Message, path: str, now: float) -> dict[str, str]:
    source = NUMBER_SOURCES.get(message.number_source, message.number_source)
    empty = ", empty" if message.empty else ""
    return {
        "message": message.id,
        "left": f"{local(message.left_at, '%A %d %B %Y, %H:%M:%S')} (Rome), {format_age(now - message.left_at)} ago",
        "reason": message.reason,
        "call back": f"{message.number or '-'} ({source})",
        "length": f"{message.seconds:.1f} s, {message.sound_seconds:.1f} s of sound{empty}",
        "ended by": message.ended_by,
        "call": message.call,
        "audio": path if os.path.exists(path) else f"{path} (erased)",
        "state": message.state,
    }
