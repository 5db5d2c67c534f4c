"""`voicemail call`: ring the operator's telephone, then the citizen's."""

from __future__ import annotations

import argparse
import asyncio
from functools import partial

from common.places import Places
from voicemail.commands.callback_service import entry_arguments, open_service
from voicemail.texts import translate


def arguments(parser: argparse.ArgumentParser) -> None:
    entry_arguments(parser)
    parser.add_argument(
        "--switch",
        default="main",
        metavar=translate("NAME"),
        help=translate("the name of a private switch (default: %(default)s)"),
    )


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    from ivr.ami.account import account  # imported late, as the service is

    service = open_service(places)
    switch_account = partial(account, places, switch=options.switch)
    result = asyncio.run(service.call(options.id, options.by, now, switch_account, _print_ringing))
    print(f"{result.protocol}: {result.reason}")
    if result.proposed == "failed":
        print(translate("this does not count as an attempt; try again, or release the entry"))
        return 1
    print(
        translate(
            "record how it ended: voicemail outcome {protocol} {proposed} --by {by}",
            protocol=result.protocol,
            proposed=result.proposed,
            by=options.by,
        )
    )
    return 0


def _print_ringing(protocol: str, seat: str) -> None:
    print(
        translate(
            "{protocol}: ringing {seat}; lift the receiver, then the citizen is called", protocol=protocol, seat=seat
        ),
        flush=True,
    )
