"""`registry`: requests from their first word to their end. Each command is a module of `registry.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common import command_line

COMMANDS: dict[str, str] = {
    "list": "the requests that are open, oldest first",
    "due": "what falls due, the oldest date first",
    "show": "how a request stands, its history, the arithmetic of its clocks",
    "open": "a request by hand",
    "take": "take a request yourself",
    "assign": "give a request to an operator",
    "release": "put a request back: nobody has it",
    "answer": "the citizen has the answer",
    "wait": "the citizen has to do something first; the clock stands still",
    "resume": "the citizen has done it; the clock runs again",
    "escalate": "pass a request to the next level",
    "return": "send a request back to the level that it came from",
    "refer": "pass a request to a job centre",
    "close": "end a request, with its outcome",
    "reopen": "open a request again, with a further clock",
    "merge": "close a request as another one's double",
    "stats": "how many came, are open, were answered in time",
    "offices": "the job centres; take them in from a CSV",
    "transitions": "what can be done with a request, and when",
    "init": "make the keys and the tables, and bring in topics and promises from the configuration",
    "migrate": "bring the tables to this program's revision, after a backup",
    "backup": "a copy of the database while it is in use, checked",
    "restore": "put a copy in the place of the database",
    "intake": "take in what happened on the calls, open requests from it",
    "find": "everything that is held about a person, wherever it lies",
    "export": "copies of everything that is held about a person, for that person",
    "erase": "forget a person, everywhere; the figures stay",
    "purge": "let go of everything whose days are over; to be run daily",
}


def main(argv: Sequence[str] | None = None) -> int:
    return command_line.run(
        "registry", "Every request has a number, a clock and an end.", COMMANDS, "registry.commands", argv
    )


if __name__ == "__main__":
    sys.exit(main())
