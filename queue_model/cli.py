"""`queue-model`: the command of supervisors. Each command is a module of `queue_model.commands`, imported late."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ivr.cli import Refusal
from ivr.places import Places
from queue_model.errors import ModelError

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
    "erlang": "how many agents, by formula: Erlang C, Erlang A and the square-root rule side by side",
}


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="queue-model", description="How many, when, what if: the service in numbers.")
    parser.add_argument("--config", metavar="DIR", help="what ops own (default: config/, or $IVR_CONFIG)")
    parser.add_argument("--var", metavar="DIR", help="what the program writes (default: var/, or $IVR_VAR)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the chosen command's module is imported: a formula should not wait for SciPy.
    chosen = next((word for word in arguments if word in COMMANDS), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name == chosen:
            module = importlib.import_module(f"queue_model.commands.{name}")
            module.arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options, Places(options.config, options.var))
    except (Refusal, ModelError) as problem:
        print(f"queue-model {options.command}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `queue-model erlang ... | head`
        sys.stderr.close()
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
