"""`registry`: requests from opening to closing. A command is a module of `registry.commands`, or one action of the
transition table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from common import command_line
from common.command_line import Command, Speaker
from ivr.configuration.compiled import site_language
from registry.requests.transitions import SUMMARIES
from registry.texts import translate

DESCRIPTION = "Every request has a number, a clock and an end."

COMMANDS: dict[str, str] = {
    "list": "list the open requests, oldest first",
    "due": "list what falls due, the oldest date first, and requests that wait for too long",
    "show": "show a request: its state, its history, the arithmetic of its clocks",
    "open": "open a request by hand",
    **SUMMARIES,
    "classify": "set what a request was about: topic, audience, outcome, level; answered calls wait for it",
    "stats": "count requests: opened, open, answered in time",
    "offices": "list the job centres, or import them from a CSV file",
    "transitions": "list the actions on a request, and when each is possible",
    "init": "create the keys and the tables, and copy topics and promises from the configuration",
    "migrate": "bring the tables to this program's revision, after a backup",
    "backup": "copy the database while it is in use, and check the copy",
    "drill": "restore the newest backup into a scratch database, and check it",
    "restore": "replace the database with a backup",
    "intake": "open requests from what happened on the calls",
    "find": "list everything that is held about a person, wherever it is stored",
    "export": "copy everything that is held about a person, for that person",
    "erase": "erase a person's data everywhere; the figures stay",
    "purge": "delete data past its retention period; run it daily",
}
# The commands of operators and supervisors; those of ops are in English.
OPERATOR_COMMANDS = ("list", "due", "show", "open", *SUMMARIES, "classify", "stats", "offices", "transitions")


def main(argv: Sequence[str] | None = None) -> int:
    speaker = Speaker(OPERATOR_COMMANDS, site_language, _introduction)
    return command_line.run(
        "registry", DESCRIPTION, COMMANDS, "registry.commands", argv, make=_action_command, speaker=speaker
    )


def _introduction() -> tuple[str, Mapping[str, str]]:
    return translate(DESCRIPTION), {name: translate(summary) for name, summary in COMMANDS.items()}


def _action_command(name: str) -> Command | None:
    """The command of an action of the transition table."""
    if name not in SUMMARIES:
        return None
    from registry.commands import request_action  # imported late: it loads the database package

    return request_action.command(name)


if __name__ == "__main__":
    sys.exit(main())
