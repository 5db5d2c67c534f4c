"""The frame of every program: one parser, one module per command, and how a program ends.

A command is anything with `arguments(parser)` and `run(options, places)`: usually a module, or a `Command` that the
program makes. It is loaded only when it is called, because start-up time matters.
"""

from __future__ import annotations

import argparse
import errno
import getpass
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from common.places import Places


class Refusal(Exception):
    """Something that the person can put right; the message names the place and the remedy."""


class Command(NamedTuple):
    """A command without a module of its own."""

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Places], int]


def user_name() -> str:
    """Who is at the terminal: everybody works through `sudo` as one account, which would name nobody."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def as_sentence(summary: str) -> str:
    """A summary as a sentence; names keep their capitals."""
    return summary[:1].upper() + summary[1:] + ("" if summary.endswith("?") else ".")


def run(
    name: str,
    description: str,
    summaries: Mapping[str, str],
    package: str,
    argv: Sequence[str] | None = None,
    problems: tuple[type[Exception], ...] = (),
    make: Callable[[str], Command | None] | None = None,
) -> int:
    """Run one of a program's commands and return the exit status.

    `make` returns the command of a name, or None when it is a module of `package`.

    A `Refusal`, or one of the program's own `problems`, is told in a line on standard error, with exit status 1.
    """
    return run_guarded(name, lambda: _run(name, description, summaries, package, argv, problems, make))


def run_guarded(name: str, work: Callable[[], int]) -> int:
    """The exit status of a whole program's work, also when it is interrupted or its standard output takes no more."""
    try:
        status = work()
        if sys.stdout is not None:  # a service manager, or `>&-`, may have given none
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:  # also while modules are still being imported
        return 130
    except BrokenPipeError:  # `ivr facts | head`
        _hush()
        return 0
    except OSError as problem:
        if not is_output_error(problem):
            raise
        print(f"{name}: standard output: not written: {problem.strerror}", file=sys.stderr)
        _hush()
        return 1


def is_output_error(problem: OSError) -> bool:
    """Whether it is standard output that takes no more, and no other file: then it still does not."""
    if problem.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or problem.filename is not None or not sys.stdout:
        return False
    try:
        print(flush=True)  # an empty line more does no harm before a failure is told
    except OSError:
        return True
    return False


def _hush() -> None:
    """Nothing more to a standard output that is no longer there, not even when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(
    name: str,
    description: str,
    summaries: Mapping[str, str],
    package: str,
    argv: Sequence[str] | None,
    problems: tuple[type[Exception], ...],
    make: Callable[[str], Command | None] | None,
) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--config", metavar="DIR", help="what ops own (default: config/, or $IVR_CONFIG)")
    parser.add_argument("--var", metavar="DIR", help="what the program writes (default: var/, or $IVR_VAR)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the chosen command's module is imported: `ivr check` should not wait for asyncio, nor a formula for SciPy.
    chosen = next((word for word in arguments if word in summaries), None)
    for each, summary in summaries.items():
        command = commands.add_parser(each, help=summary, description=as_sentence(summary))
        if each == chosen:
            module = (make and make(each)) or importlib.import_module(f"{package}.{each}")
            module.arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    expected: tuple[type[Exception], ...] = (Refusal, *problems)
    try:
        status: int = options.run(options, Places(options.config, options.var))
    except expected as problem:
        print(f"{name} {options.command}: {problem}", file=sys.stderr)
        return 1
    return status
