"""`measure`: the service in figures, from what the switch wrote. Each command is a module of `measure.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common import command_line

COMMANDS = {
    "ingest": "take in the switch's queue_log and CDR: every line once, as visits",
    "live": "show the queue now: who waits, seats by state, the figures of today",
    "report": "a month in figures, for inside or for the public: page, CSV and JSON",
    "operators": "weeks of single operators, by pseudonym: off unless an agreement is configured",
    "rebuild": "make the visits again from the lines that were taken in",
}


def main(argv: Sequence[str] | None = None) -> int:
    return command_line.run("measure", "What happened at the queue, in figures.", COMMANDS, "measure.commands", argv)


if __name__ == "__main__":
    sys.exit(main())
