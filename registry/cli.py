"""`registry`: requests from their first word to their end. Each command is a module of `registry.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ivr import cli

COMMANDS: dict[str, str] = {}


def main(argv: Sequence[str] | None = None) -> int:
    return cli.run("registry", "Every request has a number, a clock and an end.", COMMANDS, "registry.commands", argv)


if __name__ == "__main__":
    sys.exit(main())
