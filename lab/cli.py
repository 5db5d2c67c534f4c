"""`lab`: private copies of the real parts, and the demonstration. Each command is a module of `lab.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common import command_line

COMMANDS = {
    "switch": "install, start and stop a private Asterisk",
    "postgres": "a private PostgreSQL for tests and benchmarks",
    "demo": "a whole call on a real switch, step by step",
}


def main(argv: Sequence[str] | None = None) -> int:
    return command_line.run("lab", "Private copies of the real parts, without root.", COMMANDS, "lab.commands", argv)


if __name__ == "__main__":
    sys.exit(main())
