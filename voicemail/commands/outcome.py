"""`voicemail outcome`: record how the call ended."""

from __future__ import annotations

import argparse

from common.places import Places
from voicemail.commands.callback_service import entry_arguments, open_service
from voicemail.commands.terminal_view import local
from voicemail.texts import translate


def arguments(parser: argparse.ArgumentParser) -> None:
    entry_arguments(parser)
    parser.add_argument("result", metavar=translate("RESULT"), help="reached, no_answer, busy, wrong_number, refused")
    outcomes = translate(
        "outcome of the request when reached: resolved (default), informed, referred, withdrawn, out_of_scope"
    )
    parser.add_argument("--as", dest="outcome", default="resolved", metavar=translate("OUTCOME"), help=outcomes)
    parser.add_argument("--keep", action="store_true", help=translate("reached, and the request stays with you"))
    parser.add_argument("--note", metavar=translate("TEXT"), help=translate("a note for the next person"))


def run(options: argparse.Namespace, places: Places, now: float) -> int:
    recorded = open_service(places).record_outcome(
        options.id, options.result, options.by, now, outcome=options.outcome, keep=options.keep, note=options.note
    )
    if recorded.next_try_at is not None:
        print(
            translate(
                "{protocol}: waits; next try from {next_try_at}",
                protocol=recorded.protocol,
                next_try_at=local(recorded.next_try_at),
            )
        )
    elif recorded.outcome is not None:
        print(translate("{protocol}: closed, {outcome}", protocol=recorded.protocol, outcome=recorded.outcome))
    else:
        print(translate("{protocol}: stays with {by}", protocol=recorded.protocol, by=options.by))
    return 0
