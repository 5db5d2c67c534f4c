"""`ivr`: the command of ops and developers. Each command is a module of `ivr.commands`, imported only when called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common import command_line
from ivr.configuration.compiled import CompiledError

COMMANDS = {
    "check": "find mistakes in config/ before a caller does",
    "compile": "write the one file that the call path reads",
    "graph": "draw the menu (Mermaid or SVG)",
    "prompts": "list, play and synthesise what callers hear",
    "rehearse": "play the caller yourself, in the terminal",
    "render": "write Asterisk's files from config/, show what changes",
    "serve": "run the FastAGI engine",
    "guard": "block addresses from which wrong passwords come",
    "facts": "show what happened on the calls",
}


def main(argv: Sequence[str] | None = None) -> int:
    description = "The telephone of the Numero Unico per il Lavoro."
    return command_line.run("ivr", description, COMMANDS, "ivr.commands", argv, (CompiledError,))


if __name__ == "__main__":
    sys.exit(main())
