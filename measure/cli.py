"""`measure`: figures of the service from the switch's logs. Each command is a module of `measure.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common import command_line

COMMANDS = {
    "ingest": "read the switch's queue_log and CDR, every line once, and build visits",
    "live": "show the queue now: waiting callers, seats by state, today's figures",
    "report": "write the report of a month, internal or public: HTML, CSV and JSON",
    "operators": "show weekly figures of single operators, by pseudonym; off unless an agreement is configured",
    "rebuild": "build all visits again from the stored lines",
}


def main(argv: Sequence[str] | None = None) -> int:
    return command_line.run("measure", "Figures of the queue and the service.", COMMANDS, "measure.commands", argv)


if __name__ == "__main__":
    sys.exit(main())
