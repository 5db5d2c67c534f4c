"""`lab`: private copies of the real parts, and the demonstration. Each command is a module of `lab.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common import command_line
from ivr.configuration.compiled import CompiledError

COMMANDS = {
    "switch": "install, start and stop a private Asterisk",
    "postgres": "a private PostgreSQL for tests and benchmarks",
    "mariadb": "a private MariaDB, as a source of realtime tables",
    "demo": "a whole call on a real switch, step by step",
}


def main(argv: Sequence[str] | None = None) -> int:
    description = "Private copies of the real parts, without root."
    return command_line.run("lab", description, COMMANDS, "lab.commands", argv, (CompiledError,))


if __name__ == "__main__":
    sys.exit(main())
