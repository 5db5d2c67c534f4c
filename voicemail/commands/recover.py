"""`voicemail recover`: bring in messages that a crash left behind, and those that the switch recorded by itself."""

from __future__ import annotations

import argparse

from common.command_line import Refusal
from common.places import Places
from common.terminal_table import printable
from ivr.configuration.compiled import CompiledError, load
from ivr.facts import Spool, stderr_alarm
from voicemail.native import HousekeepingError, housekeeping
from voicemail.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    try:
        compiled = load(places.compiled)
    except CompiledError as problem:
        raise Refusal(str(problem)) from None
    store = Store(places.messages)
    before = {message.id for message in store.list()}
    spool = Spool(places.facts, stderr_alarm)
    try:
        housekeeping(places, compiled, spool.write, now)
    except HousekeepingError as problem:
        raise Refusal(str(problem)) from None
    finally:
        spool.seal()
        recovered = [message for message in store.list() if message.id not in before]
        for message in recovered:
            print(printable(f"{message.id}  {message.seconds:.0f} s  {message.reason}"))
        print(f"{len(recovered)} message{'' if len(recovered) == 1 else 's'} recovered")
    return 0
