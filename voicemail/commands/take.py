"""`voicemail take`: take an entry of the list."""

from __future__ import annotations

import argparse

from common.places import Places
from common.terminal_table import printable
from voicemail.commands.callback_service import entry_arguments as arguments
from voicemail.commands.callback_service import open_service
from voicemail.texts import translate

__all__ = ["arguments", "run"]


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    entry = open_service(places).take(options.id, options.by, now)
    message = entry.messages[0] if entry.messages else "-"
    then = translate(
        "`voicemail play {message}`, then `voicemail call {protocol} --by {who}`",
        message=message, protocol=entry.protocol, who=options.by,
    )  # fmt: skip
    print(printable(translate("{protocol}: yours; {then}", protocol=entry.protocol, then=then)))
    return 0
