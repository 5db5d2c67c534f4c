"""`queue-model`, the command of supervisors. Each subcommand is a module of `queue_model.commands`, imported on use."""

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
    "run": "simulate a scenario and report every measure with its interval",
    "check": "check whether the promises of the Carta hold under a scenario",
    "explain": "show the origin of each value of a scenario: assumed, measured, documented",
    "staff": "find the fewest operators for each half-hour, by simulation, and compare formulas",
    "compare": "compare scenarios on the same callers: differences, their certainty, a ranking",
    "sweep": "simulate one scenario with many settings on all cores: a table and heat maps",
    "rota": "plan shifts and breaks by integer programming, then check them by simulation",
    "forecast": "forecast calls by day and half-hour with intervals, scored on held-back weeks",
    "calibrate": "fit a scenario to the queue_log of the switch: arrivals, talk, patience, redials",
    "erlang": "by formula, without a scenario: how many agents, lines or blocks of the day; priorities, retrials",
}


def main(argv: Sequence[str] | None = None) -> int:
    allocator.keep_freed_memory()
    description = "Simulate and plan the service."
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
