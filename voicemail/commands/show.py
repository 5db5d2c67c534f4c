"""`voicemail show`: show everything about a message. Showing a message is logged, since it includes the number."""

from __future__ import annotations

import argparse
import json
import os

from common import instants, italian
from common.places import Places
from common.terminal_table import format_age, printable
from common.texts import current_language
from voicemail.commands.callback_service import json_argument, log_access, message_argument
from voicemail.commands.terminal_view import ZONE, local
from voicemail.message import Message
from voicemail.store import Store
from voicemail.texts import translate

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
        print(f"{translate(name):>9}  {printable(text)}")
    for mark in message.history:
        note = f": {mark.note}" if mark.note else ""
        done = translate("{state}, by {who}", state=mark.state, who=mark.by)
        print(f"{'':>9}  {local(mark.at)}  {printable(done + note)}")
    return 0


def _lines(message: Message, path: str, now: float) -> dict[str, str]:
    source = translate(NUMBER_SOURCES.get(message.number_source, message.number_source))
    left = translate(
        "{when} (Rome), {age} ago", when=instants.moment(message.left_at, ZONE), age=format_age(now - message.left_at)
    )
    length = translate("{seconds} s, {sound} s of sound", seconds=_seconds(message.seconds),
                       sound=_seconds(message.sound_seconds))  # fmt: skip
    return {
        "message": message.id,
        "left": left,
        "reason": message.reason,
        "call back": f"{message.number or '-'} ({source})",
        "length": length + (translate(", empty") if message.empty else ""),
        "ended by": message.ended_by,
        "call": message.call,
        "audio": path if os.path.exists(path) else translate("{path} (erased)", path=path),
        "state": message.state,
    }


def _seconds(value: float) -> str:
    """With one decimal, in the reader's language."""
    return italian.number(value, 1) if current_language() == "it" else f"{value:.1f}"
