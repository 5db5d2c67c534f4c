"""`queue-model`: the command of supervisors. Each command is a module of `queue_model.commands`, imported late."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from common import command_line
from queue_model.compiled import EngineWarning
from queue_model.errors import ModelError
from queue_model.simulation import allocator

COMMANDS = {
    "run": "simulate a scenario: every measure with its interval",
    "check": "do the promises of the Carta hold under a scenario?",
    "explain": "where each value of a scenario comes from: assumed, measured, documented",
    "staff": "fewest operators for each half-hour, by simulation, beside what formulas say",
    "compare": "scenarios on the same callers: what differs, how surely, which is better",
    "sweep": "one scenario with many settings, on all cores: a table and heat maps",
    "rota": "who works when, with breaks, by integer programming; then checked by simulation",
    "forecast": "how many will call, by day and half-hour, with intervals; scored on held-back weeks",
    "calibrate": "a scenario from the switch's own queue_log: arrivals, talk, patience, redials, with intervals",
    "erlang": "by formula, without a scenario: how many agents, lines or blocks of the day; priorities, retrials",
}


def main(argv: Sequence[str] | None = None) -> int:
    allocator.keep_freed_memory()
    description = "How many, when, what if: the service in numbers."
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show
            return command_line.run("queue-model", description, COMMANDS, "queue_model.commands", argv, (ModelError,))
    except MemoryError:
        print("queue-model: not enough memory; ask for fewer calls, fewer --days or fewer --jobs", file=sys.stderr)
        return 1


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning for users as a plain line, any other with its place in the code."""
    plain = issubclass(category, EngineWarning)
    text = f"queue-model: {message}\n" if plain else warnings.formatwarning(message, category, filename, lineno, line)
    print(text, end="", file=file or sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
