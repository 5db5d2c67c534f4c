"""`voicemail take`: take an entry of the list."""

from __future__ import annotations

import argparse

from common.places import Places
from common.terminal_table import printable
from voicemail.commands.callback_service import entry_arguments as arguments
from voicemail.commands.callback_service import open_service

__all__ = ["arguments", "run"]


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    entry = open_service(places).take(options.id, options.by, now)
    message = entry.messages[0] if entry.messages else "-"
    then = f"`voicemail play {message}`, then `voicemail call {entry.protocol} --by {options.by}`"
    print(printable(f"{entry.protocol}: yours; {then}"))
    return 0
