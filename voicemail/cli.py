"""`voicemail`: messages and call-backs. Each command is a module of `voicemail.commands`.

A command has `arguments(parser)` and `run(options, places, now)`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from common import command_line
from common.command_line import Command, Refusal, Speaker, is_output_error
from common.file_errors import describe
from common.places import Places
from common.terminal_table import printable
from ivr.configuration.compiled import site_language
from voicemail.message import StoreError
from voicemail.texts import translate

DESCRIPTION = "Messages of callers, and calling them back."
COMMANDS = {
    "list": "list the call-backs, most urgent first",
    "show": "show everything about a message",
    "play": "play a message on this machine",
    "mark": "record in the message store what was done about a message",
    "take": "take an entry of the list; other operators can then not take it",
    "release": "return an entry to the list unchanged",
    "call": "ring your telephone, then the citizen's",
    "outcome": "record how the call ended",
    "notify": "e-mail the team leader about messages, once about each; for a timer",
    "transcribe": "transcribe messages with a speech model of yours",
    "recover": "bring in messages that a crash left behind, and those that the switch recorded by itself",
}
# The commands of operators and supervisors; those of ops are in English.
OPERATOR_COMMANDS = ("list", "show", "play", "mark", "take", "release", "call", "outcome")


def main(argv: Sequence[str] | None = None, clock: Callable[[], float] = time.time) -> int:
    speaker = Speaker(OPERATOR_COMMANDS, site_language, _introduction)
    return command_line.run(
        "voicemail", DESCRIPTION, COMMANDS, "voicemail.commands", argv, make=lambda name: _command(name, clock),
        speaker=speaker,
    )  # fmt: skip


def _introduction() -> tuple[str, Mapping[str, str]]:
    return translate(DESCRIPTION), {name: translate(summary) for name, summary in COMMANDS.items()}


def _command(name: str, clock: Callable[[], float]) -> Command:
    """A command whose errors are refusals, with text from outside made harmless for the terminal."""
    module = importlib.import_module(f"voicemail.commands.{name}")

    def run(options: argparse.Namespace, places: Places) -> int:
        try:
            status: int = module.run(options, places, clock())
        except (Refusal, StoreError) as problem:
            raise Refusal(printable(str(problem))) from None
        except OSError as problem:
            if isinstance(problem, BrokenPipeError) or is_output_error(problem):
                raise
            file = problem.filename or places.messages
            raise Refusal(printable(describe(problem, file))) from None
        return status

    return Command(module.arguments, run)


if __name__ == "__main__":
    sys.exit(main())
