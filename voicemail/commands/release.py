"""`voicemail release`: return an entry to the list unchanged."""

from __future__ import annotations

import argparse

from common.places import Places
from voicemail.commands.callback_service import entry_arguments as arguments
from voicemail.commands.callback_service import open_service
from voicemail.texts import translate

__all__ = ["arguments", "run"]


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    protocol = open_service(places).release(options.id, options.by, now)
    print(translate("{protocol}: waits for another operator", protocol=protocol))
    return 0
